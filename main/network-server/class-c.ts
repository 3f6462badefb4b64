import { Class } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { type CauseCode, fact, OUTCOME, STAGE } from '../base/causes.ts';
import { errorText } from '../base/errors.ts';
import type { ScheduledDownlink, ScheduleRefusal } from '../base/seams.ts';
import type { QueuedDownlink } from '../store/index.ts';
import { classCFrameBytes, sealClassC, stopWaiting, takeBackClassC } from './class-c-frame.ts';
import { isHopeless } from './class-c-gateways.ts';
import { absoluteMs, answerDueMs, answerTimeoutMs, type Step, stepFor } from './class-c-step.ts';
import { schedulesDownlinks } from './device-profile.ts';
import { onAir, type SlotOptions } from './downlink-slot.ts';
import type { LiveSession } from './session-cache.ts';
import { mainCause } from './transmit.ts';

/** Sends to devices that listen all the time (TS001-1.0.4 §17), outside the windows that their uplinks open. */
export interface ClassCDownlinks {
  /** Something changed for the device: its queue, its session, or it was heard. Looks again what to send and when. */
  wake(deviceRow: number): void;
  /** Looks after all devices that something is queued for. */
  wakeAll(): Promise<void>;
}

/** When a downlink that no gateway takes now is tried again. */
const RETRY_MS = 2_200;
/** Devices that are looked at in one go after the start. */
const WAKE_AT_ONCE = 50;

class ClassC implements ClassCDownlinks {
  readonly #options: SlotOptions;
  /** Devices that are being looked at, and whether to look once more. */
  readonly #busy = new Map<number, boolean>();

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  wake(deviceRow: number): void {
    const isBusy = this.#busy.has(deviceRow);
    this.#busy.set(deviceRow, isBusy);
    if (isBusy) return;
    this.#run(deviceRow)
      .catch((error: unknown) => {
        this.#options.logger.error(
          { deviceRow, error: errorText(error) },
          'a class C downlink was not sent',
        );
        return RETRY_MS;
      })
      .then((waitMs) => {
        const isAgain = this.#busy.get(deviceRow) === true;
        this.#busy.delete(deviceRow);
        if (isAgain) {
          this.wake(deviceRow);
          return;
        }
        const session = waitMs === undefined ? undefined : this.#session(deviceRow);
        if (waitMs !== undefined && session) this.#arm(session, waitMs);
      })
      .catch(() => this.#busy.delete(deviceRow));
  }

  async wakeAll(): Promise<void> {
    const { clock, store } = this.#options;
    let last = 0;
    for (;;) {
      await clock.sleep(0);
      const rows = store.downlinkQueue.devices(last, WAKE_AT_ONCE);
      for (const row of rows) this.wake(row);
      last = rows.at(-1) ?? last;
      if (rows.length < WAKE_AT_ONCE) return;
    }
  }

