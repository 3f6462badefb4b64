import { Class } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type CauseCode,
  type EvidenceData,
  fact,
  OUTCOME,
  STAGE,
  type StageData,
} from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { DownlinkScheduler, ReceivedUplink, UplinkHandler } from '../base/seams.ts';
import {
  type DevAddr,
  isUplinkDataFrame,
  prefixContains,
  timeOnAirUs,
  type UplinkDataFrame,
} from '../lorawan/index.ts';
import type {
  ApplicationHandler,
  ApplicationUplinkResult,
  DownlinkQueue,
} from '../seams/application-traffic.ts';
import type { JoinPort } from '../seams/joining.ts';
import { packetErrorRate } from './adr.ts';
import { type AppliedUplink, applyUplink } from './apply-uplink.ts';
import { type ClassCDownlinks, createClassCDownlinks } from './class-c.ts';
import { createDeduplication, type UplinkGroup } from './deduplication.ts';
import { createDownlinkQueue } from './downlink-queue.ts';
import { createDownlinkSlots, type DownlinkSlots } from './downlink-slot.ts';
import { storeCause } from './errors.ts';
import {
  correlationIds,
  type DeviceEvents,
  deviceEvents,
  uplinkData,
  uplinkEvents,
} from './events.ts';
import type { ExaminedUplink } from './examine-uplink.ts';
import { findUplink } from './find-uplink.ts';
import { createJoins, type Joins } from './joins.ts';
import { createLastSeen, type LastSeen } from './last-seen.ts';
import type { MatchResult } from './match.ts';
import { causeOfOtherFrame } from './other-frames.ts';
import type {
  EventSink,
  NetworkDevice,
  NetworkRegistry,
  NetworkSettings,
  NetworkStore,
  RandomBytes,
} from './ports.ts';
import { gatewayCount, maxSnrDb, rxMetadata, txSettings } from './receptions.ts';
import { type FrameFacts, uplinkRecord } from './records.ts';
import { createSessionCache, type SessionCache } from './session-cache.ts';
import { createTransmitter, type Transmitter } from './transmit.ts';

export interface NetworkServerOptions {
  readonly store: NetworkStore;
  readonly registry: NetworkRegistry;
  readonly joinServer: JoinPort;
  readonly scheduler: DownlinkScheduler;
  readonly application: ApplicationHandler;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: NetworkSettings;
  readonly random: RandomBytes;
}

export interface NetworkServer extends UplinkHandler {
  readonly downlinkQueue: DownlinkQueue;
  /** Writes down what is kept in memory only for a while. */
  close(): Promise<void>;
  /** The queue of a device changed: one of class C may be sent something at once. */
  queueChanged(deviceRow: number): void;
}

const DEFAULT_DEDUPLICATION_MS = 200;
const RELAY_F_PORT = 226;

class Decisions {
  readonly #options: NetworkServerOptions;
  readonly #logger: Logger;
  readonly #events: DeviceEvents;
  readonly #sessions: SessionCache;
  readonly #transmitter: Transmitter;
  readonly #slots: DownlinkSlots;
  readonly #joins: Joins;
  readonly classC: ClassCDownlinks;
  readonly lastSeen: LastSeen;

