import { type DevAddr, devAddrFromBytes, type NetId, parseDevAddr } from './identifiers.ts';

/** A block of addresses: all that begin with the first `length` bits of `devAddr`, whose other bits are 0. */
export interface DevAddrPrefix {
  readonly devAddr: DevAddr;
  /** 0 (all addresses) to 32 (one address). */
  readonly length: number;
}

/** NwkID sizes by NetID type; the type prefix of type n has n + 1 bits (TS002 §2, LoRaWAN 1.1 §6.1.1). */
const NWK_ID_BITS: readonly number[] = [6, 6, 9, 11, 12, 13, 15, 17];
/** Bits of the ID field of a NetID by type. */
const NET_ID_BITS: readonly number[] = [6, 6, 9, 21, 21, 21, 21, 21];

function numberOf(devAddr: DevAddr): number {
  return Number.parseInt(devAddr, 16);
}

function devAddrOf(value: number): DevAddr {
  return devAddrFromBytes(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value));
}

function maskOf(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** Reads `02000000/7`. Bits behind the prefix must be 0. */
export function parseDevAddrPrefix(text: string): DevAddrPrefix | undefined {
  const match = /^([^/]+)\/(\d{1,2})$/.exec(text.trim());
  const devAddr = match ? parseDevAddr(match[1]!) : undefined;
  const length = Number(match?.[2]);
  if (devAddr === undefined || length > 32) return undefined;
  return (numberOf(devAddr) & ~maskOf(length)) === 0 ? { devAddr, length } : undefined;
}

/** `02000000/7`. */
export function formatDevAddrPrefix(prefix: DevAddrPrefix): string {
  return `${prefix.devAddr}/${prefix.length}`;
}

/** Whether an address lies in the block. */
export function prefixContains(prefix: DevAddrPrefix, devAddr: DevAddr): boolean {
  return ((numberOf(prefix.devAddr) ^ numberOf(devAddr)) & maskOf(prefix.length)) === 0;
}

/** The address of the block whose free bits are those of `random32`, an integer below 2^32. */
export function devAddrInPrefix(prefix: DevAddrPrefix, random32: number): DevAddr {
  return devAddrOf((numberOf(prefix.devAddr) | (random32 & ~maskOf(prefix.length))) >>> 0);
}

/** Type of a NetID, 0 to 7: its three most significant bits. */
export function netIdType(netId: NetId): number {
  return Number.parseInt(netId, 16) >>> 21;
}

/** The block of addresses assigned to a NetID. NetIDs whose ID exceeds the NwkID share a block. */
export function devAddrPrefixOf(netId: NetId): DevAddrPrefix {
  const type = netIdType(netId);
  const nwkIdBits = NWK_ID_BITS[type]!;
  const id = Number.parseInt(netId, 16) & (2 ** NET_ID_BITS[type]! - 1);
  const nwkId = id & (2 ** nwkIdBits - 1);
  const length = type + 1 + nwkIdBits;
  const typePrefix = type === 0 ? 0 : maskOf(type);
  return { devAddr: devAddrOf((typePrefix | (nwkId << (32 - length))) >>> 0), length };
}

/** NetID type an address belongs to, from its leading ones; undefined for addresses beginning with eight ones. */
export function netIdTypeOfDevAddr(devAddr: DevAddr): number | undefined {
  const type = Math.clz32(~numberOf(devAddr));
  return type < NWK_ID_BITS.length ? type : undefined;
}

/** Network part of an address; undefined when its type is unknown. */
export function nwkIdOfDevAddr(devAddr: DevAddr): number | undefined {
  const type = netIdTypeOfDevAddr(devAddr);
  if (type === undefined) return undefined;
  const bits = NWK_ID_BITS[type]!;
  return (numberOf(devAddr) >>> (32 - type - 1 - bits)) & (2 ** bits - 1);
}
