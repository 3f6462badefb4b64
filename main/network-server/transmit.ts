import { timestampFromMs } from '@bufbuild/protobuf/wkt';
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
import type { TxResult } from '../base/gateway-link.ts';
import type {
  DownlinkRequest,
  DownlinkScheduler,
  FreeDownlinkRequest,
  ScheduledDownlink,
  ScheduleRefusal,
} from '../base/seams.ts';
import type { UplinkGroup } from './deduplication.ts';
import { correlationIds, type DeviceEvents, downlinkData, scheduleData } from './events.ts';
import type { NetworkDevice, NetworkStore } from './ports.ts';
import { downlinkRecord, type FrameFacts, transmissionRecord, verdictMessage } from './records.ts';

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
}

/** Hands downlinks to the gateways and keeps their records. */
export interface Transmitter {
  /** How a gateway took it; undefined if none did. `onDone` is called when it was transmitted, or not. */
  send(
    outgoing: Outgoing,
    onDone?: (cause: CauseCode | undefined) => void,
  ): ScheduledDownlink | undefined;
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

/** Creates the sender. */
export function createTransmitter(options: TransmitterOptions): Transmitter {
  const { store, scheduler, clock, events } = options;

  const refuse = (outgoing: Outgoing, refusals: readonly ScheduleRefusal[]): void => {
    const { request, device, facts, stages, eventPrefix } = outgoing;
    const cause = mainCause(refusals);
    const nowMs = clock.now();
    events.publish(`${eventPrefix}.schedule.fail`, device, {
      correlationIds: idsOf(outgoing),
      causeCode: cause,
    });
    const gateway: StageData = {
      kind: STAGE.GATEWAY,
      outcome: OUTCOME.FAILED,
      cause,
      evidence: refusalEvidence(refusals),
    };
    void uplinkFrameIdOf(outgoing).then((uplinkFrameId) => {
      const { phyPayload } = request;
      const all = [...stages, gateway];
      store.frames.addFrame(
        downlinkRecord({ phyPayload, nowMs, stages: all, facts, uplinkFrameId }),
        [],
      );
    });
  };

  return {
    send(outgoing, onDone) {
      const { request, device, facts, stages, eventPrefix } = outgoing;
      const { phyPayload } = request;
      const ids = idsOf(outgoing);
      events.publish(`${eventPrefix}.schedule.attempt`, device, {
        correlationIds: ids,
        data: () => downlinkData(phyPayload, device, facts.devAddr),
      });
      const result =
        'windows' in request ? scheduler.schedule(request) : scheduler.scheduleFree(request);
      if (!result.ok) {
        refuse(outgoing, result.refusals);
        return undefined;
      }
      const { scheduled } = result;
      const scheduledAtMs = clock.now();
      events.publish(`${eventPrefix}.schedule.success`, device, {
        correlationIds: ids,
        data: () => scheduleData(scheduled),
      });
      const evidence = [
        fact('window', scheduled.window),
        fact('margin', scheduled.marginMs, 'ms'),
        ...refusalEvidence(result.refusals),
      ];
      const stagesWith = (gateway: Omit<StageData, 'kind' | 'evidence'>): StageData[] => [
        ...stages,
        { kind: STAGE.GATEWAY, evidence, ...gateway },
      ];
      const recorded = uplinkFrameIdOf(outgoing).then((uplinkFrameId) =>
        store.frames.addFrame(
          downlinkRecord({
            phyPayload,
            nowMs: scheduledAtMs,
            stages: stagesWith({ outcome: OUTCOME.SCHEDULED }),
            facts,
            uplinkFrameId,
            scheduled,
          }),
          [],
        ),
      );
      void Promise.all([scheduled.acknowledged, recorded]).then(([acknowledgment, frameId]) => {
        const cause = resultCause(acknowledgment.result);
        const transmission = transmissionRecord(scheduled, scheduledAtMs);
        transmission.acknowledgedAt = timestampFromMs(clock.now());
        transmission.result = acknowledgment.result;
        transmission.detail = acknowledgment.detail ?? '';
        if (acknowledgment.roundTripMs !== undefined)
          transmission.roundTripMs = acknowledgment.roundTripMs;
        const gateway = cause
          ? { outcome: OUTCOME.FAILED, cause }
          : { outcome: OUTCOME.TRANSMITTED };
        store.frames.updateFrame(frameId, {
          verdict: verdictMessage(stagesWith(gateway)),
          transmission,
        });
        events.publish(`ns.down.transmission.${cause ? 'fail' : 'success'}`, device, {
          correlationIds: ids,
          ...(cause
            ? { causeCode: cause }
            : { data: () => downlinkData(phyPayload, device, facts.devAddr, scheduled) }),
        });
        onDone?.(cause);
      });
      return scheduled;
    },
  };
}
