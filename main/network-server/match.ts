import {
  KeyTable,
  type UplinkDataFrame,
  type UplinkMicCandidate,
  uplinkFrameCounter,
  verifyUplinkMics,
} from '../lorawan/index.ts';
import { isLorawan11, type LiveSession } from './session-cache.ts';

/** A session that a frame may belong to, with the full counter it would have there. */
export interface Candidate extends UplinkMicCandidate {
  readonly session: LiveSession;
  /** The device would have started counting anew. */
  readonly isReset: boolean;
}

export type MatchResult =
  | {
      readonly found: true;
      readonly candidate: Candidate;
      readonly tried: number;
      /** Place of the candidate in the order of trying. */
      readonly index: number;
    }
  | {
      readonly found: false;
      readonly tried: number;
      /** A session whose key fits, but with a counter that is in the past. */
      readonly replay?: Candidate;
    };

const WRAP_16 = 0x10000;

function fullCounter(session: LiveSession, fCnt16: number): number {
  return uplinkFrameCounter(session.lastFCntUp, fCnt16, session.profile?.supports32BitFCnt ?? true);
}

function newestFirst(left: Candidate, right: Candidate): number {
  return (right.session.lastFCntUp ?? -1) - (left.session.lastFCntUp ?? -1);
}

function candidateOf(session: LiveSession, row: number, fullFCnt: number): Candidate {
  return { session, row, fullFCnt, isReset: false, split: isLorawan11(session) };
}

/**
 * Puts a candidate that has started counting anew behind each one whose device may do so. With 16-bit counters a lower one
 * can mean nothing else.
 */
function withResets(candidates: readonly Candidate[], frame: UplinkDataFrame): Candidate[] {
  return candidates.flatMap((candidate) => {
    const { session, fullFCnt } = candidate;
    if (session.kind !== 'current' || session.profile?.resetsFCnt !== true) return [candidate];
    const reset = { ...candidate, fullFCnt: frame.fCnt, isReset: true };
    if (fullFCnt !== frame.fCnt) return [candidate, reset];
    return fullFCnt < (session.lastFCntUp ?? 0) ? [reset] : [candidate];
  });
}

/**
 * Sessions in the order in which they are tried: current ones the counter fits without roll-over, other current ones,
 * pending ones from the newest on. A frame with ACK cannot belong to a session that never had a downlink.
 */
export function candidatesOf(
  sessions: readonly LiveSession[],
  frame: UplinkDataFrame,
): readonly Candidate[] {
  const inTurn: Candidate[] = [];
  const others: Candidate[] = [];
  const pending: Candidate[] = [];
  let someReset = false;
  for (const [row, session] of sessions.entries()) {
    const candidate = candidateOf(session, row, fullCounter(session, frame.fCnt));
    if (session.kind === 'pending') pending.push(candidate);
    else if ((session.lastFCntUp ?? 0) % WRAP_16 <= frame.fCnt) inTurn.push(candidate);
    else others.push(candidate);
    someReset ||= session.profile?.resetsFCnt === true;
  }
  pending.sort((left, right) => right.session.stored.startedAtMs - left.session.stored.startedAtMs);
  const ordered = [
    ...inTurn.sort(newestFirst),
    ...others.sort(newestFirst),
    ...(frame.fCtrl.ack ? [] : pending),
  ];
  return someReset && !frame.fCtrl.ack ? withResets(ordered, frame) : ordered;
}

/** Counters before the last one that end in these 16 bits, without those that only a roll-over would give. */
function pastCandidates(sessions: readonly LiveSession[], fCnt16: number): readonly Candidate[] {
  return sessions.flatMap((session, row) => {
    const last = session.lastFCntUp;
    if (last === undefined || session.kind === 'pending') return [];
    const high = last - (last % WRAP_16);
    const counters = [high + fCnt16, high - WRAP_16 + fCnt16, fCnt16];
    return [...new Set(counters)]
      .filter((counter) => counter >= 0 && counter < last)
      .map((fullFCnt) => candidateOf(session, row, fullFCnt));
  });
}

/** Packed keys of the sessions of an address, for as long as the cache keeps their list. */
const keyTables = new WeakMap<readonly LiveSession[], KeyTable>();

function keysOf(sessions: readonly LiveSession[]): KeyTable {
  const known = keyTables.get(sessions);
  if (known) return known;
  const table = new KeyTable(sessions.map((session) => session.keys.fNwkSIntKey));
  keyTables.set(sessions, table);
  return table;
}

/**
 * Finds the session whose key made the frame's MIC.
 *
 * @param from number of candidates to leave out: in LoRaWAN 1.1 two bytes of the MIC decide here, so a match may turn
 * out to be none, and the search goes on behind it
 */
export function matchUplink(
  sessions: readonly LiveSession[],
  frame: UplinkDataFrame,
  from = 0,
): MatchResult {
  const candidates = candidatesOf(sessions, frame);
  const tried = candidates.length;
  if (tried === 0) return { found: false, tried };
  const keys = keysOf(sessions);
  const index = verifyUplinkMics(frame.phyPayload, keys, candidates, from);
  const candidate = index === undefined ? undefined : candidates[index];
  if (candidate && index !== undefined) return { found: true, candidate, tried, index };
  const past = pastCandidates(sessions, frame.fCnt);
  const pastIndex = verifyUplinkMics(frame.phyPayload, keys, past);
  const replay = pastIndex === undefined ? undefined : past[pastIndex];
  return replay ? { found: false, tried, replay } : { found: false, tried };
}
