import { MACVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { CryptoImplementation } from '../../main/lorawan/crypto/implementation.ts';
import {
  type AesKey,
  decodeFrame,
  expandKey,
  isUplinkDataFrame,
  KeyTable,
  micUplink10,
  parseHex,
  type UplinkDataFrame,
  verifyUplinkMics,
} from '../../main/lorawan/index.ts';
import { matchUplink } from '../../main/network-server/match.ts';
import type { LiveSession } from '../../main/network-server/session-cache.ts';
import { type Implementations, implementations, inTurn } from './implementations.ts';
import { type Candidate, type RoundsResult, runInterleaved } from './rounds.ts';

export const SEARCHED_SESSIONS = 10_000;
const ROUNDS = 15;
const FULL_F_CNT = 7;
/** MHDR, DevAddr, FCtrl, FCnt, FPort and 11 bytes of payload: 24 bytes with the MIC. */
const MESSAGE = '40F17DBE490007000101020304050607080910AA';

/** Searches per second: of keys already expanded and packed, from the keys alone, and as the network server does it. */
export interface MicSearchResult {
  readonly rounds: RoundsResult;
  readonly native: Implementations['native'];
}

function keyBytes(index: number): Uint8Array {
  const bytes = Buffer.alloc(16, 0x5a);
  bytes.writeUInt32LE(index, 0);
  return bytes;
}

/** What matching looks at of a session. */
function sessionWith(fNwkSIntKey: AesKey, index: number): LiveSession {
  const session: Pick<LiveSession, 'kind' | 'lastFCntUp' | 'profile'> & {
    readonly keys: Pick<LiveSession['keys'], 'fNwkSIntKey'>;
    readonly mac: Pick<LiveSession['mac'], 'lorawanVersion'>;
  } = {
    kind: 'current',
    // Devices are not in step; most of them may not have sent this counter yet.
    lastFCntUp: (index * 7919) % FULL_F_CNT,
    profile: undefined,
    keys: { fNwkSIntKey },
    mac: { lorawanVersion: MACVersion.MAC_V1_0_4 },
  };
  return session as unknown as LiveSession;
}

function frameOf(key: AesKey): UplinkDataFrame {
  const message = parseHex(MESSAGE) ?? new Uint8Array(0);
  const bytes = Buffer.concat([message, micUplink10(key, FULL_F_CNT, message)]);
  const frame = decodeFrame(bytes);
  if (!isUplinkDataFrame(frame)) throw new Error('The frame is none.');
  return frame;
}

function perSecond(run: () => void): number {
  const startMs = performance.now();
  run();
  return 1_000 / (performance.now() - startMs);
}

function searches(name: string, used: CryptoImplementation): Record<string, Candidate> {
  const raw = Array.from({ length: SEARCHED_SESSIONS }, (_, index) => keyBytes(index));
  const expanded = (): AesKey[] => raw.map(expandKey);
  const keys = inTurn(used, expanded)();
  const last = keys[SEARCHED_SESSIONS - 1] as AesKey;
  const { frame, broken } = inTurn(used, () => {
    const right = frameOf(last);
    return { frame: right, broken: frameOf(expandKey(keyBytes(SEARCHED_SESSIONS))) };
  })();
  const candidates = keys.map((_, row) => ({ row, fullFCnt: FULL_F_CNT, split: false }));
  const sessions = keys.map(sessionWith);
  const search = (table: KeyTable): void => {
    if (verifyUplinkMics(frame.phyPayload, table, candidates) !== SEARCHED_SESSIONS - 1)
      throw new Error('The search found another session.');
  };
  const warm = new KeyTable(keys);
  return {
    [`${name} warm`]: inTurn(used, () => perSecond(() => search(warm))),
    [`${name} cold`]: inTurn(used, () => perSecond(() => search(new KeyTable(expanded())))),
    [`${name} match`]: inTurn(used, () =>
      perSecond(() => {
        if (!matchUplink(sessions, frame).found) throw new Error('The session was not found.');
      }),
    ),
    [`${name} none`]: inTurn(used, () =>
      perSecond(() => {
        if (matchUplink(sessions, broken).found) throw new Error('A session was found.');
      }),
    ),
  };
}

/** Finding the session of a frame among many that share its DevAddr; the last one tried is the right one. */
export async function measureMicSearch(): Promise<MicSearchResult> {
  const { portable, native } = implementations();
  const candidates = {
    ...searches('typescript', portable),
    ...('missing' in native ? {} : searches('native', native)),
  };
  return { rounds: await runInterleaved(candidates, ROUNDS), native };
}
