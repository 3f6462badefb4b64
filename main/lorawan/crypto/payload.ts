import { unsafe } from '@noble/ciphers/aes.js';
import type { DevAddr, Direction } from '../identifiers.ts';
import { type AesKey, BLOCK_BYTES } from './aes.ts';

/**
 * Encrypts or decrypts by XOR with AES over the A blocks: `01 ‖ constant (4) ‖ Dir ‖ DevAddr ‖ FCnt ‖ 00 ‖ i`
 * (TS001-1.0.4 §4.3.3), i from 1. Only the last byte of the constant is ever set: `constant3`.
 */
function cryptWithBlocks(
  key: AesKey,
  constant3: number,
  direction: Direction,
  devAddr: DevAddr,
  fullFCnt: number,
  input: Uint8Array,
): Uint8Array {
  const length = input.length;
  const output = new Uint8Array(length);
  const address = Number.parseInt(devAddr, 16);
  const word1 = constant3 | (direction === 'up' ? 0 : 0x100) | (address << 16);
  const word2 = (address >>> 16) | (fullFCnt << 16);
  const word3 = (fullFCnt >>> 16) & 0xffff;
  for (let offset = 0, block = 1; offset < length; offset += BLOCK_BYTES, block++) {
    const { s0, s1, s2, s3 } = unsafe.encrypt(
      key.encryptionSchedule,
      0x01,
      word1,
      word2,
      word3 | (block << 24),
    );
    const end = Math.min(offset + BLOCK_BYTES, length);
    for (let i = offset; i < end; i++) {
      const at = i - offset;
      const word = at < 8 ? (at < 4 ? s0 : s1) : at < 12 ? s2 : s3;
      output[i] = input[i]! ^ (word >>> (8 * (at & 3)));
    }
  }
  return output;
}

/**
 * Encrypts or decrypts the FRMPayload of a data frame (TS001-1.0.4 §4.3.3).
 *
 * @param key AppSKey; NwkSEncKey (1.0.x: NwkSKey) for FPort 0
 * @param fullFCnt the complete 32-bit frame counter
 */
export function cryptFrmPayload(
  key: AesKey,
  devAddr: DevAddr,
  direction: Direction,
  fullFCnt: number,
  bytes: Uint8Array,
): Uint8Array {
  return cryptWithBlocks(key, 0, direction, devAddr, fullFCnt, bytes);
}

/** Which counter a frame uses; downlinks with FPort > 0 count with AFCntDown, other downlinks with NFCntDown. */
export type FOptsKind = 'up' | 'nFCntDown' | 'aFCntDown';

/** Encrypts or decrypts the FOpts of a LoRaWAN 1.1 frame with NwkSEncKey (LoRaWAN 1.1 §4.3.1.6 with its errata). */
export function cryptFOpts(
  nwkSEncKey: AesKey,
  devAddr: DevAddr,
  kind: FOptsKind,
  fullFCnt: number,
  bytes: Uint8Array,
): Uint8Array {
  const constant3 = kind === 'aFCntDown' ? 2 : 1;
  const direction = kind === 'up' ? 'up' : 'down';
  return cryptWithBlocks(nwkSEncKey, constant3, direction, devAddr, fullFCnt, bytes);
}
