import { create } from '@bufbuild/protobuf';
import type { MACParameters_Channel, MACState } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import type { MACCommandIdentifier } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import type { ReceivedUplink } from '../base/seams.ts';
import {
  type DecodedMacCommand,
  dataRateIndex,
  decodeMacCommands,
  type Issue,
  isAtLeast,
  maxMacPayload,
  openDataFrame,
  type UplinkDataFrame,
  verifyUplinkMic11,
} from '../lorawan/index.ts';
import type { DeviceProfile } from './device-profile.ts';
import { current, desired, isAnswer, type MacReport, macCommandData } from './mac/index.ts';
import type { Candidate } from './match.ts';
import { isLorawan11, type LiveSession } from './session-cache.ts';
import { uplinkDwellTime } from './windows.ts';

/** A frame that may be taken, and what was found out about it. */
export interface ExaminedUplink {
  readonly ok: true;
  readonly candidate: Candidate;
  readonly profile: DeviceProfile;
  readonly dataRateIndex: number;
  readonly channelIndex: number;
  /** Repetition of the newest frame: acknowledged again, but not given to the application again. */
  readonly isRepetition: boolean;
  readonly commands: readonly DecodedMacCommand[];
  /** Where reading the MAC commands ended early. */
  readonly unreadCommand?: MacReport;
  readonly evidence: readonly EvidenceData[];
}

export interface RefusedUplink {
  readonly ok: false;
  readonly cause: CauseCode;
  /** A counter that was seen before, rather than a fault. */
  readonly isDuplicate: boolean;
  readonly evidence: readonly EvidenceData[];
}

const MAC_F_PORT = 0;
/** MHDR and MIC. */
const FRAME_OVERHEAD_BYTES = 5;
const REPETITION_WINDOW_MS = 10_000;
const MAX_CONFIRMED_TRANSMISSIONS = 5;

function refuse(
  cause: CauseCode,
  evidence: readonly EvidenceData[],
  isDuplicate = false,
): RefusedUplink {
  return { ok: false, cause, evidence, isDuplicate };
}

const MIC_BYTES = 4;

/** The same frame: in LoRaWAN 1.1 the MIC changes with channel and data rate, so it does not count. */
function isSameFrame(left: Uint8Array, right: Uint8Array): boolean {
  return sameBytes(left.subarray(0, -MIC_BYTES), right.subarray(0, -MIC_BYTES));
}

/** Whether the device may send this same frame once more. */
function isRepetition(
  session: LiveSession,
  profile: DeviceProfile,
  frame: UplinkDataFrame,
  received: ReceivedUplink,
): boolean {
  const last = session.activity.lastUplink;
  if (!last || !isSameFrame(last.phyPayload, frame.phyPayload)) return false;
  const { adrNbTrans, rx1Delay } = current(session.mac);
  const confirmedBefore104 =
    frame.fType === 'CONFIRMED_UP' && !isAtLeast(profile.macVersion, '1.0.4');
  const most = confirmedBefore104 ? MAX_CONFIRMED_TRANSMISSIONS : Math.max(adrNbTrans, 1);
  const windowMs = Math.max(rx1Delay, 1) * 1000 + 1_000 + REPETITION_WINDOW_MS;
  const ageMs = received.receivedMonotonicMs - last.receivedMonotonicMs;
  return last.transmissions < most && ageMs <= windowMs;
}

type CounterCheck = { readonly repetition: boolean } | RefusedUplink;

function checkCounter(
  { session, fullFCnt, isReset }: Candidate,
  profile: DeviceProfile,
  frame: UplinkDataFrame,
  received: ReceivedUplink,
  evidence: readonly EvidenceData[],
): CounterCheck {
  const last = session.lastFCntUp;
  const mayGap = isAtLeast(profile.macVersion, '1.0.4');
  if (isReset) return { repetition: false };
  // A session starts at zero, so a first counter far from it is a gap as well.
  if (last === undefined) {
    return mayGap || fullFCnt <= profile.band.maxFCntGap
      ? { repetition: false }
      : refuse('f_cnt_gap', evidence);
  }
  const facts = [...evidence, fact('last_f_cnt_up', last)];
  if (fullFCnt === last) {
    return isRepetition(session, profile, frame, received)
      ? { repetition: true }
      : refuse('f_cnt_too_low', facts, true);
  }
  if (fullFCnt < last) return refuse('f_cnt_too_low', facts, true);
  const isGap = !mayGap && fullFCnt - last > profile.band.maxFCntGap;
  return isGap ? refuse('f_cnt_gap', facts) : { repetition: false };
}

/** MAC commands of the frame in the clear, from FOpts or from the payload of FPort 0. */
function commandBytes(frame: UplinkDataFrame, { session, fullFCnt }: Candidate): Uint8Array {
  const none = new Uint8Array();
  if (frame.fOpts.length === 0 && frame.fPort !== MAC_F_PORT) return none;
  const lorawan11 = isLorawan11(session);
  const opened = openDataFrame(frame, { keys: session.keys, fullFCnt, lorawan11 });
  const isMacFrame = frame.fPort === MAC_F_PORT && frame.fOpts.length === 0;
  return (isMacFrame ? opened.frmPayload : opened.fOpts) ?? none;
}

