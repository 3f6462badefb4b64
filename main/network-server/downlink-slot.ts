import { type EvidenceData, fact, OUTCOME, STAGE } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { DownlinkScheduler, ScheduledDownlink } from '../base/seams.ts';
import { timeOnAirUs } from '../lorawan/index.ts';
import type { ApplicationHandler } from '../seams/application-traffic.ts';
import {
  type AssembledDownlink,
  type Assembly,
  assembleDownlink,
  type SlotUplink,
  takeBack,
} from './assemble-downlink.ts';
import type { UplinkGroup } from './deduplication.ts';
import { schedulesDownlinks } from './device-profile.ts';
import { storeCause } from './errors.ts';
import { correlationIds, type DeviceEvents } from './events.ts';
import { current, macEventData } from './mac/index.ts';
import type { NetworkDevice, NetworkStore } from './ports.ts';
import { downlinkPaths } from './receptions.ts';
import type { LiveSession, OnAir, SessionCache } from './session-cache.ts';
import type { Transmitter } from './transmit.ts';
import { rx1DelayMs } from './windows.ts';

/** Time for storing the counter before a frame can go to its gateway. */
export const COMMIT_ALLOWANCE_MS = 50;

export interface SlotOptions {
  readonly store: NetworkStore;
  readonly sessions: SessionCache;
  readonly scheduler: DownlinkScheduler;
  readonly transmitter: Transmitter;
  readonly application: ApplicationHandler;
  readonly events: DeviceEvents;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Uses the receive windows that an uplink opens. */
export interface DownlinkSlots {
  /** Waits as long as the gateways' lead time allows, so that an application's reply to this uplink still makes it. */
  open(session: LiveSession, group: UplinkGroup, uplink: SlotUplink): void;
}

/** When a frame that was just handed over is on air. */
export function onAir(
  { marginMs, modulation }: ScheduledDownlink,
  phyPayload: Uint8Array,
  clock: Clock,
): OnAir {
  const startMonotonicMs = clock.monotonic() + marginMs;
  const airtimeMs = timeOnAirUs(modulation, phyPayload.length) / 1000;
  return { startMonotonicMs, endMonotonicMs: startMonotonicMs + airtimeMs };
}

/** The session as it is now: the cache may have been read anew since the uplink. */
function latest(sessions: SessionCache, session: LiveSession): LiveSession | undefined {
  return sessions
    .byDevAddr(session.devAddr)
    .find(({ id, kind }) => id === session.id && kind === 'current');
}

/** Creates the timing of class A downlinks. */
export function createDownlinkSlots(options: SlotOptions): DownlinkSlots {
  const { store, sessions, scheduler, transmitter, application, events, clock } = options;

  const notice = (session: LiveSession, group: UplinkGroup) => ({
    device: session.device,
    devAddr: session.devAddr,
    correlationIds: correlationIds(group),
  });

  const tellApplication = (
    session: LiveSession,
    group: UplinkGroup,
    assembly: Pick<Assembly, 'failed'>,
  ): void => {
    for (const { downlink, cause } of assembly.failed)
      application.downlinkFailed({ ...notice(session, group), downlink, cause });
  };

  /** What the frame overtook goes back into the queue. Runs in the frame's own unit: an accepted downlink outlives a crash. */
  const requeue = (
    session: LiveSession,
    group: UplinkGroup,
    { invalidated: downlinks, lastFCntDown }: Pick<Assembly, 'invalidated' | 'lastFCntDown'>,
  ): void => {
    if (downlinks.length === 0) return;
    const { device, sessionKeyId } = session;
    const about = { ...notice(session, group), sessionKeyId };
    const again = application.queueInvalidated({ ...about, downlinks, lastFCntDown });
    store.downlinkQueue.push(device.row, sessionKeyId, again);
  };

  const evidenceOf = (
    { message }: NetworkDevice,
    { fullFCnt, item, requests }: AssembledDownlink,
  ): EvidenceData[] => [
    fact('full_f_cnt', fullFCnt),
    fact('application_payload', item !== undefined),
    // Said where somebody wonders why it came so late.
    ...(item && message.supportsClassB && !message.supportsClassC
      ? [fact('served_as_class', 'A')]
      : []),
    ...(requests.length > 0
      ? [fact('mac_requests', requests.map(({ name }) => name).join(' '))]
      : []),
  ];

  const transmit = async (
    session: LiveSession,
    group: UplinkGroup,
    downlink: AssembledDownlink,
  ): Promise<void> => {
    const { item, fullFCnt, phyPayload, windows, priority } = downlink;
    const { device, devAddr, profile } = session;
    if (!profile) return;
    for (const command of downlink.requests) {
      const data = macEventData(command);
      events.publish(`ns.mac.${snakeName(command.name)}.request`, device, {
        devAddr,
        correlationIds: correlationIds(group),
        ...(data && { data: () => data }),
      });
    }
    const taken = transmitter.send(
      {
        request: {
          phyPayload,
          windows,
          priority,
          paths: downlinkPaths(group.receptions),
          bandId: profile.band.id,
          phyVersion: profile.band.phyVersion,
          frequencyPlanId: profile.plan.id,
        },
        group,
        device,
        facts: { device, devAddr, fullFCnt, band: profile.band },
        stages: [
          {
            kind: STAGE.NETWORK,
            outcome: OUTCOME.ACCEPTED,
            evidence: evidenceOf(device, downlink),
          },
        ],
        eventPrefix: 'ns.down.data',
      },
      {
        again(scheduled) {
          session.activity.lastDownlink = onAir(scheduled, phyPayload, clock);
        },
        done(cause) {
          if (!item) return;
          const about = { ...notice(session, group), downlink: item.downlink };
          if (cause) application.downlinkFailed({ ...about, cause });
          else application.downlinkSent(about);
        },
      },
    );
    if (taken) {
      session.activity.lastDownlink = onAir(taken, phyPayload, clock);
      if (item) await store.unit(() => store.downlinkQueue.remove(item.id));
      return;
    }
    await store.unit(() => {
      const invalidated = takeBack(store, session, downlink);
      requeue(session, group, { invalidated, lastFCntDown: fullFCnt });
    });
  };

  const use = async (
    opened: LiveSession,
    group: UplinkGroup,
    uplink: SlotUplink,
  ): Promise<void> => {
    const session = latest(sessions, opened);
    if (!session) return;
    const nowMs = clock.now();
    const assemble = (): Assembly => {
      const assembled = assembleDownlink(store, session, uplink, nowMs);
      requeue(session, group, assembled);
      return assembled;
    };
    let assembly: Assembly;
    try {
      assembly = await store.unit(assemble);
    } catch (error) {
      // A frame whose counter is not durable never leaves.
      const { device, ...about } = notice(session, group);
      const causeCode = storeCause(error);
      events.publish('ns.down.data.schedule.fail', device, { ...about, causeCode });
      throw error;
    }
    tellApplication(session, group, assembly);
    if (assembly.cause) {
      const { device, ...about } = notice(session, group);
      events.publish('ns.down.rx.parameters.fail', device, {
        ...about,
        causeCode: assembly.cause,
      });
    }
    if (assembly.downlink) await transmit(session, group, assembly.downlink);
  };

  return {
    open(session, group, uplink) {
      const { activity } = session;
      activity.slot?.cancel();
      activity.lastGroup = group;
      if (!schedulesDownlinks(session.device.message.macSettings)) return;
      const startMs = group.first.receivedMonotonicMs + rx1DelayMs(current(session.mac));
      const leadMs = scheduler.leadTimeMs(group.receptions) + COMMIT_ALLOWANCE_MS;
      activity.slot = clock.setTimer(startMs - leadMs - clock.monotonic(), () => {
        activity.slot = undefined;
        use(session, group, uplink).catch((error: unknown) => {
          const { deviceId } = session.device;
          options.logger.error({ deviceId, error: errorText(error) }, 'a downlink was not sent');
        });
      });
    },
  };
}

/** `LinkAdrReq` → `link_adr`. */
function snakeName(name: string): string {
  return name
    .replace(/(Req|Ans)$/, '')
    .replace(/(?<!^)([A-Z])/g, '_$1')
    .toLowerCase();
}
