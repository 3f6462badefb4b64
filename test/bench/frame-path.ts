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
  KeyTable,
  openDataFrame,
  openUplinks,
  type SessionAesKeys,
  UPLINK,
  UPLINK_WORDS,
  type UplinkBatch,
  verifyUplinkMic10,
} from '../../main/lorawan/index.ts';
import { type Implementations, implementations, inTurn } from './implementations.ts';
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

/**
 * Rates of the frame path. `typescript` and `native` make frame objects; `one` opens a frame per call into results that
 * are used again, `batch` all frames in one call, both natively; `c` is a plain loop in C and `c addon` the same loop over
 * the addon's own code, neither with any JavaScript. What needs a C compiler is absent without one.
 */
export interface FramePathResult {
  readonly rounds: RoundsResult;
  /** Name of the native implementation, or why there is none. */
  readonly native: Implementations['native'];
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
/** The addon's code without its bridge to JavaScript. */
const ADDON_SOURCES = ['aes-portable', 'aes-ni', 'aes-armv8', 'choose'].map((name) =>
  fileURLToPath(new URL(`../../native/${name}.c`, import.meta.url)),
);

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

/** The same frames for {@link openUplinks}: all of them, and one at a time. */
function makeBatches(frames: readonly MadeFrame[], sessions: readonly BenchSession[]) {
  const keys = new KeyTable(
    sessions.flatMap(({ keys }) => [keys.fNwkSIntKey, keys.appSKey as AesKey]),
  );
  const bytes = Buffer.concat(frames.map((frame) => frame.bytes));
  const table = new Uint32Array(frames.length * UPLINK_WORDS);
  let offset = 0;
  frames.forEach(({ bytes: { length }, session, fCnt }, index) => {
    table.set([2 * session, 2 * session + 1, fCnt, offset, length], index * UPLINK_WORDS);
    offset += length;
  });
  const all: UplinkBatch = { keys, frames: bytes, table, payloads: Buffer.alloc(bytes.length) };
  const one: UplinkBatch = {
    keys,
    frames: Buffer.alloc(0),
    table: new Uint32Array(16 * UPLINK_WORDS),
    payloads: Buffer.alloc(256),
  };
  return { all, one };
}

/** One call for each frame; the frame is where it was received. */
function openOneByOne(
  one: UplinkBatch,
  frames: readonly MadeFrame[],
  onOpened?: (frame: MadeFrame) => void,
): void {
  const { keys, table, payloads } = one;
  for (const frame of frames) {
    const { bytes, session, fCnt } = frame;
    table[UPLINK.networkRow] = 2 * session;
    table[UPLINK.applicationRow] = 2 * session + 1;
    table[UPLINK.fullFCnt] = fCnt;
    table[UPLINK.offset] = 0;
    table[UPLINK.length] = bytes.length;
    if (openUplinks({ keys, frames: bytes, table, payloads }, 1) !== 1)
      throw new Error('A frame was not opened.');
    onOpened?.(frame);
  }
}

/** Both ways to open without objects give what was sent, and none opens a broken frame. */
function assertBatchesCorrect(
  { all, one }: ReturnType<typeof makeBatches>,
  frames: readonly MadeFrame[],
): void {
  const { table, payloads } = all;
  let right = openUplinks(all, frames.length) === frames.length;
  frames.forEach(({ payload }, index) => {
    const [from = 0, length = 0] = table.subarray(
      index * UPLINK_WORDS + UPLINK.payloadOffset,
      (index + 1) * UPLINK_WORDS,
    );
    right &&= payload.equals(payloads.subarray(from, from + length));
  });
  openOneByOne(one, frames, ({ payload }) => {
    right &&= payload.equals(one.payloads.subarray(0, payload.length));
  });
  const broken = Buffer.from(all.frames);
  broken[10] = (broken[10] ?? 0) ^ 1;
  right &&= openUplinks({ ...all, frames: broken }, frames.length) === frames.length - 1;
  if (!right) throw new Error('Opening frames in batches gives wrong results.');
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

/** Compiles the loop with these arguments; `data` holds its frames. */
function compileLoop(
  program: string,
  data: string,
  sources: readonly string[],
): CompiledLoop | { readonly missing: string } {
  const built = spawnSync('cc', ['-O3', ...sources, '-o', program], { encoding: 'utf8' });
  if (built.error || built.status !== 0) return { missing: built.error?.message ?? built.stderr };
  const call = (milliseconds: number): readonly string[] => {
    const { stdout, status } = spawnSync(program, [data, String(milliseconds)], {
      encoding: 'utf8',
    });
    const split = stdout.trim().lastIndexOf(' ');
    if (status !== 0) throw new Error('The C loop gives wrong results.');
    return [stdout.slice(0, split), stdout.slice(split)];
  };
  return { aes: call(1)[0] ?? '', run: () => Number(call(ROUND_MS)[1]) };
}

/** The plain loop, compiled for exactly this processor, and the same loop over the addon's code. */
function compileLoops(directory: string, input: Buffer) {
  const data = join(directory, 'frames.bin');
  writeFileSync(data, input);
  const plain = compileLoop(join(directory, 'plain'), data, ['-march=native', LOOP_SOURCE]);
  const sources = ['-DADDON', LOOP_SOURCE, ...ADDON_SOURCES];
  return { plain, addon: compileLoop(join(directory, 'addon'), data, sources) };
}

/** What is measured by name; every round changes the implementation before it starts its clock. */
function candidatesFor(
  { portable, native }: Implementations,
  frames: readonly MadeFrame[],
  sessions: readonly BenchSession[],
): Record<string, Candidate> {
  const withObjects = (): void => {
    for (const { bytes, session, fCnt } of frames)
      open(bytes, fCnt, (sessions[session] as BenchSession).keys);
  };
  const batches = makeBatches(frames, sessions);
  const few = frames.slice(0, FRAMES / 10);
  const published = (): void => {
    for (const { bytes, session } of few) {
      const { nwkSKey, appSKey } = sessions[session] as BenchSession;
      const packet = loraPacket.fromWire(bytes);
      if (loraPacket.verifyMIC(packet, nwkSKey)) loraPacket.decrypt(packet, appSKey, nwkSKey);
    }
  };
  const rate = (run: () => void): number => rateOf(frames.length, ROUND_MS, run);
  const candidates: Record<string, Candidate> = {
    typescript: inTurn(portable, () => rate(withObjects)),
    'lora-packet': () => rateOf(few.length, ROUND_MS, published),
  };
  if ('missing' in native) return candidates;
  inTurn(native, () => assertCorrect(frames, sessions))();
  inTurn(native, () => assertBatchesCorrect(batches, frames))();
  return {
    ...candidates,
    native: inTurn(native, () => rate(withObjects)),
    one: inTurn(native, () => rate(() => openOneByOne(batches.one, frames))),
    batch: inTurn(native, () => rate(() => void openUplinks(batches.all, frames.length))),
  };
}

/** Parse + MIC + decrypt against `lora-packet` and against a loop in C over the same frames. */
export async function measureFramePath(): Promise<FramePathResult> {
  const sessions = Array.from({ length: SESSIONS }, (_, index) => makeSession(index));
  const frames = makeFrames(sessions);
  const available = implementations();
  inTurn(available.portable, () => assertCorrect(frames, sessions))();
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const { plain, addon } = compileLoops(directory, loopInput(frames, sessions));
    const candidates = candidatesFor(available, frames, sessions);
    const rounds = await runInterleaved(
      {
        ...candidates,
        ...('run' in plain && { c: plain.run }),
        ...('run' in addon && { 'c addon': addon.run }),
      },
      ROUNDS,
    );
    const cLoop = 'run' in plain ? { aes: plain.aes } : plain;
    return { rounds, native: available.native, cLoop };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
