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
const NO_LEAD = new Uint8Array(4);

/** The two keys of a 1.0.x session, 16 bytes each. */
export interface SessionKeys10 {
  readonly nwkSKey: Uint8Array;
  readonly appSKey: Uint8Array;
}

/** What a counter block is about: one frame of one direction. */
export interface CountedFrame {
  readonly direction: Direction;
  readonly devAddr: DevAddr;
  readonly fullFCnt: number;
}

/**
 * B0 and B1 (`first` 0x49, `last` message length) or A_i (`first` 0x01, `last` i). `lead` are the four bytes after the
 * first one, which are 0 in LoRaWAN 1.0.x. TS001-1.0.3 §4.3.3 and §4.4.
 */
export function counterBlock(
  first: number,
  lead: Uint8Array,
  { direction, devAddr, fullFCnt }: CountedFrame,
  last: number,
): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const view = new DataView(block.buffer);
  block[0] = first;
  block.set(lead, 1);
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
  const frame = { direction, devAddr, fullFCnt };
  const b0 = counterBlock(0x49, NO_LEAD, frame, message.length);
  return cmac(nwkSKey, b0, message).slice(0, MIC_BYTES);
}

/** Exclusive or of bytes with the key stream of counter blocks. */
export function cryptWithBlocks(
  key: AesKey,
  lead: Uint8Array,
  frame: CountedFrame,
  bytes: Uint8Array,
): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let offset = 0; offset < bytes.length; offset += BLOCK_BYTES) {
    const index = offset / BLOCK_BYTES + 1;
    const mask = aesEncryptBlock(key, counterBlock(0x01, lead, frame, index));
    const end = Math.min(offset + BLOCK_BYTES, bytes.length);
    for (let at = offset; at < end; at += 1)
      result[at] = (bytes[at] ?? 0) ^ (mask[at - offset] ?? 0);
  }
  return result;
}

/**
 * Encrypts or decrypts FRMPayload (the same operation). `key` is AppSKey, or for FPort 0 NwkSKey, in LoRaWAN 1.1
 * NwkSEncKey. TS001-1.0.3 §4.3.3.
 */
export function cryptPayload(
  key: AesKey,
  direction: Direction,
  devAddr: DevAddr,
  fullFCnt: number,
  payload: Uint8Array,
): Uint8Array {
  return cryptWithBlocks(key, NO_LEAD, { direction, devAddr, fullFCnt }, payload);
}

/** MIC of a join-request; `message` is MHDR to DevNonce. TS001-1.0.3 §6.2.4. */
export function joinRequestMic(appKey: AesKey, message: Uint8Array): Uint8Array {
  return cmac(appKey, message).slice(0, MIC_BYTES);
}

/**
 * Recovers a join-accept. The network applies the AES decrypt operation, so that a device only needs encryption.
 * Returns MHDR, body and MIC in the clear, or undefined when length or MIC are wrong. TS001-1.0.3 §6.2.5.
 *
 * @param micOf the MIC expected for MHDR and body in the clear; that of LoRaWAN 1.0.x unless given
 */
export function recoverJoinAccept(
  key: AesKey,
  mhdr: number,
  encrypted: Uint8Array,
  micOf: (message: Uint8Array) => Uint8Array = (message) => joinRequestMic(key, message),
): Uint8Array | undefined {
  if (encrypted.length !== BLOCK_BYTES && encrypted.length !== 2 * BLOCK_BYTES) return undefined;
  const plain = new Uint8Array(1 + encrypted.length);
  plain[0] = mhdr;
  for (let offset = 0; offset < encrypted.length; offset += BLOCK_BYTES)
    plain.set(aesEncryptBlock(key, encrypted.subarray(offset, offset + BLOCK_BYTES)), 1 + offset);
  const bodyEnd = plain.length - MIC_BYTES;
  return sameBytes(micOf(plain.subarray(0, bodyEnd)), plain.subarray(bodyEnd)) ? plain : undefined;
}

/** Session keys of a 1.0.x join. TS001-1.0.3 §6.2.5. */
export function deriveDeviceKeys(
  appKey: AesKey,
  joinNonce: number,
  netId: NetId,
  devNonce: number,
): SessionKeys10 {
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
