import { toBinary } from '@bufbuild/protobuf';
import { type MACState, MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { DataRateIndex } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { ApplicationDownlink } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { MacCommand, UplinkDataFrame } from '../lorawan/index.ts';
import { adaptDataRate, adrMode } from './adr.ts';
import type { UplinkGroup } from './deduplication.ts';
import type { ExaminedUplink } from './examine-uplink.ts';
import {
  current,
  type DeviceStatus,
  desired,
  handleUplinkCommands,
  isAnswer,
  STICKY_ANSWERS,
  type UplinkMacContext,
} from './mac/index.ts';
import { newMacState } from './new-mac-state.ts';
import type { NetworkStore } from './ports.ts';
import { gatewayCount, maxSnrDb } from './receptions.ts';
import type { LiveSession, SessionCache } from './session-cache.ts';

/** What an accepted uplink leads to. */
export interface AppliedUplink {
  readonly session: LiveSession;
  readonly answers: readonly MacCommand[];
  /** `link_adr.answer.accept` and the like, in order. */
  readonly reports: readonly string[];
  readonly status?: DeviceStatus;
  /** A confirmed downlink that was waiting for this uplink. */
  readonly confirmation?: {
    readonly downlink: ApplicationDownlink;
    readonly isAcknowledged: boolean;
  };
}

const KEPT_UPLINKS = 20;
/** GPS time began on 1980-01-06 and does not count leap seconds, of which there have been 18. */
const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
const LEAP_SECONDS_MS = 18_000;

function gpsTimeMs({ receptions, first }: UplinkGroup): number {
  const known = receptions.find(({ uplink }) => uplink.gpsTimeMs !== undefined);
  return known?.uplink.gpsTimeMs ?? first.receivedAtMs - GPS_EPOCH_MS + LEAP_SECONDS_MS;
}

/** The pending session becomes the current one; the device has shown that it has the new keys. */
function promote(store: NetworkStore, cache: SessionCache, session: LiveSession): void {
  const old = store.networkSessions.byDevice(session.device.row).current;
  store.networkSessions.promotePending(session.device.row);
  session.kind = 'current';
  if (old && old.devAddr !== session.devAddr) cache.forget(old.devAddr);
}

/** The device counts anew: so does everything negotiated with it (ABP devices that forget). */
function restart(store: NetworkStore, session: LiveSession, startedAtMs: number): void {
  session.mac = newMacState(session.device.message);
  const { id: _, ...stored } = session.stored;
  store.networkSessions.put({
    ...stored,
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

/**
 * Takes an examined uplink: counter, MAC commands, ADR. Runs inside a unit; the session in memory and in the store
 * change together, and the cache forgets the session if the unit is undone.
 */
export function applyUplink(
  store: NetworkStore,
  cache: SessionCache,
  examined: ExaminedUplink,
  group: UplinkGroup,
): AppliedUplink {
  const { candidate, profile, isRepetition } = examined;
  const { session, fullFCnt, isReset } = candidate;
  const frame = group.frame as UplinkDataFrame;
  const { receivedAtMs } = group.first;
  if (session.kind === 'pending') promote(store, cache, session);
  if (isReset) restart(store, session, receivedAtMs);
  const { mac } = session;
  const before = adrFingerprint(mac);
  const hadPending = mac.pendingRequests.length > 0;
  const commands = isRepetition
    ? examined.commands.filter(({ name }) => !isAnswer(name))
    : examined.commands;
  const answers: MacCommand[] = [];
  const reports: string[] = [];
  let status: DeviceStatus | undefined;
  const context: UplinkMacContext = {
    mac,
    band: profile.band,
    plan: profile.plan,
    macVersion: profile.macVersion,
    settings: session.device.message.macSettings,
    fullFCnt,
    commands,
    receivedAtMs,
    modulation: group.first.uplink.modulation,
    maxSnrDb: maxSnrDb(group.receptions),
    gatewayCount: gatewayCount(group.receptions),
    gpsTimeMs: gpsTimeMs(group),
    answer: (command) => answers.push(command),
    report: (name) => reports.push(name),
    status: (reported) => {
      status = reported;
    },
  };
  handleUplinkCommands(context);
  const confirmation = isRepetition ? undefined : takeConfirmation(mac, frame.fCtrl.ack);
  recordDataRate(mac, examined.dataRateIndex);
  remember(session, examined, group);
  if (!isRepetition) runAdr(session, mac, frame, examined);
  if (!isRepetition || isReset)
    store.networkSessions.updateCounters(session.id, { lastFCntUp: fullFCnt });
  const isMacChanged =
    commands.length > 0 ||
    hadPending ||
    confirmation !== undefined ||
    adrFingerprint(mac) !== before;
  if (isMacChanged) store.networkSessions.updateMacState(session.id, toBinary(MACStateSchema, mac));
  session.lastFCntUp = fullFCnt;
  session.activity.stickyAnswers = new Set(
    examined.commands.map(({ name }) => name).filter((name) => STICKY_ANSWERS.has(name)),
  );
  if (status) session.activity.devStatusAtMs = receivedAtMs;
  if (isReset) cache.forget(session.devAddr);
  return {
    session,
    answers,
    reports,
    ...(status && { status }),
    ...(confirmation && { confirmation }),
  };
}
