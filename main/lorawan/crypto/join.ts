import {
  type DevAddr,
  type DevEui,
  devAddrToLsb,
  eui64ToLsb,
  type JoinEui,
  type NetId,
  netIdToLsb,
} from '../identifiers.ts';
import { type AesKey, aesDecryptBlock, aesEncryptBlock, BLOCK_BYTES } from './aes.ts';

function transformBlocks(
  transform: (key: AesKey, block: Uint8Array) => Uint8Array,
  key: AesKey,
  bytes: Uint8Array,
): Uint8Array {
  if (bytes.length % BLOCK_BYTES !== 0) {
    throw new RangeError(`a join-accept has 16 or 32 bytes after MHDR, not ${bytes.length}`);
  }
  const result = new Uint8Array(bytes.length);
  for (let offset = 0; offset < bytes.length; offset += BLOCK_BYTES) {
    result.set(transform(key, bytes.subarray(offset, offset + BLOCK_BYTES)), offset);
  }
  return result;
}

/**
 * Encrypts what follows MHDR in a join-accept, MIC included. It uses the AES decrypt operation, so that devices need
 * only the encrypt operation (TS001-1.0.4 §6.2.3).
 */
export function encryptJoinAccept(key: AesKey, plain: Uint8Array): Uint8Array {
  return transformBlocks(aesDecryptBlock, key, plain);
}

/** What follows MHDR in a join-accept in the clear, MIC included; the reverse of {@link encryptJoinAccept}. */
export function decryptJoinAccept(key: AesKey, encrypted: Uint8Array): Uint8Array {
  return transformBlocks(aesEncryptBlock, key, encrypted);
}

/** AES over `type ‖ parts`, padded with zeros to a block. */
function derive(key: AesKey, type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block[0] = type;
  let filled = 1;
  for (const part of parts) {
    block.set(part, filled);
    filled += part.length;
  }
  return aesEncryptBlock(key, block);
}

function lsb(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => value >>> (8 * index));
}

/** Session keys of LoRaWAN 1.0.x, 16 bytes each. */
export interface SessionKeys10 {
  readonly nwkSKey: Uint8Array;
  readonly appSKey: Uint8Array;
}

/** Session keys of LoRaWAN 1.1, 16 bytes each. */
export interface SessionKeys11 {
  readonly fNwkSIntKey: Uint8Array;
  readonly sNwkSIntKey: Uint8Array;
  readonly nwkSEncKey: Uint8Array;
  readonly appSKey: Uint8Array;
}

/**
 * Derives 1.0.x session keys (TS001-1.0.4 §6.2.3). With one root key pass the AppKey twice; a 1.1 device on a 1.0.x
 * network has NwkKey and AppKey.
 */
export function deriveSessionKeys10(
  networkRoot: AesKey,
  applicationRoot: AesKey,
  join: { readonly joinNonce: number; readonly netId: NetId; readonly devNonce: number },
): SessionKeys10 {
  const parts = [lsb(join.joinNonce, 3), netIdToLsb(join.netId), lsb(join.devNonce, 2)];
  return {
    nwkSKey: derive(networkRoot, 0x01, ...parts),
    appSKey: derive(applicationRoot, 0x02, ...parts),
  };
}

/** Derives 1.1 session keys (LoRaWAN 1.1 §6.2.3). For a rejoin `devNonce` is RJcount. */
export function deriveSessionKeys11(
  nwkKey: AesKey,
  appKey: AesKey,
  join: { readonly joinNonce: number; readonly joinEui: JoinEui; readonly devNonce: number },
): SessionKeys11 {
  const parts = [lsb(join.joinNonce, 3), eui64ToLsb(join.joinEui), lsb(join.devNonce, 2)];
  return {
    fNwkSIntKey: derive(nwkKey, 0x01, ...parts),
    sNwkSIntKey: derive(nwkKey, 0x03, ...parts),
    nwkSEncKey: derive(nwkKey, 0x04, ...parts),
    appSKey: derive(appKey, 0x02, ...parts),
  };
}

/** Keys of the device's life for joins and rejoins (LoRaWAN 1.1 §6.1.1.3). */
export function deriveJoinServerKeys(
  nwkKey: AesKey,
  devEui: DevEui,
): { readonly jsIntKey: Uint8Array; readonly jsEncKey: Uint8Array } {
  const eui = eui64ToLsb(devEui);
  return { jsIntKey: derive(nwkKey, 0x06, eui), jsEncKey: derive(nwkKey, 0x05, eui) };
}

/** Root key of a device's wake-on-radio sessions from its NwkSEncKey, in 1.0.x its NwkSKey (TS011). */
export function deriveRootWorSKey(nwkSEncKey: AesKey): Uint8Array {
  return derive(nwkSEncKey, 0x01);
}

/** Wake-on-radio session keys (TS011). */
export function deriveWorSessionKeys(
  rootWorSKey: AesKey,
  devAddr: DevAddr,
): { readonly worSIntKey: Uint8Array; readonly worSEncKey: Uint8Array } {
  const address = devAddrToLsb(devAddr);
  return {
    worSIntKey: derive(rootWorSKey, 0x01, address),
    worSEncKey: derive(rootWorSKey, 0x02, address),
  };
}
