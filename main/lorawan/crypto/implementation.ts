import type { AesKey } from './aes.ts';
import type { KeyTable } from './key-table.ts';
import { portable } from './portable.ts';
import type { UplinkBatch } from './uplink-batch.ts';

/** Uplink MIC search: one session that might have sent the frame. */
export interface UplinkMicCandidate {
  /** Row of its FNwkSIntKey, or NwkSKey of LoRaWAN 1.0.x. */
  readonly row: number;
  readonly fullFCnt: number;
  /** LoRaWAN 1.1: only the last two bytes of the MIC come from this key, so only these are compared. */
  readonly split: boolean;
}

/** The operations that exist twice, in TypeScript and in the native addon, with the same results. */
export interface CryptoImplementation {
  /** What it is, for the log. */
  readonly name: string;
  fillKey(key: AesKey, keyBytes: Uint8Array): void;
  cmac(key: AesKey, message: Uint8Array): Uint8Array;
  /** First word of the MIC of the data message `bytes[0…end)`, which has at least 5 bytes; signed. */
  micWord(
    key: AesKey,
    direction: 0 | 1,
    lead: number,
    fullFCnt: number,
    bytes: Uint8Array,
    end: number,
  ): number;
  /** XOR with the keystream of the A blocks, whose constant is zero but for its last byte. */
  crypt(
    key: AesKey,
    constant3: number,
    direction: 0 | 1,
    address: number,
    fullFCnt: number,
    input: Uint8Array,
  ): Uint8Array;
  /** Index of the first candidate from `from` on whose key made the MIC of a frame of at least 9 bytes, or -1. */
  searchMics(
    table: KeyTable,
    candidates: readonly UplinkMicCandidate[],
    from: number,
    frame: Uint8Array,
  ): number;
  openUplinks(batch: UplinkBatch, count: number): number;
}

let chosen: CryptoImplementation = portable;

/** The implementation in use: TypeScript until `startCrypto` has found a native one that gives right answers. */
export function implementation(): CryptoImplementation {
  return chosen;
}

/** Changes what is in use. Keys expanded before stay good: both use the same words. */
export function setImplementation(next: CryptoImplementation): void {
  chosen = next;
}
