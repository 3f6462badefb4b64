import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import loraPacket from 'lora-packet';
import {
  type AesKey,
  decodeFrame,
  expandKey,
  isUplinkDataFrame,
  openDataFrame,
  type SessionAesKeys,
  verifyUplinkMic10,
} from '../../main/lorawan/index.ts';
import { type Candidate, type RoundsResult, rateOf, runInterleaved } from './rounds.ts';

/** A frame that `lora-packet` made, with what is needed to open it. */
interface MadeFrame {
  readonly bytes: Buffer;
  readonly payload: Buffer;
  readonly session: number;
  readonly fCnt: number;
}

interface BenchSession {
  readonly devAddr: Buffer;
  readonly nwkSKey: Buffer;
  readonly appSKey: Buffer;
  readonly keys: SessionAesKeys;
}

/** Rates of the frame path; `c` is absent where no C compiler is. */
export interface FramePathResult {
  readonly rounds: RoundsResult;
  /** Which AES the C loop uses, or why there is no C loop. */
  readonly cLoop: { readonly aes: string } | { readonly missing: string };
}

const SESSIONS = 256;
const FRAMES = 1_000;
const MIN_PAYLOAD_BYTES = 12;
const PAYLOAD_SIZES = 40;
const ROUND_MS = 250;
const ROUNDS = 9;
const LOOP_SOURCE = fileURLToPath(new URL('./frame-loop.c', import.meta.url));

function makeSession(index: number): BenchSession {
  const key = (salt: number): Buffer =>
    Buffer.from(Array.from({ length: 16 }, (_, at) => (index * 31 + at * 17 + salt) & 0xff));
  const [nwkSKey, appSKey] = [key(3), key(89)];
  const network = expandKey(nwkSKey);
  const keys = {
    fNwkSIntKey: network,
    sNwkSIntKey: network,
    nwkSEncKey: network,
    appSKey: expandKey(appSKey),
  };
  return { devAddr: Buffer.from([2, 0, 0x10, index]), nwkSKey, appSKey, keys };
}

function makeFrames(sessions: readonly BenchSession[]): MadeFrame[] {
  return Array.from({ length: FRAMES }, (_, index) => {
    const session = index % SESSIONS;
    const { devAddr, nwkSKey, appSKey } = sessions[session] as BenchSession;
    const payload = Buffer.alloc(MIN_PAYLOAD_BYTES + (index % PAYLOAD_SIZES), index);
    const fCnt = 1 + Math.floor(index / SESSIONS);
    const packet = loraPacket.fromFields(
      { MType: 'Unconfirmed Data Up', DevAddr: devAddr, FCnt: fCnt, FPort: 1, payload },
      appSKey,
      nwkSKey,
    );
    return { bytes: packet.getPHYPayload() as Buffer, payload, session, fCnt };
  });
}

/** Parses, verifies and decrypts one frame; undefined if its MIC is wrong. */
function open(bytes: Uint8Array, fullFCnt: number, keys: SessionAesKeys): Uint8Array | undefined {
  const frame = decodeFrame(bytes);
  if (!isUplinkDataFrame(frame)) return undefined;
  if (!verifyUplinkMic10(keys.fNwkSIntKey as AesKey, fullFCnt, bytes)) return undefined;
  return openDataFrame(frame, { keys, fullFCnt, lorawan11: false }).frmPayload;
}

/** Both sides must agree before their speed means anything. */
function assertCorrect(frames: readonly MadeFrame[], sessions: readonly BenchSession[]): void {
  for (const { bytes, payload, session, fCnt } of frames) {
    const { keys } = sessions[session] as BenchSession;
    const opened = open(bytes, fCnt, keys);
    const broken = Uint8Array.from(bytes);
    broken[10] = (broken[10] ?? 0) ^ 1;
    if (!opened || !payload.equals(opened) || open(broken, fCnt, keys))
      throw new Error('The frame path gives wrong results.');
  }
}

/** Input of the C loop: sessions as two keys each, then frames as session (16 bit), counter (32 bit), length (8 bit), bytes. */
function loopInput(frames: readonly MadeFrame[], sessions: readonly BenchSession[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(sessions.length, 0);
  head.writeUInt32LE(frames.length, 4);
  const parts = [head, ...sessions.flatMap(({ nwkSKey, appSKey }) => [nwkSKey, appSKey])];
  for (const { bytes, session, fCnt } of frames) {
    const row = Buffer.alloc(7);
    row.writeUInt16LE(session, 0);
    row.writeUInt32LE(fCnt, 2);
    row.writeUInt8(bytes.length, 6);
    parts.push(row, bytes);
  }
  return Buffer.concat(parts);
}

interface CompiledLoop {
  readonly aes: string;
  readonly run: Candidate;
}

function compileLoop(
  directory: string,
  input: Buffer,
): CompiledLoop | { readonly missing: string } {
  const program = join(directory, 'frame-loop');
  const data = join(directory, 'frames.bin');
  writeFileSync(data, input);
  const built = spawnSync('cc', ['-O3', '-march=native', '-o', program, LOOP_SOURCE], {
    encoding: 'utf8',
  });
  if (built.error || built.status !== 0) return { missing: built.error?.message ?? built.stderr };
  const call = (milliseconds: number): readonly string[] => {
    const { stdout, status } = spawnSync(program, [data, String(milliseconds)], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error('The C loop gives wrong results.');
    return stdout.trim().split(' ');
  };
  return { aes: call(1)[0] ?? '', run: () => Number(call(ROUND_MS)[1]) };
}

/** Parse + MIC + decrypt with frame objects, against `lora-packet` and against a loop in C over the same frames. */
export async function measureFramePath(): Promise<FramePathResult> {
  const sessions = Array.from({ length: SESSIONS }, (_, index) => makeSession(index));
  const frames = makeFrames(sessions);
  assertCorrect(frames, sessions);
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const loop = compileLoop(directory, loopInput(frames, sessions));
    const gatehouse = (): void => {
      for (const { bytes, session, fCnt } of frames)
        open(bytes, fCnt, (sessions[session] as BenchSession).keys);
    };
    const few = frames.slice(0, FRAMES / 10);
    const published = (): void => {
      for (const { bytes, session } of few) {
        const { nwkSKey, appSKey } = sessions[session] as BenchSession;
        const packet = loraPacket.fromWire(bytes);
        if (loraPacket.verifyMIC(packet, nwkSKey)) loraPacket.decrypt(packet, appSKey, nwkSKey);
      }
    };
    const candidates: Record<string, Candidate> = {
      gatehouse: () => rateOf(frames.length, ROUND_MS, gatehouse),
      'lora-packet': () => rateOf(few.length, ROUND_MS, published),
      ...('run' in loop && { c: loop.run }),
    };
    const rounds = await runInterleaved(candidates, ROUNDS);
    return { rounds, cLoop: 'run' in loop ? { aes: loop.aes } : loop };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