/** What to tell about commands that could not be read. */
function unreadReport(bytes: Uint8Array, { code, message, offset }: Issue): MacReport {
  if (code === 'mac_command_too_short') {
    const details = { namespace: 'gatehouse/network-server', name: code, messageFormat: message };
    return {
      name: 'command.parse.fail',
      data: { schema: ErrorDetailsSchema, message: create(ErrorDetailsSchema, details) },
    };
  }
  const cid = bytes[offset] as MACCommandIdentifier;
  const payload = { case: 'rawPayload', value: bytes.slice(offset + 1) } as const;
  return { name: 'command.unknown', data: macCommandData({ cid, payload }) };
}

function readCommands(
  frame: UplinkDataFrame,
  candidate: Candidate,
  { band }: DeviceProfile,
): Pick<ExaminedUplink, 'commands' | 'unreadCommand' | 'evidence'> {
  const bytes = commandBytes(frame, candidate);
  const { frequencyMultiplierHz } = band;
  const { commands, issues } = decodeMacCommands(bytes, 'up', { frequencyMultiplierHz });
  const [issue] = issues;
  if (!issue) return { commands, evidence: [] };
  const evidence = [fact(issue.code, issue.message)];
  return { commands, evidence, unreadCommand: unreadReport(bytes, issue) };
}

function checkCommands(
  { session, isReset }: Candidate,
  commands: readonly DecodedMacCommand[],
  evidence: readonly EvidenceData[],
): RefusedUplink | undefined {
  const isNew = session.kind === 'pending' || isReset;
  if (isNew && commands.some(({ name }) => isAnswer(name)))
    return refuse('mac_answer_unexpected', evidence);
  const needsRekey = session.kind === 'pending' && isLorawan11(session);
  if (needsRekey && !commands.some(({ name }) => name === 'RekeyInd'))
    return refuse('rekey_missing', evidence);
  return undefined;
}

/** LoRaWAN 1.1: the half of the MIC that depends on channel and data rate. */
function isMicComplete(
  { session, fullFCnt }: Candidate,
  frame: UplinkDataFrame,
  txDr: number,
  txCh: number,
): boolean {
  if (!isLorawan11(session)) return true;
  const confFCnt = frame.fCtrl.ack ? (session.lastConfFCntDown ?? 0) : 0;
  const { sNwkSIntKey, fNwkSIntKey } = session.keys;
  return verifyUplinkMic11(
    { sNwkSIntKey, fNwkSIntKey, confFCnt, txDr, txCh },
    fullFCnt,
    frame.phyPayload,
  );
}

/**
 * Channel an uplink came on; −1 if the device has none there. A device uses a new channel as soon as it has taken it: in
 * the frame with its answer, and in later ones if that was lost. So those the network has asked for count as well.
 */
function channelIndexOf(mac: MACState, frequencyHz: number): number {
  const isThere = ({ uplinkFrequency }: MACParameters_Channel): boolean =>
    Number(uplinkFrequency) === frequencyHz;
  const index = current(mac).channels.findIndex(isThere);
  return index >= 0 ? index : desired(mac).channels.findIndex(isThere);
}

/** Everything that is to be known before a verified frame changes the session. Changes nothing. */
export function examineUplink(
  candidate: Candidate,
  frame: UplinkDataFrame,
  received: ReceivedUplink,
): ExaminedUplink | RefusedUplink {
  const { session, fullFCnt } = candidate;
  const { profile } = session;
  const evidence: EvidenceData[] = [
    fact('full_f_cnt', fullFCnt),
    fact('session_key_id', session.sessionKeyId),
    fact('session', session.kind),
  ];
  if (!profile) return refuse('device_configuration', evidence);
  if (frame.fPort === MAC_F_PORT && frame.fOpts.length > 0)
    return refuse('mac_commands_twice', evidence);
  const { modulation, frequencyHz } = received.uplink;
  const rate = dataRateIndex(profile.band, modulation, 'up');
  if (rate === undefined) return refuse('data_rate_not_found', evidence);
  evidence.push(fact('data_rate_index', rate));
  const counter = checkCounter(candidate, profile, frame, received, evidence);
  if ('cause' in counter) return counter;
  const parameters = current(session.mac);
  const channelIndex = channelIndexOf(session.mac, frequencyHz);
  if (channelIndex < 0)
    return refuse('uplink_channel_not_found', [...evidence, fact('frequency', frequencyHz, 'Hz')]);
  evidence.push(fact('channel_index', channelIndex));
  const limit = maxMacPayload(profile.band, rate, uplinkDwellTime(profile, parameters));
  const size = frame.phyPayload.length - FRAME_OVERHEAD_BYTES;
  if (profile.macVersion === '1.0.4' && limit !== undefined && size > limit)
    return refuse('uplink_too_long', [...evidence, fact('max_bytes', limit)]);
  if (!isMicComplete(candidate, frame, rate, channelIndex)) return refuse('mic_mismatch', evidence);
  const read = readCommands(frame, candidate, profile);
  evidence.push(...read.evidence);
  const problem = checkCommands(candidate, read.commands, evidence);
  if (problem) return problem;
  return {
    ok: true,
    candidate,
    profile,
    dataRateIndex: rate,
    channelIndex,
    isRepetition: counter.repetition,
    ...read,
    evidence,
  };
}