  constructor(options: NetworkServerOptions) {
    this.#options = options;
    this.#logger = options.logger.area('network_server');
    this.#events = deviceEvents(options.events);
    this.#sessions = createSessionCache(options.store, options.registry, options.clock);
    const events = this.#events;
    const { store, scheduler, clock, application } = options;
    this.#transmitter = createTransmitter({
      store,
      scheduler,
      clock,
      events,
      logger: this.#logger,
    });
    const slotOptions = {
      store,
      scheduler,
      clock,
      application,
      events,
      sessions: this.#sessions,
      transmitter: this.#transmitter,
      logger: this.#logger,
    };
    this.lastSeen = createLastSeen({ ...options, logger: this.#logger });
    this.#slots = createDownlinkSlots(slotOptions);
    this.classC = createClassCDownlinks(slotOptions);
    this.#joins = createJoins({
      ...options,
      events,
      sessions: this.#sessions,
      transmitter: this.#transmitter,
      seen: (device, atMs) => this.lastSeen.note(device, atMs, false),
      record: (...record) => this.#record(...record),
      drop: (...dropped) => this.#drop(...dropped),
      storeFailure: (error) => this.#storeFailure(error),
    });
  }

  /** Decides a frame once its receptions are collected. Never throws. */
  decide(group: UplinkGroup): void {
    this.#decide(group).catch((error: unknown) => {
      this.#logger.error({ error }, 'a frame could not be decided');
      this.#drop(group, STAGE.NETWORK, 'internal_error', [fact('error', errorText(error))]);
    });
  }

  async #decide(group: UplinkGroup): Promise<void> {
    const { frame } = group;
    if (isUplinkDataFrame(frame)) await this.#dataUplink(group, frame);
    else if (frame.fType === 'JOIN_REQUEST') await this.#joins.joinRequest(group, frame);
    else if (frame.fType === 'REJOIN_REQUEST') await this.#joins.rejoinRequest(group, frame);
    else {
      const evidence = frame.issues.map(({ code, message }) => fact(code, message));
      this.#drop(group, STAGE.NETWORK, causeOfOtherFrame(frame), evidence);
    }
  }

  #gatewayStage({ receptions }: UplinkGroup): StageData {
    const snrDb = maxSnrDb(receptions);
    const evidence = [
      fact('gateways', gatewayCount(receptions)),
      ...(snrDb === undefined ? [] : [fact('max_snr', snrDb, 'dB')]),
    ];
    return { kind: STAGE.GATEWAY, outcome: OUTCOME.ACCEPTED, evidence };
  }

  #record(
    group: UplinkGroup,
    stages: readonly StageData[],
    facts: FrameFacts,
    application?: ApplicationUplinkResult,
  ): void {
    const record = uplinkRecord(group, [this.#gatewayStage(group), ...stages], facts, application);
    const ids = group.receptions.map(({ receptionId }) => receptionId);
    group.setRecorded(this.#options.store.frames.addFrame(record, ids));
  }

  #drop(
    group: UplinkGroup,
    kind: StageData['kind'],
    cause: CauseCode,
    evidence: readonly EvidenceData[],
    facts: FrameFacts = {},
    isDuplicate = false,
  ): void {
    const outcome = isDuplicate ? OUTCOME.DUPLICATE : OUTCOME.DROPPED;
    this.#record(group, [{ kind, outcome, cause, evidence }], facts);
    const { device, devAddr } = facts;
    if (!device) return;
    this.#events.publish(`${uplinkEvents(group.frame)}.drop`, device, {
      ...(devAddr && { devAddr }),
      correlationIds: correlationIds(group),
      causeCode: cause,
    });
  }

  #storeFailure(error: unknown): { cause: CauseCode; evidence: EvidenceData[] } {
    this.#logger.error({ error: errorText(error) }, 'a frame was not taken: storing failed');
    return { cause: storeCause(error), evidence: [] };
  }

  #unmatched(group: UplinkGroup, devAddr: DevAddr, result: MatchResult & { found: false }): void {
    const evidence = [fact('sessions_tried', result.tried)];
    if (result.replay) {
      const { session, fullFCnt } = result.replay;
      const { device, lastFCntUp } = session;
      evidence.push(fact('full_f_cnt', fullFCnt), fact('last_f_cnt_up', lastFCntUp ?? 0));
      const facts = { device, devAddr, fullFCnt };
      this.#drop(group, STAGE.NETWORK, 'f_cnt_too_low', evidence, facts, true);
      return;
    }
    const isOurs = prefixContains(this.#options.settings.devAddrBlock, devAddr);
    const unknown: CauseCode = isOurs ? 'device_not_found' : 'foreign_net_id';
    const cause = result.tried > 0 ? 'mic_mismatch' : unknown;
    this.#drop(group, STAGE.NETWORK, cause, evidence, { devAddr });
  }

  async #dataUplink(group: UplinkGroup, frame: UplinkDataFrame): Promise<void> {
    const { devAddr } = frame;
    const found = findUplink(this.#sessions.byDevAddr(devAddr), frame, group.first);
    if ('found' in found) {
      this.#unmatched(group, devAddr, found);
      return;
    }
    const { candidate, examined } = found;
    const { session, fullFCnt } = candidate;
    const { device, profile } = session;
    this.#events.publish('ns.up.data.receive', device, {
      devAddr,
      correlationIds: correlationIds(group),
      lateData: uplinkData(group, examined.ok ? examined.channelIndex : undefined),
    });
    const known = { device, devAddr, fullFCnt, band: profile?.band };
    if (!examined.ok) {
      const { cause, evidence, isDuplicate } = examined;
      this.#drop(group, STAGE.NETWORK, cause, evidence, known, isDuplicate);
      return;
    }
    const facts = { ...known, dataRateIndex: examined.dataRateIndex };
    let applied: AppliedUplink;
    try {
      const { store, registry } = this.#options;
      const target = { store, registry, sessions: this.#sessions };
      applied = await store.unit(() => applyUplink(target, examined, group));
    } catch (error) {
      const { cause, evidence } = this.#storeFailure(error);
      this.#drop(group, STAGE.NETWORK, cause, evidence, facts);
      return;
    }
    this.#accepted(group, frame, examined, applied, facts);
  }

  /** The uplink is durable: tell everybody, open its windows. */
  #accepted(
    group: UplinkGroup,
    frame: UplinkDataFrame,
    examined: ExaminedUplink,
    applied: AppliedUplink,
    facts: FrameFacts & { readonly device: NetworkDevice; readonly fullFCnt: number },
  ): void {
    const { channelIndex, dataRateIndex, isRepetition } = examined;
    const { session, answers } = applied;
    const { fullFCnt } = facts;
    const isConfirmed = frame.fType === 'CONFIRMED_UP';
    this.#report(group, applied, channelIndex);
    this.lastSeen.note(session.device, group.first.receivedAtMs, true);
    this.#slots.open(session, group, {
      channelIndex,
      dataRateIndex,
      confirmed: isConfirmed,
      adrAckReq: frame.fCtrl.adrAckReq,
      fullFCnt,
      answers,
    });
    if (session.mac.deviceClass === Class.C) this.classC.wake(session.device.row);
    const evidence = [...examined.evidence, ...applied.evidence];
    const network = { kind: STAGE.NETWORK, evidence };
    if (isRepetition) {
      const stage = { ...network, outcome: OUTCOME.DUPLICATE, cause: 'duplicate_uplink' } as const;
      this.#record(group, [stage], facts);
      return;
    }
    const stage: StageData = { ...network, outcome: OUTCOME.ACCEPTED };
    void this.#toApplication(group, frame, applied, fullFCnt).then((result) => {
      this.#record(group, [stage, result.stage], facts, result);
    });
  }

  #report(group: UplinkGroup, applied: AppliedUplink, channelIndex: number): void {
    const { session, reports, confirmation } = applied;
    const { device, devAddr } = session;
    const about = { devAddr, correlationIds: correlationIds(group) };
    for (const { name, data } of reports)
      this.#events.publish(name.startsWith('class.') ? `ns.${name}` : `ns.mac.${name}`, device, {
        ...about,
        ...(data && { data: () => data }),
      });
    this.#events.publish('ns.up.data.process', device, {
      ...about,
      lateData: uplinkData(group, channelIndex),
    });
    if (!confirmation) return;
    const { application } = this.#options;
    const notice = { device, ...about, downlink: confirmation.downlink };
    if (confirmation.isAcknowledged) application.downlinkAcknowledged(notice);
    else application.downlinkNotAcknowledged(notice);
  }

  async #toApplication(
    group: UplinkGroup,
    frame: UplinkDataFrame,
    { session }: AppliedUplink,
    fullFCnt: number,
  ): Promise<ApplicationUplinkResult> {
    const { device, devAddr, sessionKeyId } = session;
    const { first } = group;
    // Later copies do not change what the application was told.
    const receptions = group.receptions.slice();
    const isNetworks = frame.fPort === 0 || frame.fPort === RELAY_F_PORT;
    const ids = correlationIds(group);
    try {
      const result = await this.#options.application.uplink({
        device,
        devAddr,
        sessionKeyId,
        fPort: frame.fPort,
        frmPayload: isNetworks ? new Uint8Array() : frame.frmPayload,
        fullFCnt,
        confirmed: frame.fType === 'CONFIRMED_UP',
        receivedAtMs: first.receivedAtMs,
        consumedAirtimeUs: timeOnAirUs(first.uplink.modulation, first.uplink.phyPayload.length),
        packetErrorRate: packetErrorRate(session.mac, session.activity.recentUplinks),
        netId: this.#options.settings.netId,
        correlationIds: ids,
        rxMetadata: () => rxMetadata(receptions),
        settings: () => txSettings(first),
      });
      this.#events.publish('ns.up.data.forward', device, { devAddr, correlationIds: ids });
      return result;
    } catch (error) {
      this.#logger.error({ error }, 'the application server failed');
      const evidence = [fact('error', errorText(error))];
      const cause = 'application_failed';
      const stage: StageData = {
        kind: STAGE.APPLICATION,
        outcome: OUTCOME.DROPPED,
        cause,
        evidence,
      };
      return { stage, decodedPayloadWarnings: [] };
    }
  }
}

/** Creates the network server: it decides what the gateways hear, answers in class A windows and sends to class C devices. */
export function createNetworkServer(options: NetworkServerOptions): NetworkServer {
  const { clock, registry, settings, store } = options;
  const server = new Decisions(options);
  const queueChanged = (deviceRow: number): void => server.classC.wake(deviceRow);
  // What was queued before a restart goes on without waiting for an uplink.
  server.classC.wakeAll().catch((error: unknown) => {
    options.logger.error({ error: errorText(error) }, 'queued downlinks were not looked at');
  });
  const deduplication = createDeduplication({
    clock,
    windowMs: settings.deduplicationMs ?? DEFAULT_DEDUPLICATION_MS,
    onGroup: (group) => server.decide(group),
    onLateCopy: (group, { receptionId }: ReceivedUplink) => {
      void group.recorded.then((frameId) =>
        store.frames.updateFrame(frameId, { receptionIds: [receptionId] }),
      );
    },
  });
  return {
    handleUplink: (received) => deduplication.add(received),
    downlinkQueue: createDownlinkQueue(store, registry, clock, queueChanged),
    queueChanged,
    close: () => server.lastSeen.close(),
  };
}
