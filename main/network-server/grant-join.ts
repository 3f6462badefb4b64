import { clone, create, toBinary } from '@bufbuild/protobuf';
import {
  type MACParameters,
  MACParameters_ChannelSchema,
  MACParametersSchema,
  type MACSettings,
  type MACState,
  MACStateSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { DataRateIndex, MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { sameBytes } from '../base/bytes.ts';
import type { CauseCode, EvidenceData } from '../base/causes.ts';
import {
  type Band,
  buildCfList,
  type DevAddr,
  dataRateIndex,
  devAddrInPrefix,
  parseCfList,
} from '../lorawan/index.ts';
import type { ApplicationHandler, JoinForApplication } from '../seams/application-traffic.ts';
import type { AcceptedJoin, JoinPort, JoinQuestion } from '../seams/joining.ts';
import type { NetworkSession } from '../store/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import type { DeviceProfile } from './device-profile.ts';
import { correlationIds } from './events.ts';
import { queuedJoinAccept } from './join-messages.ts';
import { current, desired } from './mac/index.ts';
import type { NetworkDevice, NetworkSettings, NetworkStore, RandomBytes } from './ports.ts';
import type { SessionCache } from './session-cache.ts';
import { receiveWindows, type UplinkPlace } from './windows.ts';

/** A join that was granted, stored as the pending session. */
export interface GrantedJoin {
  readonly ok: true;
  /** What the join server was asked. */
  readonly asked: JoinTerms;
  readonly joinAccept: Uint8Array;
  readonly join: JoinForApplication;
  readonly place: UplinkPlace;
  readonly profile: DeviceProfile;
  /** Parameters the join-accept's own windows follow. */
  readonly parameters: MACParameters;
  readonly evidence: readonly EvidenceData[];
  /** The join server's event, for once the session is durable. */
  announce(): void;
}

export interface RefusedJoin {
  readonly ok: false;
  readonly cause: CauseCode;
  readonly evidence: readonly EvidenceData[];
  readonly profile?: DeviceProfile;
  /** A counter that was seen before, rather than a fault. */
  readonly isDuplicate?: boolean;
  /** What the join server was asked, if it came to that. */
  readonly asked?: JoinTerms;
}

/** What the network grants a joining device, beside its keys. */
export type JoinTerms = Pick<
  JoinQuestion,
  'devAddr' | 'netId' | 'dlSettings' | 'rxDelay' | 'cfList'
> & { readonly band: Band; readonly version: MACVersion };

export interface JoinOptions {
  readonly store: NetworkStore;
  readonly sessions: SessionCache;
  readonly joinServer: JoinPort;
  readonly application: ApplicationHandler;
  readonly settings: NetworkSettings;
  readonly random: RandomBytes;
}

const ATTEMPTS_FOR_NEW_ADDRESS = 5;
const LONG_JOIN_ACCEPT_BYTES = 33;

/** An address of the network's block other than the present one. */
export function newDevAddr(
  { settings, random }: JoinOptions,
  present: DevAddr | undefined,
): DevAddr {
  let devAddr = present;
  for (let attempt = 0; attempt < ATTEMPTS_FOR_NEW_ADDRESS; attempt += 1) {
    const bytes = random(4);
    const number = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
    devAddr = devAddrInPrefix(settings.devAddrBlock, number);
    if (devAddr !== present) return devAddr;
  }
  return devAddr ?? settings.devAddrBlock.devAddr;
}

/** Channels for the join-accept, if the band has such a list and it fits. */
export function cfListFor(
  profile: DeviceProfile,
  mac: MACState,
  place: UplinkPlace,
): Uint8Array | undefined {
  const { band } = profile;
  const windows = receiveWindows(profile, current(mac), place, band.joinAcceptDelay1Ms);
  const largest = Math.max(0, ...windows.map((window) => window.maxPhyPayloadBytes));
  if (largest < LONG_JOIN_ACCEPT_BYTES) return undefined;
  return buildCfList(
    band,
    desired(mac).channels.map(({ uplinkFrequency, enableUplink }) => ({
      frequencyHz: Number(uplinkFrequency),
      enabled: enableUplink,
    })),
  );
}

function applyChannels(
  parameters: MACParameters,
  { band }: DeviceProfile,
  cfList: Uint8Array,
): void {
  const parsed = parseCfList(cfList, band.frequencyMultiplierHz);
  if (parsed?.type === 'CHANNEL_MASKS') {
    for (const [index, channel] of parameters.channels.entries())
      channel.enableUplink &&= parsed.masks[index] === true;
    return;
  }
  // A device gives these channels all data rates and listens where it sends (RP002-1.0.4 §2.4.4, §2.7.4 and others);
  // whatever else is wanted of them has to be asked for.
  for (const [place, frequencyHz] of (parsed?.frequenciesHz ?? []).entries()) {
    if (!frequencyHz) continue;
    const frequency = BigInt(frequencyHz);
    parameters.channels[band.uplinkChannels.length + place] = create(MACParameters_ChannelSchema, {
      uplinkFrequency: frequency,
      downlinkFrequency: frequency,
      maxDataRateIndex: band.maxAdrDataRateIndex as DataRateIndex,
      enableUplink: true,
    });
  }
}

/** What the device uses once it has read the join-accept. */
export function joinedState(
  mac: MACState,
  profile: DeviceProfile,
  cfList: Uint8Array | undefined,
): MACState {
  const joined = clone(MACStateSchema, mac);
  const parameters = current(joined);
  const wanted = desired(joined);
  parameters.rx1Delay = wanted.rx1Delay;
  parameters.rx1DataRateOffset = wanted.rx1DataRateOffset;
  parameters.rx2DataRateIndex = wanted.rx2DataRateIndex;
  if (cfList) applyChannels(parameters, profile, cfList);
  return joined;
}

/**
 * In bands with join channels, that of the request says where the device listens in RX2 from now on (RP002-1.0.4 §2.9.7),
 * unless its settings say otherwise.
 */
export function followJoinChannel(
  mac: MACState,
  { band }: Pick<DeviceProfile, 'band'>,
  settings: MACSettings | undefined,
  frequencyHz: number,
): void {
  const channel = band.joinChannels?.get(frequencyHz);
  if (!channel || settings?.rx2Frequency) return;
  const now = current(mac);
  const wanted = desired(mac);
  const frequency = BigInt(channel.rx2FrequencyHz);
  if (wanted.rx2Frequency === now.rx2Frequency) wanted.rx2Frequency = frequency;
  now.rx2Frequency = frequency;
}

/** Parameters that the windows of a join-accept follow. */
export function joinAcceptParameters(
  mac: MACState,
  { band }: Pick<DeviceProfile, 'band'>,
  { channelIndex }: UplinkPlace,
  frequencyHz: number,
): MACParameters {
  const parameters = clone(MACParametersSchema, current(mac));
  const channel = parameters.channels[channelIndex];
  const rx1Hz = band.joinChannels?.get(frequencyHz)?.rx1FrequencyHz;
  if (channel && rx1Hz !== undefined) channel.downlinkFrequency = BigInt(rx1Hz);
  return parameters;
}

/** Where the request was heard, or why the device should not have sent there. */
export function placeOf(
  { first }: UplinkGroup,
  profile: DeviceProfile,
  mac: MACState,
): UplinkPlace | CauseCode {
  const { modulation, frequencyHz } = first.uplink;
  const rate = dataRateIndex(profile.band, modulation, 'up');
  if (rate === undefined) return 'data_rate_not_found';
  const channelIndex = current(mac).channels.findIndex(
    (channel) => Number(channel.uplinkFrequency) === frequencyHz,
  );
  if (channelIndex < 0) return 'uplink_channel_not_found';
  return { channelIndex, dataRateIndex: rate };
}

/**
 * Queue of the session the device leaves, for the new one. A pending session it never used goes with its queue; that one
 * counts only if there is no other.
 */
function takeOldQueue(
  { store }: JoinOptions,
  deviceRow: number,
  { current, pending }: ReturnType<NetworkStore['networkSessions']['byDevice']>,
): readonly ApplicationDownlink[] {
  const queue = store.downlinkQueue.list(deviceRow);
  const queueOf = (session: NetworkSession | undefined) =>
    queue.filter((item) => session && sameBytes(item.sessionKeyId, session.sessionKeyId));
  const replaced = queueOf(pending);
  for (const { id } of replaced) store.downlinkQueue.remove(id);
  return (current ? queueOf(current) : replaced).map(({ downlink }) => downlink);
}

/** What the join server granted, before the network server has stored it. */
export interface Grant {
  readonly device: NetworkDevice;
  readonly group: UplinkGroup;
  readonly profile: DeviceProfile;
  readonly place: UplinkPlace;
  readonly devAddr: DevAddr;
  readonly answer: AcceptedJoin;
  readonly asked: JoinTerms;
  /** What the device uses once it has read the join-accept. */
  readonly pendingMac: MACState;
  readonly parameters: MACParameters;
}

/** Stores the granted session as the pending one, with the queue of the old one. Runs inside a unit. */
export function storeGrant(options: JoinOptions, grant: Grant): GrantedJoin {
  const { store, sessions, application } = options;
  const { device, group, profile, place, devAddr, answer, asked, pendingMac, parameters } = grant;
  const { appSKey, ...keys } = answer.keys;
  const { receivedAtMs } = group.first;
  const before = store.networkSessions.byDevice(device.row);
  pendingMac.queuedJoinAccept = queuedJoinAccept(asked, answer, correlationIds(group));
  store.networkSessions.put({
    deviceRow: device.row,
    kind: 'pending',
    devAddr,
    sessionKeyId: answer.sessionKeyId,
    keys,
    startedAtMs: receivedAtMs,
    macState: toBinary(MACStateSchema, pendingMac),
  });
  sessions.forget(devAddr);
  if (before.pending) sessions.forget(before.pending.devAddr);
  const join: JoinForApplication = {
    device,
    devAddr,
    sessionKeyId: answer.sessionKeyId,
    appSKey,
    invalidatedDownlinks: takeOldQueue(options, device.row, before),
    receivedAtMs,
    correlationIds: correlationIds(group),
  };
  store.downlinkQueue.push(device.row, answer.sessionKeyId, application.storeJoin(join));
  const { joinAccept, evidence, announce } = answer;
  return { ok: true, asked, joinAccept, join, place, profile, parameters, evidence, announce };
}
