import type { ReceivedUplink } from '../base/seams.ts';
import type { UplinkDataFrame } from '../lorawan/index.ts';
import { type ExaminedUplink, examineUplink, type RefusedUplink } from './examine-uplink.ts';
import { type Candidate, type MatchResult, matchUplink } from './match.ts';
import { isLorawan11, type LiveSession } from './session-cache.ts';

/** The session a frame belongs to, and what it says there. */
export interface FoundUplink {
  readonly candidate: Candidate;
  readonly examined: ExaminedUplink | RefusedUplink;
}

/** Finds the session of a frame among those of its address, or says which were tried. */
export function findUplink(
  sessions: readonly LiveSession[],
  frame: UplinkDataFrame,
  received: ReceivedUplink,
): FoundUplink | (MatchResult & { readonly found: false }) {
  const examine = (candidate: Candidate): FoundUplink => ({
    candidate,
    examined: examineUplink(candidate, frame, received),
  });
  const first = matchUplink(sessions, frame);
  if (!first.found) return first;
  const refused = examine(first.candidate);
  if (refused.examined.ok) return refused;
  // In LoRaWAN 1.1 half a MIC may fit by chance: the frame may still belong to another session.
  let last = first;
  while (isLorawan11(last.candidate.session)) {
    const next = matchUplink(sessions, frame, last.index + 1);
    if (!next.found) break;
    const other = examine(next.candidate);
    if (other.examined.ok) return other;
    last = next;
  }
  return refused;
}
