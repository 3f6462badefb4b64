import { formatHex, hexOfByte, parseHex } from './hex.ts';

declare const brand: unique symbol;

/** A 64-bit extended unique identifier: 16 upper-case hex digits, most significant byte first. */
export type Eui64 = string & { readonly [brand]: 'Eui64' };
/** EUI of an end device. */
export type DevEui = Eui64;
/** EUI of the Join Server of an end device, formerly called AppEUI. */
export type JoinEui = Eui64;
/** EUI of a gateway. */
export type GatewayEui = Eui64;
/** Address of a device within its network: 8 upper-case hex digits, most significant byte first. */
export type DevAddr = string & { readonly [brand]: 'DevAddr' };
/** Identifier of a network: 6 upper-case hex digits, most significant byte first. */
export type NetId = string & { readonly [brand]: 'NetId' };

/** Uplinks go from device to network. */
export type Direction = 'up' | 'down';

const EUI64_BYTES = 8;
const DEV_ADDR_BYTES = 4;
const NET_ID_BYTES = 3;

function parseIdentifier(text: string, size: number): string | undefined {
  const bytes = parseHex(text);
  return bytes?.length === size ? formatHex(bytes) : undefined;
}

/** Reads an EUI in any notation {@link parseHex} knows, most significant byte first. */
export function parseEui64(text: string): Eui64 | undefined {
  return parseIdentifier(text, EUI64_BYTES) as Eui64 | undefined;
}

export const parseDevEui: (text: string) => DevEui | undefined = parseEui64;
export const parseJoinEui: (text: string) => JoinEui | undefined = parseEui64;
export const parseGatewayEui: (text: string) => GatewayEui | undefined = parseEui64;

/** Reads a DevAddr in any notation {@link parseHex} knows, most significant byte first. */
export function parseDevAddr(text: string): DevAddr | undefined {
  return parseIdentifier(text, DEV_ADDR_BYTES) as DevAddr | undefined;
}

/** Reads a NetID in any notation {@link parseHex} knows, most significant byte first. */
export function parseNetId(text: string): NetId | undefined {
  return parseIdentifier(text, NET_ID_BYTES) as NetId | undefined;
}

function textOfBytes(bytes: Uint8Array, size: number): string {
  if (bytes.length !== size) {
    throw new RangeError(`expected ${size} bytes, got ${bytes.length}`);
  }
  return formatHex(bytes);
}

function textOfLsb(bytes: Uint8Array, offset: number, size: number): string {
  if (offset < 0 || offset + size > bytes.length) {
    throw new RangeError(`no ${size} bytes at offset ${offset} of ${bytes.length}`);
  }
  let text = '';
  for (let i = offset + size - 1; i >= offset; i--) text += hexOfByte(bytes, i);
  return text;
}

function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

/** From 8 bytes, most significant first. */
export function eui64FromBytes(bytes: Uint8Array): Eui64 {
  return textOfBytes(bytes, EUI64_BYTES) as Eui64;
}

/** From 8 bytes at `offset` in the order of transmission, least significant first. */
export function eui64FromLsb(bytes: Uint8Array, offset = 0): Eui64 {
  return textOfLsb(bytes, offset, EUI64_BYTES) as Eui64;
}

/** 8 bytes, most significant first. */
export function eui64ToBytes(eui: Eui64): Uint8Array {
  return bytesOfText(eui);
}

/** 8 bytes in the order of transmission, least significant first. */
export function eui64ToLsb(eui: Eui64): Uint8Array {
  return bytesOfText(eui).reverse();
}

/** The EUI that results when its bytes are read in the other order: the usual cause of an unknown device. */
export function reverseEui64(eui: Eui64): Eui64 {
  return formatHex(eui64ToLsb(eui)) as Eui64;
}

/** From 4 bytes, most significant first. */
export function devAddrFromBytes(bytes: Uint8Array): DevAddr {
  return textOfBytes(bytes, DEV_ADDR_BYTES) as DevAddr;
}

/** From 4 bytes at `offset` in the order of transmission, least significant first. */
export function devAddrFromLsb(bytes: Uint8Array, offset = 0): DevAddr {
  return textOfLsb(bytes, offset, DEV_ADDR_BYTES) as DevAddr;
}

/** 4 bytes, most significant first. */
export function devAddrToBytes(devAddr: DevAddr): Uint8Array {
  return bytesOfText(devAddr);
}

/** 4 bytes in the order of transmission, least significant first. */
export function devAddrToLsb(devAddr: DevAddr): Uint8Array {
  return bytesOfText(devAddr).reverse();
}

/** From 3 bytes, most significant first. */
export function netIdFromBytes(bytes: Uint8Array): NetId {
  return textOfBytes(bytes, NET_ID_BYTES) as NetId;
}

/** From 3 bytes at `offset` in the order of transmission, least significant first. */
export function netIdFromLsb(bytes: Uint8Array, offset = 0): NetId {
  return textOfLsb(bytes, offset, NET_ID_BYTES) as NetId;
}

/** 3 bytes, most significant first. */
export function netIdToBytes(netId: NetId): Uint8Array {
  return bytesOfText(netId);
}

/** 3 bytes in the order of transmission, least significant first. */
export function netIdToLsb(netId: NetId): Uint8Array {
  return bytesOfText(netId).reverse();
}
