/**
 * The device's half of the LoRaWAN 1.0.x cryptography. It is written apart from the network's on purpose: only the AES
 * block and CMAC are shared, so that a mistake on one side shows as a failed MIC instead of cancelling out.
 */
import {
  type AesKey,
  aesEncryptBlock,
  cmac,
  type DevAddr,
  type Direction,
  devAddrToLsb,
  type NetId,
  netIdToLsb,
} from '../lorawan/index.ts';

const BLOCK_BYTES = 16;
const MIC_BYTES = 4;

/** The two keys of a 1.0.x session, 16 bytes each. */
export interface DeviceSessionKeys {
  readonly nwkSKey: Uint8Array;
  readonly appSKey: Uint8Array;
}

/** B0 (`first` 0x49, `last` message length) or A_i (`first` 0x01, `last` i); TS001-1.0.3 §4.3.3 and §4.4. */
function counterBlock(
  first: number,
  direction: Direction,
  devAddr: DevAddr,
  fullFCnt: number,
  last: number,
): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(block.buffer);
  block[0] = first;
  block[5] = direction === 'up' ? 0 : 1;
  block.set(devAddrToLsb(devAddr), 6);
  view.setUint32(10, fullFCnt, true);
  block[15] = last;
  return block;
}

/** MIC of a data frame; `message` is MHDR to the end of FRMPayload. TS001-1.0.3 §4.4. */
export function dataFrameMic(
  nwkSKey: AesKey,
  direction: Direction,
  devAddr: DevAddr,
  fullFCnt: number,
  message: Uint8Array,
): Uint8Array {
  const b0 = counterBlock(0x49, direction, devAddr, fullFCnt, message.length);
  return cmac(nwkSKey, b0, message).slice(0, MIC_BYTES);
}

/** Encrypts or decrypts FRMPayload (the same operation). `key` is AppSKey, or NwkSKey for FPort 0. TS001-1.0.3 §4.3.3. */
export function cryptPayload(
  key: AesKey,
  direction: Direction,
  devAddr: DevAddr,
  fullFCnt: number,
  payload: Uint8Array,
): Uint8Array {
  const result = new Uint8Array(payload.length);
  for (let offset = 0; offset < payload.length; offset += BLOCK_BYTES) {
    const index = offset / BLOCK_BYTES + 1;
    const mask = aesEncryptBlock(key, counterBlock(0x01, direction, devAddr, fullFCnt, index));
    const end = Math.min(offset + BLOCK_BYTES, payload.length);
    for (let at = offset; at < end; at += 1)
      result[at] = (payload[at] ?? 0) ^ (mask[at - offset] ?? 0);
  }
  return result;
}

/** MIC of a join-request; `message` is MHDR to DevNonce. TS001-1.0.3 §6.2.4. */
export function joinRequestMic(appKey: AesKey, message: Uint8Array): Uint8Array {
  return cmac(appKey, message).slice(0, MIC_BYTES);
}

/**
 * Recovers a join-accept. The network applies the AES decrypt operation, so that a device only needs encryption.
 * Returns MHDR, body and MIC in the clear, or undefined when length or MIC are wrong. TS001-1.0.3 §6.2.5.
 */
export function recoverJoinAccept(
  appKey: AesKey,
  mhdr: number,
  encrypted: Uint8Array,
): Uint8Array | undefined {
  if (encrypted.length !== BLOCK_BYTES && encrypted.length !== 2 * BLOCK_BYTES) return undefined;
  const plain = new Uint8Array(1 + encrypted.length);
  plain[0] = mhdr;
  for (let offset = 0; offset < encrypted.length; offset += BLOCK_BYTES)
    plain.set(
      aesEncryptBlock(appKey, encrypted.subarray(offset, offset + BLOCK_BYTES)),
      1 + offset,
    );
  const bodyEnd = plain.length - MIC_BYTES;
  const expected = cmac(appKey, plain.subarray(0, bodyEnd)).subarray(0, MIC_BYTES);
  return sameBytes(expected, plain.subarray(bodyEnd)) ? plain : undefined;
}

/** Session keys of a 1.0.x join. TS001-1.0.3 §6.2.5. */
export function deriveDeviceKeys(
  appKey: AesKey,
  joinNonce: number,
  netId: NetId,
  devNonce: number,
): DeviceSessionKeys {
  const derive = (purpose: number): Uint8Array => {
    const block = new Uint8Array(BLOCK_BYTES);
    block[0] = purpose;
    block[1] = joinNonce & 0xff;
    block[2] = (joinNonce >>> 8) & 0xff;
    block[3] = (joinNonce >>> 16) & 0xff;
    block.set(netIdToLsb(netId), 4);
    block[7] = devNonce & 0xff;
    block[8] = (devNonce >>> 8) & 0xff;
    return aesEncryptBlock(appKey, block);
  };
  return { nwkSKey: derive(0x01), appSKey: derive(0x02) };
}

/** Whether two byte strings are equal. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}
