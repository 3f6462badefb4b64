import type { DevAddr, Direction } from '../identifiers.ts';
import type { AesKey } from './aes.ts';
import { implementation } from './implementation.ts';

function cryptWithBlocks(
  key: AesKey,
  constant3: number,
  direction: Direction,
  devAddr: DevAddr,
  fullFCnt: number,
  input: Uint8Array,
): Uint8Array {
  const address = Number.parseInt(devAddr, 16);
  const side = direction === 'up' ? 0 : 1;
  return implementation().crypt(key, constant3, side, address, fullFCnt, input);
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