  #arm({ activity, device }: LiveSession, waitMs: number): void {
    activity.classC?.cancel();
    activity.classC = this.#options.clock.setTimer(waitMs, () => this.wake(device.row));
  }

  #session(deviceRow: number): LiveSession | undefined {
    const { store, sessions } = this.#options;
    const stored = store.networkSessions.byDevice(deviceRow).current;
    return (
      stored &&
      sessions.byDevAddr(stored.devAddr).find(({ id, kind, mac }) => {
        return id === stored.id && kind === 'current' && mac.deviceClass === Class.C;
      })
    );
  }

  #next(session: LiveSession): Step {
    const { store, clock } = this.#options;
    const now = { wallMs: clock.now(), monotonicMs: clock.monotonic() };
    const dueMs = answerDueMs(session);
    const { pendingApplicationDownlink: waiting } = session.mac;
    if (waiting && dueMs !== undefined && dueMs <= now.wallMs)
      return { kind: 'unanswered', downlink: waiting };
    const item = store.downlinkQueue
      .list(session.device.row)
      .find(({ sessionKeyId }) => sameBytes(sessionKeyId, session.sessionKeyId));
    if (item) return stepFor(session, item, now);
    if (dueMs === undefined) return { kind: 'none' };
    return { kind: 'wait', untilMs: now.monotonicMs + dueMs - now.wallMs };
  }

  /** Does what can be done now; answers in how many milliseconds to look again. */
  async #run(deviceRow: number): Promise<number | undefined> {
    const { clock } = this.#options;
    for (;;) {
      const session = this.#session(deviceRow);
      if (!session || !schedulesDownlinks(session.device.message.macSettings)) return undefined;
      const step = this.#next(session);
      switch (step.kind) {
        case 'none':
          return undefined;
        case 'unknown_window':
          this.#tellOnce(
            session,
            step.item,
            'ns.down.rx.parameters.fail',
            'receive_windows_unknown',
          );
          return undefined;
        case 'wait':
          return Math.max(0, step.untilMs - clock.monotonic());
        case 'unanswered':
          await this.#unanswered(session, step.downlink);
          break;
        case 'fail':
          await this.#fail(session, step.item, step.cause);
          break;
        case 'send': {
          const waitMs = await this.#send(session, step.item, step.requests);
          if (waitMs !== 'done') return waitMs;
        }
      }
    }
  }

  #notice({ device, devAddr }: LiveSession, downlink: ApplicationDownlink) {
    return { device, devAddr, downlink, correlationIds: downlink.correlationIds };
  }

  async #unanswered(session: LiveSession, downlink: ApplicationDownlink): Promise<void> {
    const { store, application } = this.#options;
    await store.unit(() => stopWaiting(store, session, downlink));
    application.downlinkNotAcknowledged(this.#notice(session, downlink));
  }

  async #fail(session: LiveSession, item: QueuedDownlink, cause: CauseCode): Promise<void> {
    const { store, application, events } = this.#options;
    await store.unit(() => store.downlinkQueue.remove(item.id));
    const about = this.#notice(session, item.downlink);
    const { devAddr, correlationIds } = about;
    events.publish('ns.down.data.schedule.fail', session.device, {
      devAddr,
      correlationIds,
      causeCode: cause,
    });
    application.downlinkFailed({ ...about, cause });
  }

  /** It cannot be sent now. Said once for each reason: it is tried again and again. */
  #tellOnce(
    session: LiveSession,
    { id }: QueuedDownlink,
    event: string,
    causeCode: CauseCode,
  ): void {
    const { clock, events } = this.#options;
    const { activity, device, devAddr } = session;
    const nowMs = clock.monotonic();
    if (activity.postponed?.itemId !== id)
      activity.postponed = { itemId: id, sinceMs: nowMs, cause: undefined };
    const { postponed } = activity;
    if (postponed.cause !== causeCode) {
      postponed.cause = causeCode;
      events.publish(event, device, { devAddr, causeCode });
    }
  }

  /** No gateway takes it now: it is tried again and again, or fails. */
  async #postponed(
    session: LiveSession,
    item: QueuedDownlink,
    refusals: readonly ScheduleRefusal[],
  ): Promise<number | 'done'> {
    const causeCode = mainCause(refusals);
    const { activity } = session;
    const waitedMs =
      activity.postponed?.itemId === item.id
        ? this.#options.clock.monotonic() - activity.postponed.sinceMs
        : 0;
    const waited = { ms: waitedMs, limitMs: answerTimeoutMs(session) };
    if (isHopeless(item.downlink, refusals, waited)) {
      await this.#fail(session, item, causeCode);
      return 'done';
    }
    this.#tellOnce(session, item, 'ns.down.data.schedule.fail', causeCode);
    return RETRY_MS;
  }

  async #send(
    session: LiveSession,
    item: QueuedDownlink,
    requests: Extract<Step, { kind: 'send' }>['requests'],
  ): Promise<number | undefined | 'done'> {
    const { store, scheduler, clock } = this.#options;
    const atMs = absoluteMs(item.downlink);
    if (requests.length === 0) return atMs === undefined ? undefined : atMs - clock.now();
    // Asked before the counter is used up: a refused frame would cost one with every attempt.
    const phyPayload = new Uint8Array(classCFrameBytes(item));
    const refusals = requests.map((one) => scheduler.checkFree({ ...one, phyPayload }));
    if (refusals.every((list) => list !== undefined))
      return this.#postponed(session, item, refusals.flat());
    session.activity.postponed = undefined;
    const sealed = await store.unit(() => sealClassC(store, session, item, clock.now()));
    const taken = this.#transmit(session, item, sealed, requests);
    if (taken) {
      session.activity.lastDownlink = onAir(taken, sealed, clock);
      await store.unit(() => store.downlinkQueue.remove(item.id));
      return 'done';
    }
    await store.unit(() => this.#requeue(session, item));
    return RETRY_MS;
  }

  /** The counter is used up and nothing was sent: what is queued gets new ones. Runs inside a unit. */
  #requeue(session: LiveSession, item: QueuedDownlink): void {
    const { store, application } = this.#options;
    const downlinks = takeBackClassC(store, session, item);
    if (downlinks.length === 0) return;
    const { device, devAddr, sessionKeyId } = session;
    const { fCnt: lastFCntDown, correlationIds } = item.downlink;
    const again = application.queueInvalidated({
      device,
      devAddr,
      sessionKeyId,
      downlinks,
      lastFCntDown,
      correlationIds,
    });
    store.downlinkQueue.push(device.row, sessionKeyId, again);
  }

  /** One transmission for each group of gateways; the first one taken speaks for all. */
  #transmit(
    session: LiveSession,
    { downlink }: QueuedDownlink,
    phyPayload: Uint8Array,
    requests: Extract<Step, { kind: 'send' }>['requests'],
  ): ScheduledDownlink | undefined {
    const { transmitter, clock } = this.#options;
    const { device, devAddr, profile } = session;
    const { fCnt: fullFCnt, correlationIds } = downlink;
    const evidence = [fact('full_f_cnt', fullFCnt), fact('device_class', 'C')];
    let first: ScheduledDownlink | undefined;
    for (const request of requests) {
      const speaks = !first;
      const taken = transmitter.send(
        {
          request: { ...request, phyPayload },
          correlationIds,
          device,
          facts: { device, devAddr, fullFCnt, band: profile?.band },
          stages: [{ kind: STAGE.NETWORK, outcome: OUTCOME.ACCEPTED, evidence }],
          eventPrefix: 'ns.down.data',
        },
        {
          again: (scheduled) => {
            if (speaks) session.activity.lastDownlink = onAir(scheduled, phyPayload, clock);
          },
          done: (cause) => {
            if (speaks) this.#transmitted(session, downlink, cause);
          },
        },
      );
      first ??= taken;
    }
    return first;
  }

  #transmitted(
    session: LiveSession,
    downlink: ApplicationDownlink,
    cause: CauseCode | undefined,
  ): void {
    const { application, store, logger } = this.#options;
    const about = this.#notice(session, downlink);
    if (!cause) {
      application.downlinkSent(about);
      return;
    }
    application.downlinkFailed({ ...about, cause });
    const now = this.#session(session.device.row);
    if (!downlink.confirmed || !now) return;
    store
      .unit(() => stopWaiting(store, now, downlink))
      .then(() => this.wake(now.device.row))
      .catch((error: unknown) => {
        logger.error({ error: errorText(error) }, 'a failed downlink is still waited for');
      });
  }
}

/** Creates the timing of class C downlinks. */
export function createClassCDownlinks(options: SlotOptions): ClassCDownlinks {
  return new ClassC(options);
}
