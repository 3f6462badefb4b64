import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type MACParameters, MACStateSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, TxSettingsSchema } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { ApplicationDownlink } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { RxMetadataSchema } from '../../api/gen/ttn/lorawan/v3/metadata_pb.js';
import {
  type CauseCode,
  type EvidenceData,
  fact,
  OUTCOME,
  STAGE,
  type StageData,
} from '../../base/causes.ts';
import type { Clock } from '../../base/clock.ts';
import { errorText } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type {
  DownlinkScheduler,
  ReceivedUplink,
  UplinkHandler,
  WindowSettings,
} from '../../base/seams.ts';
import {
  appendMic,
  buildCfList,
  type DecodedFrame,
  decodeFrame,
  devAddrInPrefix,
  encodeDownlinkMessage,
  eui64ToBytes,
  isUplinkDataFrame,
  type JoinRequestFrame,
  micDownlink10,
  parseMacVersion,
  timeOnAirUs,
  type UplinkDataFrame,
} from '../../lorawan/index.ts';
import { dataRateMessage } from '../../store/index.ts';
import type { ApplicationHandler, DeviceRef } from '../application-handler.ts';
import { bandOf, newMacState } from '../new-mac-state.ts';
import type {
  EventSink,
  JoinPort,
  NetworkDevice,
  NetworkRegistry,
  NetworkSettings,
  NetworkStore,
  RandomBytes,
} from '../ports.ts';
import { createDeduplicator, type Transmission } from './deduplicator.ts';
import { downlinkRecord, type RecordFacts, uplinkRecord } from './frame-record.ts';
import { createKeyCache, type MatchedSession, matchUplink } from './uplink-matching.ts';
import { byStrength, readMacState, receiveWindows } from './windows.ts';

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

const DEDUPLICATION_MS = 200;
const JOIN_ACCEPT_DELAY_MS = 5_000;
/** What assembling a downlink and making its counter durable may take on a slow disk. */
const ASSEMBLY_MS = 100;
/** Highest share of the duty cycle. */
const PRIORITY_HIGHEST = 6;
const PRIORITY_NORMAL = 3;

const MAC_VERSION_TEXT: Partial<Record<MACVersion, string>> = {
  [MACVersion.MAC_V1_0]: '1.0.0',
  [MACVersion.MAC_V1_0_1]: '1.0.1',
  [MACVersion.MAC_V1_0_2]: '1.0.2',
  [MACVersion.MAC_V1_0_3]: '1.0.3',
  [MACVersion.MAC_V1_0_4]: '1.0.4',
  [MACVersion.MAC_V1_1]: '1.1.0',
};

function deviceRef(device: NetworkDevice): DeviceRef {
  return {
    applicationId: device.applicationId,
    deviceId: device.deviceId,
    ...(device.devEui && { devEui: device.devEui }),
    ...(device.joinEui && { joinEui: device.joinEui }),
  };
}

function stage(
  kind: StageData['kind'],
  outcome: StageData['outcome'],
  evidence: readonly EvidenceData[],
  cause?: CauseCode,
): StageData {
  return { kind, outcome, evidence, ...(cause && { cause }) };
}

/** The class A network server of LoRaWAN 1.0.x: joins, uplinks, and downlinks in the windows they open. */
class ClassANetwork {
  readonly #options: NetworkServerOptions;
  readonly #keys = createKeyCache();
  readonly #logger: Logger;

  constructor(options: NetworkServerOptions) {
    this.#options = options;
    this.#logger = options.logger.area('network_server');
  }

  async complete({ receptions }: Transmission): Promise<void> {
    const first = receptions[0];
    if (!first) return;
    const decoded = decodeFrame(first.uplink.phyPayload);
    if (decoded.fType === 'JOIN_REQUEST') await this.#join(decoded, receptions, first);
    else if (isUplinkDataFrame(decoded) && decoded.issues.length === 0)
      await this.#uplink(decoded, receptions, first);
    else this.#drop(decoded, receptions, first, this.#causeOf(decoded), []);
  }

