import { type AesKey, readWord } from './aes.ts';
import { UPLINK, UPLINK_RESULT, UPLINK_WORDS, type UplinkBatch } from './uplink-batch.ts';

interface Operations {
  micWord(
    key: AesKey,
    direction: 0 | 1,
    lead: number,
    fullFCnt: number,
    bytes: Uint8Array,
    end: number,
  ): number;
  cryptInto(
    key: AesKey,
    constant3: number,
    direction: 0 | 1,
    address: number,
    fullFCnt: number,
    input: Uint8Array,
    output: Uint8Array,
  ): void;
}

const MIN_DATA_FRAME_BYTES = 12;
const MIC_BYTES = 4;
const FHDR_END = 8;
/** Relayed frames go with the network key like MAC commands (TS011). */
const RELAY_F_PORT = 226;

function openUplink(
  { micWord, cryptInto }: Operations,
  keys: { readonly network: AesKey; readonly application: AesKey },
  fullFCnt: number,
  frame: Uint8Array,
  room: Uint8Array,
): { readonly port: number; readonly length: number } {
  const end = frame.length - MIC_BYTES;
  const fType = frame[0]! >> 5;
  const optionsEnd = FHDR_END + (frame[5]! & 0x0f);
  if (frame.length < MIN_DATA_FRAME_BYTES || (fType !== 2 && fType !== 4) || optionsEnd > end) {
    return { port: UPLINK_RESULT.malformed, length: 0 };
  }
  if (micWord(keys.network, 0, 0, fullFCnt, frame, end) !== readWord(frame, end)) {
    return { port: UPLINK_RESULT.wrongMic, length: 0 };
  }
  if (optionsEnd === end) return { port: UPLINK_RESULT.noPort, length: 0 };
  const port = frame[optionsEnd]!;
  const payload = frame.subarray(optionsEnd + 1, end);
  if (payload.length > room.length) return { port: UPLINK_RESULT.noRoom, length: 0 };
  const key = port === 0 || port === RELAY_F_PORT ? keys.network : keys.application;
  cryptInto(key, 0, 0, readWord(frame, 1), fullFCnt, payload, room);
  return { port, length: payload.length };
}

/** Opens the frames of a batch one after another with the given operations; how many were right. */
export function openUplinksWith(operations: Operations, batch: UplinkBatch, count: number): number {
  const { keys, frames, table, payloads } = batch;
  if (count > table.length / UPLINK_WORDS) throw new RangeError('the table has not as many rows');
  let used = 0;
  let opened = 0;
  for (let base = 0; base < count * UPLINK_WORDS; base += UPLINK_WORDS) {
    const offset = table[base + UPLINK.offset]!;
    const end = offset + table[base + UPLINK.length]!;
    if (end > frames.length) throw new RangeError('a row of the table points outside the frames');
    const { port, length } = openUplink(
      operations,
      {
        network: keys.keyAt(table[base + UPLINK.networkRow]!),
        application: keys.keyAt(table[base + UPLINK.applicationRow]!),
      },
      table[base + UPLINK.fullFCnt]!,
      frames.subarray(offset, end),
      payloads.subarray(used),
    );
    table[base + UPLINK.port] = port;
    table[base + UPLINK.payloadOffset] = used;
    table[base + UPLINK.payloadLength] = length;
    used += length;
    if (port >= UPLINK_RESULT.noPort) opened++;
  }
  return opened;
}
