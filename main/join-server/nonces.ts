import type { CauseCode } from '../base/causes.ts';
import { isAtLeast, type MacVersion } from '../lorawan/index.ts';
import type { JoinState } from '../store/index.ts';

/** Random DevNonces of versions before 1.0.4 that are remembered per device, unless the user says otherwise. */
export const DEFAULT_DEV_NONCE_LIMIT = 10;
/** JoinNonces have 24 bits. */
const LAST_JOIN_NONCE = 0xff_ffff;

/** RJcount1 is never reset, so it must grow over the whole life of a device (LoRaWAN 1.1 §6.2.4.2). */
export function nextRejoinState(
  state: JoinState,
  rejoin: { readonly rejoinType: 0 | 1 | 2; readonly rjCount: number },
  { resetsJoinNonces }: { readonly resetsJoinNonces: boolean },
):
  | { readonly ok: true; readonly state: JoinState; readonly joinNonce: number }
  | { readonly ok: false; readonly cause: CauseCode } {
  const { lastRjCount1 } = state;
  const isType1 = rejoin.rejoinType === 1;
  if (isType1 && !resetsJoinNonces && lastRjCount1 !== undefined && rejoin.rjCount <= lastRjCount1)
    return { ok: false, cause: 'rj_count_too_small' };
  const joinNonce = (state.lastJoinNonce ?? 0) + 1;
  if (joinNonce > LAST_JOIN_NONCE) return { ok: false, cause: 'join_nonce_too_high' };
  const counted = isType1 ? { lastRjCount1: rejoin.rjCount } : {};
  return { ok: true, joinNonce, state: { ...state, ...counted, lastJoinNonce: joinNonce } };
}

interface NonceOptions {
  readonly macVersion: MacVersion;
  /** `resets_join_nonces` of the device. */
  readonly resetsJoinNonces: boolean;
  /** How many random DevNonces are remembered. */
  readonly devNonceLimit: number;
}

/** The newest DevNonces; one that is among them already, as `resets_join_nonces` allows, keeps its place. */
function remember(used: readonly number[], devNonce: number, limit: number): readonly number[] {
  return (used.includes(devNonce) ? used : [...used, devNonce]).slice(-limit);
}

/** Since 1.0.4 the DevNonce counts up (TS001-1.0.4 §6.2.2); before, it is random and must not be one of the last. */
function nonceProblem(
  state: JoinState,
  devNonce: number,
  { macVersion, resetsJoinNonces, devNonceLimit }: NonceOptions,
): CauseCode | undefined {
  if (resetsJoinNonces) return undefined;
  if (!isAtLeast(macVersion, '1.0.4')) {
    const remembered = state.usedDevNonces.slice(-devNonceLimit);
    return remembered.includes(devNonce) ? 'reuse_dev_nonce' : undefined;
  }
  if (state.lastDevNonce !== undefined)
    return devNonce > state.lastDevNonce ? undefined : 'dev_nonce_too_small';
  return devNonce === 0 && state.lastJoinNonce !== undefined ? 'dev_nonce_too_small' : undefined;
}

/** The state after an accepted join, or why there is none. Nothing changes until the caller stores it. */
export function nextJoinState(
  state: JoinState,
  devNonce: number,
  options: NonceOptions,
):
  | { readonly ok: true; readonly state: JoinState; readonly joinNonce: number }
  | { readonly ok: false; readonly cause: CauseCode } {
  const problem = nonceProblem(state, devNonce, options);
  if (problem) return { ok: false, cause: problem };
  const joinNonce = (state.lastJoinNonce ?? 0) + 1;
  if (joinNonce > LAST_JOIN_NONCE) return { ok: false, cause: 'join_nonce_too_high' };
  const counts = isAtLeast(options.macVersion, '1.0.4');
  return {
    ok: true,
    joinNonce,
    state: counts
      ? { ...state, lastDevNonce: devNonce, lastJoinNonce: joinNonce }
      : {
          ...state,
          usedDevNonces: remember(state.usedDevNonces, devNonce, options.devNonceLimit),
          lastJoinNonce: joinNonce,
        },
  };
}