  #causeOf(decoded: DecodedFrame): CauseCode {
    if (decoded.fType === 'INVALID') return 'raw_payload_invalid';
    if (decoded.fType === 'PROPRIETARY') return 'proprietary_frame';
    return decoded.fType === 'REJOIN_REQUEST' ? 'rejoin_request' : 'payload_type';
  }

  #gatewayStage(receptions: readonly ReceivedUplink[]): StageData {
    return stage(STAGE.GATEWAY, OUTCOME.ACCEPTED, [fact('receptions', receptions.length)]);
  }

  #record(
    decoded: DecodedFrame,
    receptions: readonly ReceivedUplink[],
    first: ReceivedUplink,
    stages: readonly StageData[],
    facts: RecordFacts = {},
  ): number {
    const frame = uplinkRecord(decoded, first, [this.#gatewayStage(receptions), ...stages], facts);
    return this.#options.store.frames.addFrame(
      frame,
      receptions.map((one) => one.receptionId),
    );
  }

  #drop(
    decoded: DecodedFrame,
    receptions: readonly ReceivedUplink[],
    first: ReceivedUplink,
    cause: CauseCode,
    evidence: readonly EvidenceData[],
    device?: NetworkDevice,
  ): void {
    this.#record(
      decoded,
      receptions,
      first,
      [stage(STAGE.NETWORK, OUTCOME.DROPPED, evidence, cause)],
      { device },
    );
    if (device) this.#publish('ns.up.data.drop', device, first, cause);
  }

  #publish(name: string, device: NetworkDevice, first: ReceivedUplink, causeCode?: string): void {
    this.#options.events.publish({
      name,
      identifiers: [{ kind: 'device', ...deviceRef(device) }],
      correlationIds: [`gs:uplink:${first.receptionId}`],
      ...(causeCode !== undefined && { causeCode }),
    });
  }

  async #join(
    frame: JoinRequestFrame,
    receptions: readonly ReceivedUplink[],
    first: ReceivedUplink,
  ): Promise<void> {
    const { application, joinServer, random, registry, settings, store } = this.#options;
    const device = registry.networkDeviceByEuis(frame.joinEui, frame.devEui);
    const found = device && bandOf(device.message);
    const macVersion =
      device && parseMacVersion(MAC_VERSION_TEXT[device.message.lorawanVersion] ?? '');
    if (!device || !found || !macVersion) {
      const refused = device ? undefined : joinServer.explainUnknownDevice(frame);
      const cause = refused?.cause ?? 'device_configuration';
      this.#record(
        frame,
        receptions,
        first,
        [stage(STAGE.JOIN, OUTCOME.DROPPED, refused?.evidence ?? [], cause)],
        { device },
      );
      return;
    }
    const macState = newMacState(device.message);
    const { currentParameters: current, desiredParameters: desired } = macState;
    if (!current || !desired) return;
    const random32 = new DataView(random(4).buffer).getUint32(0);
    const devAddr = devAddrInPrefix(settings.devAddrBlock, random32);
    const cfList = buildCfList(
      found.band,
      desired.channels.map((one) => ({
        frequencyHz: Number(one.uplinkFrequency),
        enabled: one.enableUplink,
      })),
    );
    const correlationIds = [`gs:uplink:${first.receptionId}`];
    const answer = await store.unit(() => {
      const result = joinServer.handleJoin({
        frame,
        macVersion,
        devAddr,
        netId: settings.netId,
        dlSettings: {
          rx1DrOffset: desired.rx1DataRateOffset,
          rx2Dr: desired.rx2DataRateIndex,
          optNeg: macVersion === '1.1.0',
        },
        rxDelay: desired.rx1Delay,
        ...(cfList && { cfList }),
        correlationIds,
      });
      if (!result.accepted) return result;
      this.#storeJoin(device, devAddr, result, afterJoin(current, desired), macState);
      application.storeJoin({
        device: deviceRef(device),
        devAddr,
        sessionKeyId: result.sessionKeyId,
        appSKey: result.keys.appSKey,
        invalidatedDownlinks: [],
        receivedAtMs: first.receivedAtMs,
        correlationIds,
      });
      return result;
    });
    if (!answer.accepted) {
      this.#record(
        frame,
        receptions,
        first,
        [stage(STAGE.JOIN, OUTCOME.DROPPED, answer.evidence, answer.cause)],
        { device },
      );
      this.#publish('ns.up.join.drop', device, first, answer.cause);
      return;
    }
    const uplinkFrameId = this.#record(
      frame,
      receptions,
      first,
      [stage(STAGE.JOIN, OUTCOME.ACCEPTED, answer.evidence)],
      {
        device,
        bandId: found.band.id,
      },
    );
    this.#publish('ns.up.join.process', device, first);
    application.joinAccepted({
      device: deviceRef(device),
      devAddr,
      sessionKeyId: answer.sessionKeyId,
      appSKey: answer.keys.appSKey,
      invalidatedDownlinks: [],
      receivedAtMs: first.receivedAtMs,
      correlationIds,
    });
    this.#send(answer.joinAccept, {
      device,
      receptions,
      uplinkFrameId,
      windows: receiveWindows(found.band, current, first.uplink, JOIN_ACCEPT_DELAY_MS),
      priority: PRIORITY_HIGHEST,
      facts: { device, bandId: found.band.id },
    });
  }

  #storeJoin(
    device: NetworkDevice,
    devAddr: ReturnType<typeof devAddrInPrefix>,
    join: { readonly sessionKeyId: Uint8Array; readonly keys: MatchedSession['session']['keys'] },
    parameters: MACParameters,
    macState: ReturnType<typeof newMacState>,
  ): void {
    const { clock, store } = this.#options;
    store.networkSessions.put({
      deviceRow: device.row,
      kind: 'pending',
      devAddr,
      sessionKeyId: join.sessionKeyId,
      keys: {
        fNwkSIntKey: join.keys.fNwkSIntKey,
        sNwkSIntKey: join.keys.sNwkSIntKey,
        nwkSEncKey: join.keys.nwkSEncKey,
      },
      startedAtMs: clock.now(),
      macState: toBinary(MACStateSchema, { ...macState, currentParameters: parameters }),
    });
  }

  async #uplink(
    frame: UplinkDataFrame,
    receptions: readonly ReceivedUplink[],
    first: ReceivedUplink,
  ): Promise<void> {
    const { registry, store } = this.#options;
    const result = matchUplink(
      frame,
      store.networkSessions.byDevAddr(frame.devAddr),
      registry.networkDeviceById,
      this.#keys,
    );
    if (!result.ok) {
      this.#drop(frame, receptions, first, result.cause, result.evidence);
      return;
    }
    const { device, fullFCnt, session } = result.match;
    const found = bandOf(device.message);
    const parameters = readMacState(session.macState)?.currentParameters;
    if (!found || !parameters) {
      this.#drop(frame, receptions, first, 'device_configuration', result.evidence, device);
      return;
    }
    await store.unit(() => {
      if (session.kind === 'pending') store.networkSessions.promotePending(device.row);
      store.networkSessions.updateCounters(session.id, { lastFCntUp: fullFCnt });
    });
    this.#publish('ns.up.data.process', device, first);
    const made = await this.#toApplication(frame, receptions, first, result.match);
    const uplinkFrameId = this.#record(
      frame,
      receptions,
      first,
      [stage(STAGE.NETWORK, OUTCOME.ACCEPTED, result.evidence), ...(made ? [made.stage] : [])],
      {
        device,
        fullFCnt,
        bandId: found.band.id,
        frmPayload: made?.frmPayload,
        decodedPayload: made?.decodedPayload,
        decodedPayloadWarnings: made?.decodedPayloadWarnings ?? [],
      },
    );
    const windows = receiveWindows(
      found.band,
      parameters,
      first.uplink,
      Math.max(parameters.rx1Delay, 1) * 1_000,
    );
    await this.#downlinkSlot(frame, result.match, {
      receptions,
      first,
      windows,
      uplinkFrameId,
      bandId: found.band.id,
    });
  }

  async #toApplication(
    frame: UplinkDataFrame,
    receptions: readonly ReceivedUplink[],
    first: ReceivedUplink,
    match: MatchedSession,
  ) {
    const { uplink } = first;
    const airtimeUs = timeOnAirUs(uplink.modulation, uplink.phyPayload.length);
    try {
      return await this.#options.application.uplink({
        device: deviceRef(match.device),
        devAddr: frame.devAddr,
        sessionKeyId: match.session.sessionKeyId,
        fPort: frame.fPort,
        frmPayload: frame.fPort ? frame.frmPayload : new Uint8Array(),
        fullFCnt: match.fullFCnt,
        confirmed: frame.fType === 'CONFIRMED_UP',
        receivedAtMs: first.receivedAtMs,
        consumedAirtimeUs: airtimeUs,
        correlationIds: [`gs:uplink:${first.receptionId}`],
        rxMetadata: () => receptions.map(rxMetadata),
        settings: () =>
          create(TxSettingsSchema, {
            dataRate: dataRateMessage(uplink.modulation),
            frequency: BigInt(uplink.frequencyHz),
            timestamp: uplink.concentratorTimestampUs,
          }),
      });
    } catch (error) {
      this.#logger.error({ error: errorText(error) }, 'the application server failed');
      return undefined;
    }
  }

  /** Answers an uplink if it asks for it or something is queued, as late as the gateway allows. */
  async #downlinkSlot(
    frame: UplinkDataFrame,
    { device, session }: MatchedSession,
    slot: {
      readonly receptions: readonly ReceivedUplink[];
      readonly first: ReceivedUplink;
      readonly windows: readonly WindowSettings[];
      readonly uplinkFrameId: number;
      readonly bandId: string;
    },
  ): Promise<void> {
    const { clock, scheduler, store } = this.#options;
    const firstWindow = slot.windows[0];
    if (!firstWindow) return;
    const opensAtMs = slot.first.receivedMonotonicMs + firstWindow.delayMs;
    const leadMs = scheduler.leadTimeMs(slot.receptions) + ASSEMBLY_MS;
    const waitMs = opensAtMs - leadMs - clock.monotonic();
    if (waitMs > 0) await clock.sleep(waitMs);
    const needsAck = frame.fType === 'CONFIRMED_UP';
    const prepared = await store.unit(() =>
      this.#prepare(device, session, needsAck || frame.fCtrl.adrAckReq, slot.windows),
    );
    if (!prepared) return;
    const { fullFCnt, more, item } = prepared;
    const key = this.#keys.get(session.keys.fNwkSIntKey);
    // The application server has encrypted the payload; the counter in its key stream is the frame's.
    const message = encodeDownlinkMessage({
      confirmed: item?.confirmed ?? false,
      devAddr: session.devAddr,
      fCtrl: { adr: false, ack: needsAck, fPending: more },
      fCnt: fullFCnt,
      ...(item && { fPort: item.fPort, frmPayload: item.frmPayload }),
    });
    const phyPayload = appendMic(message, micDownlink10(key, fullFCnt, message));
    this.#send(phyPayload, {
      device,
      receptions: slot.receptions,
      uplinkFrameId: slot.uplinkFrameId,
      windows: slot.windows,
      priority: item ? Math.max(item.priority, PRIORITY_NORMAL) : PRIORITY_HIGHEST,
      facts: { device, fullFCnt, bandId: slot.bandId },
      ...(item && { item }),
    });
  }

  /** Takes the next queued downlink and its counter; both are durable before the frame leaves. */
  #prepare(
    device: NetworkDevice,
    session: MatchedSession['session'],
    mustAnswer: boolean,
    windows: readonly WindowSettings[],
  ): { fullFCnt: number; more: boolean; item?: ApplicationDownlink } | undefined {
    const { store } = this.#options;
    const last = store.networkSessions.byDevice(device.row).current?.lastNFCntDown;
    const limit = Math.max(...windows.map((one) => one.maxPhyPayloadBytes));
    const queue = store.downlinkQueue
      .list(device.row)
      .filter(({ sessionKeyId }) => Buffer.compare(sessionKeyId, session.sessionKeyId) === 0);
    const fits = queue.find(
      ({ downlink }) => downlink.frmPayload.length + 13 <= limit && downlink.fCnt > (last ?? -1),
    );
    if (fits) store.downlinkQueue.remove(fits.id);
    else if (!mustAnswer) return undefined;
    const fullFCnt = fits?.downlink.fCnt ?? (last ?? -1) + 1;
    store.networkSessions.updateCounters(session.id, { lastNFCntDown: fullFCnt });
    return { fullFCnt, more: queue.length > (fits ? 1 : 0), ...(fits && { item: fits.downlink }) };
  }

  #send(
    phyPayload: Uint8Array,
    options: {
      readonly device: NetworkDevice;
      readonly receptions: readonly ReceivedUplink[];
      readonly uplinkFrameId: number;
      readonly windows: readonly WindowSettings[];
      readonly priority: number;
      readonly facts: RecordFacts;
      readonly item?: ApplicationDownlink;
    },
  ): void {
    const { application, clock, scheduler, store } = this.#options;
    const { device, facts, item, uplinkFrameId } = options;
    const result = scheduler.schedule({
      phyPayload,
      paths: byStrength(options.receptions),
      windows: options.windows,
      bandId: facts.bandId ?? '',
      frequencyPlanId: device.message.frequencyPlanId,
      priority: options.priority,
    });
    const refusals = result.refusals.map((one) =>
      fact(`refused_${one.window.toLowerCase()}`, `${one.gatewayId}: ${one.cause}`),
    );
    const scheduled = result.ok ? result.scheduled : undefined;
    const stages = [
      scheduled
        ? stage(STAGE.GATEWAY, OUTCOME.SCHEDULED, refusals)
        : stage(STAGE.GATEWAY, OUTCOME.FAILED, refusals, 'no_downlink_path'),
    ];
    const record = downlinkRecord(decodeFrame(phyPayload), {
      timeMs: clock.now(),
      uplinkFrameId,
      stages,
      facts,
      ...(scheduled && { scheduled }),
    });
    const frameId = store.frames.addFrame(record, []);
    const notice = item && {
      device: deviceRef(device),
      devAddr: this.#devAddrOf(device),
      downlink: item,
      correlationIds: item.correlationIds,
    };
    if (!scheduled) {
      if (notice) application.downlinkFailed({ ...notice, cause: 'no_downlink_path' });
      return;
    }
    void scheduled.acknowledged.then(({ result: outcome, detail, roundTripMs }) => {
      const sent = outcome === 'success';
      const transmission = record.transmission && {
        ...record.transmission,
        result: outcome,
        detail: detail ?? '',
        acknowledgedAt: timestampFromMs(clock.now()),
        ...(roundTripMs !== undefined && { roundTripMs }),
      };
      const final = downlinkRecord(decodeFrame(phyPayload), {
        timeMs: clock.now(),
        uplinkFrameId,
        stages: [
          stage(STAGE.GATEWAY, sent ? OUTCOME.TRANSMITTED : OUTCOME.FAILED, [
            fact('result', outcome),
            ...refusals,
          ]),
        ],
        facts,
        scheduled,
      });
      store.frames.updateFrame(frameId, {
        ...(final.verdict && { verdict: final.verdict }),
        ...(transmission && { transmission }),
      });
      if (notice && sent) application.downlinkSent(notice);
      else if (notice) application.downlinkFailed({ ...notice, cause: 'no_downlink_path' });
    });
  }

  #devAddrOf(device: NetworkDevice) {
    const { current, pending } = this.#options.store.networkSessions.byDevice(device.row);
    return (current ?? pending)?.devAddr ?? devAddrInPrefix(this.#options.settings.devAddrBlock, 0);
  }
}

