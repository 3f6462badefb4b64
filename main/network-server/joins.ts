import {
  type CauseCode,
  type EvidenceData,
  fact,
  OUTCOME,
  STAGE,
  type StageData,
} from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { DownlinkScheduler } from '../base/seams.ts';
import type { JoinRequestFrame, RejoinRequestFrame } from '../lorawan/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import { schedulesDownlinks } from './device-profile.ts';
import { correlationIds, type DeviceEvents, uplinkData, uplinkEvents } from './events.ts';
import type { GrantedJoin, JoinOptions, RefusedJoin } from './grant-join.ts';
import { sendJoinAccept } from './join-accept.ts';
import { joinAcceptForwardData, joinRequestData, joinResponseData } from './join-messages.ts';
import { decideJoin } from './join-request.ts';
import type { NetworkDevice, NetworkRegistry } from './ports.ts';
import type { FrameFacts } from './records.ts';
import { decideRejoin, deviceOfRejoin } from './rejoin-request.ts';
import type { Transmitter } from './transmit.ts';

/** What joins need of the rest of the network server. */
export interface JoinsOptions extends JoinOptions {
  readonly registry: NetworkRegistry;
  readonly events: DeviceEvents;
  readonly clock: Clock;
  readonly scheduler: DownlinkScheduler;
  readonly transmitter: Transmitter;
  readonly logger: Logger;
  /** A registered device was heard. */
  seen(device: NetworkDevice, atMs: number): void;
  /** Writes the frame down as accepted by these stages. */
  record(group: UplinkGroup, stages: readonly StageData[], facts: FrameFacts): void;
  drop(
    group: UplinkGroup,
    kind: StageData['kind'],
    cause: CauseCode,
    evidence: readonly EvidenceData[],
    facts?: FrameFacts,
    isDuplicate?: boolean,
  ): void;
  storeFailure(error: unknown): { readonly cause: CauseCode; readonly evidence: EvidenceData[] };
}

/** Answers devices that ask for a session. */
export interface Joins {
  joinRequest(group: UplinkGroup, frame: JoinRequestFrame): Promise<void>;
  rejoinRequest(group: UplinkGroup, frame: RejoinRequestFrame): Promise<void>;
}

type Decide = (
  options: JoinOptions,
  device: NetworkDevice,
  group: UplinkGroup,
) => GrantedJoin | RefusedJoin;

/** Why no join-accept follows, if the settings of the device forbid it. */
function unscheduled({ message }: NetworkDevice): EvidenceData[] {
  return schedulesDownlinks(message.macSettings) ? [] : [fact('schedule_downlinks', false)];
}

/** Creates the part of the network server that handles join- and rejoin-requests. */
export function createJoins(options: JoinsOptions): Joins {
  const { application, drop, events, joinServer, record, registry, store } = options;

  const granted = (group: UplinkGroup, device: NetworkDevice, grant: GrantedJoin): void => {
    const { join, place, profile, evidence } = grant;
    const { devAddr } = join;
    const about = { devAddr, correlationIds: correlationIds(group) };
    const name = uplinkEvents(group.frame);
    grant.announce();
    options.seen(device, join.receivedAtMs);
    events.publish(`${name}.process`, device, { ...about, lateData: uplinkData(group) });
    const facts = { device, devAddr, band: profile.band, dataRateIndex: place.dataRateIndex };
    const network: StageData = {
      kind: STAGE.NETWORK,
      outcome: OUTCOME.ACCEPTED,
      evidence: [
        fact('dev_addr', devAddr),
        fact('channel_index', place.channelIndex),
        ...unscheduled(device),
      ],
    };
    record(group, [network, { kind: STAGE.JOIN, outcome: OUTCOME.ACCEPTED, evidence }], facts);
    // A session that no gateway offered to the device is none the application can use.
    sendJoinAccept(options, group, device, grant, () => {
      application.joinAccepted(join);
      events.publish('ns.up.join.accept.forward', device, {
        ...about,
        data: () => joinAcceptForwardData(join),
      });
    });
  };

  const decide = async (
    group: UplinkGroup,
    device: NetworkDevice,
    judge: Decide,
  ): Promise<void> => {
    events.publish(`${uplinkEvents(group.frame)}.receive`, device, {
      correlationIds: correlationIds(group),
      lateData: uplinkData(group),
    });
    let decision: GrantedJoin | RefusedJoin;
    try {
      decision = await store.unit(() => judge(options, device, group));
    } catch (error) {
      const { cause, evidence } = options.storeFailure(error);
      drop(group, STAGE.JOIN, cause, evidence, { device });
      return;
    }
    const { asked } = decision;
    const ids = { correlationIds: correlationIds(group) };
    if (asked)
      events.publish('ns.up.join.cluster.attempt', device, {
        ...ids,
        data: () => joinRequestData(group, asked),
      });
    if (decision.ok) {
      events.publish('ns.up.join.cluster.success', device, {
        ...ids,
        data: () => joinResponseData(group, decision),
      });
      granted(group, device, decision);
      return;
    }
    if (asked)
      events.publish('ns.up.join.cluster.fail', device, { ...ids, causeCode: decision.cause });
    const { cause, evidence, isDuplicate, profile } = decision;
    drop(group, STAGE.JOIN, cause, evidence, { device, band: profile?.band }, isDuplicate);
  };

  return {
    async joinRequest(group, frame) {
      const device = registry.networkDeviceByEuis(frame.joinEui, frame.devEui);
      if (device) {
        await decide(group, device, decideJoin);
        return;
      }
      const { cause, evidence } = joinServer.explainUnknownDevice(frame, correlationIds(group));
      drop(group, STAGE.JOIN, cause, evidence);
    },
    async rejoinRequest(group, frame) {
      const device = deviceOfRejoin({ store, registry }, frame);
      if (device) {
        await decide(group, device, decideRejoin);
        return;
      }
      const evidence = [
        fact('dev_eui', frame.devEui),
        ...(frame.rejoinType === 1 ? [fact('join_eui', frame.joinEui)] : []),
      ];
      drop(group, STAGE.JOIN, 'device_not_found', evidence);
    },
  };
}
