import type { Frame } from '../api/gen/gatehouse/v1/frames_pb.js';
import {
  CAUSES,
  type CauseCode,
  type EvidenceData,
  fact,
  OUTCOME,
  STAGE,
  type StageData,
} from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { TxAcknowledgment, TxResult } from '../base/gateway-link.ts';
import type { Logger } from '../base/logger.ts';
import type {
  DownlinkRequest,
  DownlinkScheduler,
  DownlinkWindow,
  FreeDownlinkRequest,
  ScheduledDownlink,
  ScheduleRefusal,
  ScheduleResult,
  TriedWindow,
} from '../base/seams.ts';
import type { EventData } from '../events/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import { correlationIds, type DeviceEvents, downlinkData, scheduleData } from './events.ts';
import type { NetworkDevice, NetworkStore } from './ports.ts';
import {
  acknowledgedRecord,
  downlinkRecord,
  type FrameFacts,
  placeOnAir,
  transmissionRecord,
  verdictMessage,
} from './records.ts';

/** A downlink to hand over, with what its record says about it. */
export interface Outgoing {
  readonly request: DownlinkRequest | FreeDownlinkRequest;
  /** The uplink whose windows it uses; none for class C. */
  readonly group?: UplinkGroup;
  /** Ids it belongs to without an uplink. */
  readonly correlationIds?: readonly string[];
  readonly device: NetworkDevice;
  readonly facts: FrameFacts;
  /** What the network side says about it. */
  readonly stages: readonly StageData[];
  /** `ns.down.data` or `ns.down.join`. */
  readonly eventPrefix: 'ns.down.data' | 'ns.down.join';
}

export interface TransmitterOptions {
  readonly store: NetworkStore;
  readonly scheduler: DownlinkScheduler;
  readonly clock: Clock;
  readonly events: DeviceEvents;
  readonly logger: Logger;
}

/** Hands downlinks to the gateways and keeps their records. */
export interface Transmitter {
  /**
   * How a gateway took it; undefined if none did. A gateway that takes it and then says that it will not transmit is
   * followed by its next window or another gateway, as long as there is time; `watch` is told of each.
   */
  send(outgoing: Outgoing, watch?: TransmissionWatch): ScheduledDownlink | undefined;
}

/** What becomes of a downlink after the first gateway took it. */
export interface TransmissionWatch {
  /** Another window or gateway took it. */
  again?(scheduled: ScheduledDownlink): void;
  /** It was transmitted, or was not for that cause. */
  done?(cause: CauseCode | undefined): void;
}

function causeOf(text: string): CauseCode {
  return text in CAUSES ? (text as CauseCode) : 'unknown';
}

function idsOf({ group, correlationIds: ids = [] }: Outgoing): readonly string[] {
  return group ? correlationIds(group) : ids;
}

/** The record of the uplink that it answers; 0 without one. */
function uplinkFrameIdOf({ group }: Outgoing): Promise<number> {
  return group ? group.recorded : Promise.resolve(0);
}

/** Reasons in the order they were given, one fact each. */
function refusalEvidence(refusals: readonly ScheduleRefusal[]): EvidenceData[] {
  return refusals.flatMap(({ gatewayId, window, cause, evidence }) => [
    fact(`refused_${window.toLowerCase()}`, `${gatewayId}: ${cause}`),
    ...Object.entries(evidence).map(([name, value]) => fact(name, value)),
  ]);
}

/** The reason that says most: a gateway that could not transmit at all says least. */
export function mainCause(refusals: readonly ScheduleRefusal[]): CauseCode {
  const telling = refusals.find(({ cause }) => cause !== 'no_downlink_path');
  return causeOf(telling?.cause ?? 'no_downlink_path');
}

function resultCause(result: TxResult): CauseCode | undefined {
  return result === 'success' ? undefined : causeOf(result);
}

/** Answers after which the frame was certainly not transmitted. */
function mayTryAgain(result: TxResult): boolean {
  return result !== 'success' && result !== 'no_acknowledgment';
}

