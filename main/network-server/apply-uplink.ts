import { clearField, clone, create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  MACParameters_ChannelSchema,
  type MACState,
  MACStateSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { Class, type DataRateIndex } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { type EvidenceData, fact } from '../base/causes.ts';
import type { MacCommand, UplinkDataFrame } from '../lorawan/index.ts';
import { adaptDataRate, adrMode } from './adr.ts';
import { rememberGateways } from './class-c-gateways.ts';
import type { UplinkGroup } from './deduplication.ts';
import type { ExaminedUplink } from './examine-uplink.ts';
import {
  current,
  type DeviceStatus,
  desired,
  errorData,
  GPS_EPOCH_MS,
  handleUplinkCommands,
  isAnswer,
  LEAP_SECONDS_MS,
  type MacReport,
  macCommandMessage,
  macCommandsData,
  macEventData,
  type UplinkMacContext,
} from './mac/index.ts';
import { newMacState } from './new-mac-state.ts';
import type { NetworkRegistry, NetworkStore } from './ports.ts';
import { gatewayCount, maxSnrDb } from './receptions.ts';
import type { LiveSession, SessionCache } from './session-cache.ts';

/** What an accepted uplink leads to. */
export interface AppliedUplink {
  readonly session: LiveSession;
  readonly answers: readonly MacCommand[];
  /** In order. */
  readonly reports: readonly MacReport[];
  /** A MAC command that could not be carried out. */
  readonly evidence: readonly EvidenceData[];
  /** A confirmed downlink that was waiting for this uplink. */
  readonly confirmation?: {
    readonly downlink: ApplicationDownlink;
    readonly isAcknowledged: boolean;
  };
}

/** What an accepted uplink changes. */
export interface UplinkTarget {
  readonly store: NetworkStore;
  readonly registry: NetworkRegistry;
  readonly sessions: SessionCache;
}

const KEPT_UPLINKS = 20;

function gpsTimeMs({ receptions, first }: UplinkGroup): number {
  const known = receptions.find(({ uplink }) => uplink.gpsTimeMs !== undefined);
  return known?.uplink.gpsTimeMs ?? first.receivedAtMs - GPS_EPOCH_MS + LEAP_SECONDS_MS;
}

/**
 * The pending session becomes the current one; the device has shown that it has the new keys. Answers the confirmed
 * downlink that the old session leaves unacknowledged.
 */
function promote(
  store: NetworkStore,
  cache: SessionCache,
  session: LiveSession,
  startedAtMs: number,
): ApplicationDownlink | undefined {
  const old = store.networkSessions.byDevice(session.device.row).current;
  store.networkSessions.promotePending(session.device.row, startedAtMs);
  cache.started(session, startedAtMs);
  session.kind = 'current';
  delete session.mac.queuedJoinAccept;
  delete session.mac.pendingJoinRequest;
  if (!old) return undefined;
  if (old.devAddr !== session.devAddr) cache.forget(old.devAddr);
  return fromBinary(MACStateSchema, old.macState).pendingApplicationDownlink;
}

/**
 * The device counts its uplinks anew, so everything negotiated with it is forgotten (ABP devices that forget). Downlinks
 * go on counting: a counter of theirs must never be used twice with the same keys.
 */
function restart(store: NetworkStore, session: LiveSession, startedAtMs: number): void {
  session.mac = newMacState(session.device.message);
  const { id: _, ...stored } = session.stored;
  const { lastNFCntDown, lastConfFCntDown, lastAFCntDown } = session;
  store.networkSessions.put({
    ...stored,
    ...(lastNFCntDown !== undefined && { lastNFCntDown }),
    ...(lastConfFCntDown !== undefined && { lastConfFCntDown }),
    ...(lastAFCntDown !== undefined && { lastAFCntDown }),
    kind: 'current',
    startedAtMs,
    macState: toBinary(MACStateSchema, session.mac),
  });
}

/** What an uplink without MAC commands can change of a MAC state. */
function adrFingerprint(mac: MACState): string {
  const [now, wanted] = [current(mac), desired(mac)].map(
    ({ adrDataRateIndex, adrTxPowerIndex, adrNbTrans }) =>
      `${adrDataRateIndex} ${adrTxPowerIndex} ${adrNbTrans}`,
  );
  return `${now} ${wanted}`;
}

/** A device that sends on a channel it was asked to take has taken it, whatever became of its answer. */
function adoptChannel(mac: MACState, index: number): boolean {
  const { channels } = current(mac);
  const wanted = desired(mac).channels[index];
  if (!wanted || channels[index]?.uplinkFrequency) return false;
  while (channels.length < index) channels.push(create(MACParameters_ChannelSchema));
  channels[index] = clone(MACParameters_ChannelSchema, wanted);
  return true;
}

/** A device raises its power before it lowers its rate, so a lower rate than agreed means full power. */
function recordDataRate(mac: MACState, rate: number): void {
  const parameters = current(mac);
  if (rate === parameters.adrDataRateIndex) return;
  if (rate < parameters.adrDataRateIndex) parameters.adrTxPowerIndex = 0;
  parameters.adrDataRateIndex = rate as DataRateIndex;
}

function runAdr(
  session: LiveSession,
  mac: MACState,
  frame: UplinkDataFrame,
  { profile }: ExaminedUplink,
): void {
  const settings = session.device.message.macSettings;
  const mode = adrMode(settings);
  if (mode.kind === 'static' || (mode.kind === 'dynamic' && frame.fCtrl.adr)) {
    adaptDataRate({ mac, band: profile.band, mode, recent: session.activity.recentUplinks });
    return;
  }
  const wanted = desired(mac);
  const { adrDataRateIndex, adrTxPowerIndex, adrNbTrans } = current(mac);
  Object.assign(wanted, { adrDataRateIndex, adrTxPowerIndex, adrNbTrans });
}

function takeConfirmation(mac: MACState, isAcknowledged: boolean): AppliedUplink['confirmation'] {
  const downlink = mac.pendingApplicationDownlink;
  if (!downlink) return undefined;
  delete mac.pendingApplicationDownlink;
  return { downlink, isAcknowledged };
}

function remember(session: LiveSession, examined: ExaminedUplink, group: UplinkGroup): void {
  const { activity } = session;
  const { phyPayload } = group.frame;
  const { receivedMonotonicMs } = group.first;
  if (examined.isRepetition && activity.lastUplink) {
    activity.lastUplink.transmissions += 1;
    activity.lastUplink.receivedMonotonicMs = receivedMonotonicMs;
    return;
  }
  activity.lastUplink = { phyPayload, transmissions: 1, receivedMonotonicMs };
  activity.recentUplinks.push({
    fullFCnt: examined.candidate.fullFCnt,
    dataRateIndex: examined.dataRateIndex,
    maxSnrDb: maxSnrDb(group.receptions),
  });
  if (activity.recentUplinks.length > KEPT_UPLINKS) activity.recentUplinks.shift();
}

/** Carries out the MAC commands; `mac` is changed in place. */
function carryOut(
  session: LiveSession,
  examined: ExaminedUplink,
  group: UplinkGroup,
  onStatus: (status: DeviceStatus) => void,
): Pick<AppliedUplink, 'answers' | 'reports' | 'evidence'> {
  const { candidate, profile, isRepetition, unreadCommand } = examined;
  const { message } = session.device;
  const asked = examined.commands.filter(({ name }) => !isAnswer(name));
  const names = examined.commands.map(({ name }) => name);
  const answers: MacCommand[] = [];
  const reports: MacReport[] = [];
  const evidence: EvidenceData[] = [];
  const { mac } = session;
  const context: UplinkMacContext = {
    mac,
    band: profile.band,
    plan: profile.plan,
    macVersion: profile.macVersion,
    settings: message.macSettings,
    supportsJoin: message.supportsJoin,
    supportsClassC: message.supportsClassC,
    fullFCnt: candidate.fullFCnt,
    commands: isRepetition ? asked : examined.commands,
    repeated: isRepetition ? names.filter(isAnswer) : [],
    receivedAtMs: group.first.receivedAtMs,
    modulation: group.first.uplink.modulation,
    maxSnrDb: maxSnrDb(group.receptions),
    gatewayCount: gatewayCount(group.receptions),
    gpsTimeMs: gpsTimeMs(group),
    answer: (command) => answers.push(command),
    report: (name, what) =>
      reports.push({ name, data: what && ('schema' in what ? what : macEventData(what)) }),
    reportFailure: (error) => {
      reports.push({ name: 'command.process.fail', data: errorData(error) });
      evidence.push(fact(error.reason, error.message));
    },
    reportUnanswered: (requests) =>
      reports.push({ name: 'command.unanswered', data: macCommandsData(requests) }),
    status: onStatus,
    restart: () => {
      for (const field of MACStateSchema.fields) clearField(mac, field);
      Object.assign(mac, newMacState(message));
    },
  };
  handleUplinkCommands(context);
  mac.queuedResponses = answers.map(macCommandMessage);
  if (unreadCommand) reports.push(unreadCommand);
  return { answers, reports, evidence };
}

/**
 * Takes an examined uplink: counter, MAC commands, ADR. Runs inside a unit; the session in memory and in the store
 * change together, and the cache forgets the session if the unit is undone.
 */
export function applyUplink(
  { store, registry, sessions }: UplinkTarget,
  examined: ExaminedUplink,
  group: UplinkGroup,
): AppliedUplink {
  const { candidate, isRepetition } = examined;
  const { session, fullFCnt, isReset } = candidate;
  const frame = group.frame as UplinkDataFrame;
  const { receivedAtMs } = group.first;
  const isNew = session.kind === 'pending';
  const left = isNew ? promote(store, sessions, session, receivedAtMs) : undefined;
  if (isReset) restart(store, session, receivedAtMs);
  const { mac } = session;
  const before = adrFingerprint(mac);
  const hadCommands =
    mac.pendingRequests.length + mac.recentMacCommandIdentifiers.length > 0 ||
    mac.queuedResponses.length > 0;
  const waited = isRepetition ? undefined : takeConfirmation(mac, frame.fCtrl.ack);
  const confirmation = left ? { downlink: left, isAcknowledged: false } : waited;
  const { answers, reports, evidence } = carryOut(session, examined, group, (status) => {
    registry.recordDeviceStatus(session.device.row, { ...status, receivedAtMs });
    session.activity.devStatusAtMs = receivedAtMs;
  });
  const isNewChannel = adoptChannel(mac, examined.channelIndex);
  recordDataRate(mac, examined.dataRateIndex);
  remember(session, examined, group);
  if (!isRepetition) runAdr(session, mac, frame, examined);
  if (!isRepetition || isReset)
    store.networkSessions.updateCounters(session.id, { lastFCntUp: fullFCnt });
  const isWayNew = mac.deviceClass === Class.C && rememberGateways(mac, group);
  const isMacChanged =
    isNew ||
    examined.commands.length > 0 ||
    hadCommands ||
    isNewChannel ||
    confirmation !== undefined ||
    adrFingerprint(mac) !== before ||
    isWayNew;
  if (isMacChanged) store.networkSessions.updateMacState(session.id, toBinary(MACStateSchema, mac));
  session.lastFCntUp = fullFCnt;
  if (isReset) sessions.forget(session.devAddr);
  return { session, answers, reports, evidence, ...(confirmation && { confirmation }) };
}
