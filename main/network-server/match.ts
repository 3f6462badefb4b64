import {
  type UplinkDataFrame,
  type UplinkMicCandidate,
  uplinkFrameCounter,
  verifyUplinkMics,
} from '../lorawan/index.ts';
import { isLorawan11, type LiveSession } from './session-cache.ts';

/** A session that a frame may belong to, with the full counter it would have there. */
export interface Candidate {
  readonly session: LiveSession;
  readonly fullFCnt: number;
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

function newestFirst(left: LiveSession, right: LiveSession): number {
  return (right.lastFCntUp ?? -1) - (left.lastFCntUp ?? -1);
}

/**
 * Sessions in the order in which they are tried: current ones the counter fits without roll-over, other current ones,
 * pending ones from the newest on. A frame with ACK cannot belong to a session that never had a downlink.
 */
export function candidatesOf(
  sessions: readonly LiveSession[],
  frame: UplinkDataFrame,
): readonly Candidate[] {
  const inTurn: LiveSession[] = [];
  const others: LiveSession[] = [];
  const pending: LiveSession[] = [];
  for (const session of sessions) {
    if (session.kind === 'pending') pending.push(session);
    else if ((session.lastFCntUp ?? 0) % WRAP_16 <= frame.fCnt) inTurn.push(session);
    else others.push(session);
  }
  pending.sort((left, right) => right.stored.startedAtMs - left.stored.startedAtMs);
  const ordered = [
    ...inTurn.sort(newestFirst),
    ...others.sort(newestFirst),
    ...(frame.fCtrl.ack ? [] : pending),
  ];
  return ordered.flatMap((session) => {
    const fullFCnt = fullCounter(session, frame.fCnt);
    const candidate = { session, fullFCnt, isReset: false };
    const mayReset =
      session.kind === 'current' && !frame.fCtrl.ack && session.profile?.resetsFCnt === true;
    return mayReset && fullFCnt !== frame.fCnt
      ? [candidate, { session, fullFCnt: frame.fCnt, isReset: true }]
      : [candidate];
  });
}

function micCandidate({ session, fullFCnt }: Candidate): UplinkMicCandidate {
  return { integrityKey: session.keys.fNwkSIntKey, fullFCnt, split: isLorawan11(session) };
}

/** Counters before the last one that end in these 16 bits, without those that only a roll-over would give. */
function pastCandidates(sessions: readonly LiveSession[], fCnt16: number): readonly Candidate[] {
  return sessions.flatMap((session) => {
    const last = session.lastFCntUp;
    if (last === undefined || session.kind === 'pending') return [];
    const high = last - (last % WRAP_16);
    const counters = [high + fCnt16, high - WRAP_16 + fCnt16, fCnt16];
    return [...new Set(counters)]
      .filter((counter) => counter >= 0 && counter < last)
      .map((fullFCnt) => ({ session, fullFCnt, isReset: false }));
  });
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
  const index = verifyUplinkMics(frame.phyPayload, candidates.map(micCandidate), from);
  const candidate = index === undefined ? undefined : candidates[index];
  if (candidate && index !== undefined) return { found: true, candidate, tried, index };
  const past = pastCandidates(sessions, frame.fCnt);
  const pastIndex =
    past.length === 0 ? undefined : verifyUplinkMics(frame.phyPayload, past.map(micCandidate));
  const replay = pastIndex === undefined ? undefined : past[pastIndex];
  return replay ? { found: false, tried, replay } : { found: false, tried };
}
