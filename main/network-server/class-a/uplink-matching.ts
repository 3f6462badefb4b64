import { MACVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type CauseCode, type EvidenceData, fact } from '../../base/causes.ts';
import {
  type AesKey,
  expandKey,
  type UplinkDataFrame,
  uplinkFrameCounter,
  verifyUplinkMics,
} from '../../lorawan/index.ts';
import type { NetworkSession } from '../../store/index.ts';
import type { NetworkDevice } from '../ports.ts';

/** A session that verified a frame. */
export interface MatchedSession {
  readonly session: NetworkSession;
  readonly device: NetworkDevice;
  readonly fullFCnt: number;
}

export type MatchResult =
  | {
      readonly ok: true;
      readonly match: MatchedSession;
      readonly evidence: readonly EvidenceData[];
    }
  | { readonly ok: false; readonly cause: CauseCode; readonly evidence: readonly EvidenceData[] };

/** Expanded keys of recent sessions, bounded. */
export interface KeyCache {
  get(raw: Uint8Array): AesKey;
}

const MAX_CACHED_KEYS = 10_000;

/** Key schedules by key; the map is cleared when it is full, since refilling costs microseconds. */
export function createKeyCache(): KeyCache {
  const keys = new Map<string, AesKey>();
  return {
    get(raw) {
      const name = Buffer.from(raw).toString('latin1');
      let key = keys.get(name);
      if (!key) {
        if (keys.size >= MAX_CACHED_KEYS) keys.clear();
        key = expandKey(raw);
        keys.set(name, key);
      }
      return key;
    },
  };
}

/** Likely sessions first: current ones whose counter is not ahead, then the others, then pending ones. */
function ordered(sessions: readonly NetworkSession[], fCnt: number): NetworkSession[] {
  const rank = (one: NetworkSession): number => {
    if (one.kind === 'pending') return 2;
    return ((one.lastFCntUp ?? 0) & 0xffff) <= fCnt ? 0 : 1;
  };
  return [...sessions].sort(
    (a, b) => rank(a) - rank(b) || (b.lastFCntUp ?? 0) - (a.lastFCntUp ?? 0),
  );
}

const supports32 = (device: NetworkDevice): boolean =>
  device.message.macSettings?.supports32BitFCnt?.value ?? true;

/** Finds the session whose key verifies the frame (TS001-1.0.4 §4.4), and judges its counter (§4.3.1.5). */
export function matchUplink(
  frame: UplinkDataFrame,
  sessions: readonly NetworkSession[],
  deviceOf: (row: number) => NetworkDevice | undefined,
  keys: KeyCache,
): MatchResult {
  const candidates = ordered(sessions, frame.fCnt).flatMap((session) => {
    if (session.kind === 'pending' && frame.fCtrl.ack) return [];
    const device = deviceOf(session.deviceRow);
    if (!device) return [];
    const fullFCnt = uplinkFrameCounter(session.lastFCntUp, frame.fCnt, supports32(device));
    return [{ session, device, fullFCnt }];
  });
  const evidence: EvidenceData[] = [
    fact('dev_addr', frame.devAddr),
    fact('f_cnt', frame.fCnt),
    fact('candidates', candidates.length),
  ];
  if (candidates.length === 0) return { ok: false, cause: 'device_not_found', evidence };
  const repeated = candidates.map((one) => ({
    ...one,
    fullFCnt: one.session.lastFCntUp ?? one.fullFCnt,
  }));
  const check = (list: typeof candidates): number | undefined =>
    verifyUplinkMics(
      frame.phyPayload,
      list.map(({ session, device, fullFCnt }) => ({
        integrityKey: keys.get(session.keys.fNwkSIntKey),
        fullFCnt,
        split: device.message.lorawanVersion === MACVersion.MAC_V1_1,
      })),
    );
  const at = check(candidates);
  const match = at === undefined ? undefined : candidates[at];
  if (!match) {
    // A frame that verifies with an older counter is a replay, not a stranger.
    const older = check(
      repeated.map((one) => ({ ...one, fullFCnt: (one.fullFCnt & ~0xffff) | frame.fCnt })),
    );
    return { ok: false, cause: older === undefined ? 'mic_mismatch' : 'f_cnt_too_low', evidence };
  }
  const last = match.session.lastFCntUp;
  evidence.push(fact('full_f_cnt', match.fullFCnt));
  if (last !== undefined) evidence.push(fact('last_f_cnt_up', last));
  if (last !== undefined && match.fullFCnt <= last)
    return { ok: false, cause: 'f_cnt_too_low', evidence };
  return { ok: true, match, evidence };
}