/** Parameters a device has after its join: what the join-accept told it. */
function afterJoin(current: MACParameters, desired: MACParameters): MACParameters {
  const channels = [...current.channels, ...desired.channels.slice(current.channels.length)];
  return {
    ...current,
    rx1Delay: desired.rx1Delay,
    rx1DataRateOffset: desired.rx1DataRateOffset,
    rx2DataRateIndex: desired.rx2DataRateIndex,
    channels,
  };
}

function rxMetadata({ gatewayId, receivedAtMs, uplink }: ReceivedUplink) {
  const antenna = uplink.antennas[0];
  return create(RxMetadataSchema, {
    gatewayIds: {
      gatewayId,
      eui: eui64ToBytes(uplink.gatewayEui as Parameters<typeof eui64ToBytes>[0]),
    },
    timestamp: uplink.concentratorTimestampUs,
    rssi: antenna?.channelRssiDbm ?? 0,
    channelRssi: antenna?.channelRssiDbm ?? 0,
    snr: antenna?.snrDb ?? 0,
    receivedAt: timestampFromMs(receivedAtMs),
  });
}

/** Creates the network server. Nothing that arrives makes it throw. */
export function createNetworkServer(options: NetworkServerOptions): UplinkHandler {
  const network = new ClassANetwork(options);
  const deduplicator = createDeduplicator({
    clock: options.clock,
    windowMs: options.settings.deduplicationMs ?? DEDUPLICATION_MS,
    onComplete: (transmission) => {
      network.complete(transmission).catch((error: unknown) => {
        options.logger.error({ error }, 'an uplink could not be processed');
      });
    },
  });
  return { handleUplink: (received) => deduplicator.add(received) };
}