/** One downlink on its way, through one gateway after another. */
class Transmission {
  readonly #options: TransmitterOptions;
  readonly #outgoing: Outgoing;
  readonly #watch: TransmissionWatch;
  readonly #ids: readonly string[];
  readonly #tried: TriedWindow[] = [];
  /** What gateways said, in the order they were asked. */
  readonly #history: EvidenceData[] = [];
  #frameId: Promise<number> = Promise.resolve(0);
  #isGpsLost = false;

  constructor(options: TransmitterOptions, outgoing: Outgoing, watch: TransmissionWatch) {
    this.#options = options;
    this.#outgoing = outgoing;
    this.#watch = watch;
    this.#ids = idsOf(outgoing);
  }

  /** Asks the gateways for the first time. */
  start(): ScheduledDownlink | undefined {
    const result = this.#ask();
    if (!result.ok) {
      this.#refused(mainCause(result.refusals));
      return undefined;
    }
    const { facts } = this.#outgoing;
    const { phyPayload } = this.#outgoing.request;
    const { scheduled } = result;
    const nowMs = this.#options.clock.now();
    const stages = this.#stages({ outcome: OUTCOME.SCHEDULED }, scheduled);
    this.#frameId = this.#record((uplinkFrameId) =>
      downlinkRecord({ phyPayload, nowMs, stages, facts, uplinkFrameId, scheduled }),
    );
    this.#follow(scheduled, nowMs);
    return scheduled;
  }

  #ask(): ScheduleResult {
    const { scheduler } = this.#options;
    const { request, device, facts } = this.#outgoing;
    this.#publish('schedule.attempt', {
      data: () => downlinkData(request.phyPayload, device, facts.devAddr),
    });
    const about = { correlationIds: this.#ids, except: this.#tried };
    const result =
      'windows' in request
        ? scheduler.schedule({ ...request, ...about })
        : scheduler.scheduleFree({ ...request, ...about });
    this.#history.push(...refusalEvidence(result.refusals));
    if (result.ok)
      this.#publish('schedule.success', { data: () => scheduleData(result.scheduled) });
    return result;
  }

  /** Whether a window of a gateway is left. */
  #hasMore(): boolean {
    const { request } = this.#outgoing;
    const isLeft = (gatewayId: string, window: DownlinkWindow): boolean =>
      !this.#tried.some((tried) => tried.gatewayId === gatewayId && tried.window === window);
    return 'windows' in request
      ? request.paths.some(({ gatewayId }) =>
          request.windows.some(({ window }) => isLeft(gatewayId, window)),
        )
      : request.gateways.some(({ gatewayId }) => isLeft(gatewayId, request.window.window));
  }

  #publish(
    name: string,
    rest: { readonly data?: () => EventData; readonly causeCode?: CauseCode } = {},
  ): void {
    const { device, eventPrefix } = this.#outgoing;
    const correlationIds = this.#ids;
    this.#options.events.publish(`${eventPrefix}.${name}`, device, { correlationIds, ...rest });
  }

  #record(recordOf: (uplinkFrameId: number) => Frame): Promise<number> {
    const { frames } = this.#options.store;
    return uplinkFrameIdOf(this.#outgoing).then((uplinkFrameId) =>
      frames.addFrame(recordOf(uplinkFrameId), []),
    );
  }

  #stages(
    gateway: Omit<StageData, 'kind' | 'evidence'>,
    scheduled: ScheduledDownlink | undefined,
  ): StageData[] {
    const evidence = [
      ...(scheduled
        ? [fact('window', scheduled.window), fact('margin', scheduled.marginMs, 'ms')]
        : []),
      ...this.#history,
    ];
    return [...this.#outgoing.stages, { kind: STAGE.GATEWAY, evidence, ...gateway }];
  }

  /** No gateway took it at all. */
  #refused(cause: CauseCode): void {
    const { facts } = this.#outgoing;
    const { phyPayload } = this.#outgoing.request;
    const nowMs = this.#options.clock.now();
    this.#publish('schedule.fail', { causeCode: cause });
    const stages = this.#stages({ outcome: OUTCOME.FAILED, cause }, undefined);
    this.#report(
      this.#record((uplinkFrameId) =>
        downlinkRecord({ phyPayload, nowMs, stages, facts, uplinkFrameId }),
      ),
    );
  }

  #follow(scheduled: ScheduledDownlink, scheduledAtMs: number): void {
    this.#report(
      scheduled.acknowledged.then((acknowledgment) =>
        this.#acknowledged(scheduled, scheduledAtMs, acknowledgment),
      ),
    );
  }

  /** Nobody waits for a report, so that one which fails is logged. */
  #report(report: Promise<unknown>): void {
    report.catch((error: unknown) =>
      this.#options.logger.error(
        { error: errorText(error) },
        'what became of a downlink could not be reported',
      ),
    );
  }

  #acknowledged(
    scheduled: ScheduledDownlink,
    scheduledAtMs: number,
    acknowledgment: TxAcknowledgment,
  ): void {
    const { result } = acknowledgment;
    const cause = resultCause(result);
    const { device, facts } = this.#outgoing;
    const { phyPayload } = this.#outgoing.request;
    this.#options.events.publish(`ns.down.transmission.${cause ? 'fail' : 'success'}`, device, {
      correlationIds: this.#ids,
      ...(cause
        ? { causeCode: cause }
        : { data: () => downlinkData(phyPayload, device, facts.devAddr, scheduled) }),
    });
    if (cause && mayTryAgain(result) && this.#again(scheduled, acknowledgment)) return;
    const nowMs = this.#options.clock.now();
    const transmission = acknowledgedRecord(scheduled, scheduledAtMs, acknowledgment, nowMs);
    const gateway = cause ? { outcome: OUTCOME.FAILED, cause } : { outcome: OUTCOME.TRANSMITTED };
    const verdict = verdictMessage(this.#stages(gateway, scheduled));
    this.#report(
      this.#frameId.then((frameId) => {
        this.#options.store.frames.updateFrame(frameId, { verdict, transmission });
        this.#watch.done?.(cause);
      }),
    );
  }

  /** Whether another window or gateway takes what this one did not transmit. */
  #again(failed: ScheduledDownlink, { result, detail }: TxAcknowledgment): boolean {
    const { gatewayId, window } = failed;
    const isMore = detail !== undefined && detail.toLowerCase() !== result;
    const said = isMore ? `${result} (${detail})` : result;
    this.#history.push(fact(`failed_${window.toLowerCase()}`, `${gatewayId}: ${said}`));
    // The same gateway can still do it by its counter.
    const isTimed = !('windows' in this.#outgoing.request);
    if (isTimed && result === 'gps_unlocked' && !this.#isGpsLost) this.#isGpsLost = true;
    else this.#tried.push({ gatewayId, window });
    if (!this.#hasMore()) return false;
    const next = this.#ask();
    if (!next.ok) {
      this.#publish('schedule.fail', { causeCode: mainCause(next.refusals) });
      return false;
    }
    const { scheduled } = next;
    const nowMs = this.#options.clock.now();
    const { request, facts } = this.#outgoing;
    const change = {
      verdict: verdictMessage(this.#stages({ outcome: OUTCOME.SCHEDULED }, scheduled)),
      transmission: transmissionRecord(scheduled, nowMs),
      place: placeOnAir(scheduled, request.phyPayload, facts.band),
    };
    this.#report(
      this.#frameId.then((frameId) => this.#options.store.frames.updateFrame(frameId, change)),
    );
    this.#watch.again?.(scheduled);
    this.#follow(scheduled, nowMs);
    return true;
  }
}

/** Creates the sender. */
export function createTransmitter(options: TransmitterOptions): Transmitter {
  return {
    send: (outgoing, watch = {}) => new Transmission(options, outgoing, watch).start(),
  };
}
