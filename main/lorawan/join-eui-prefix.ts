import { type JoinEui, parseJoinEui } from './identifiers.ts';

/** A block of JoinEUIs: all that begin with the first `length` bits of `joinEui`, whose other bits are 0. */
export interface JoinEuiPrefix {
  readonly joinEui: JoinEui;
  /** 0 (all) to 64 (one JoinEUI). */
  readonly length: number;
}

const EUI_BITS = 64;

/** The bits of an EUI behind the prefix. */
const rest = (joinEui: JoinEui, length: number): bigint =>
  BigInt.asUintN(EUI_BITS - length, BigInt(`0x${joinEui}`));

/** Reads `70B3D57ED0000000/36`. Bits behind the prefix must be 0. */
export function parseJoinEuiPrefix(text: string): JoinEuiPrefix | undefined {
  const match = /^([^/]+)\/(\d{1,2})$/.exec(text.trim());
  const joinEui = match ? parseJoinEui(match[1]!) : undefined;
  const length = Number(match?.[2]);
  if (joinEui === undefined || length > EUI_BITS) return undefined;
  return rest(joinEui, length) === 0n ? { joinEui, length } : undefined;
}

/** `70B3D57ED0000000/36`. */
export function formatJoinEuiPrefix({ joinEui, length }: JoinEuiPrefix): string {
  return `${joinEui}/${length}`;
}

/** Whether a JoinEUI lies in the block. */
export function joinEuiPrefixContains(prefix: JoinEuiPrefix, joinEui: JoinEui): boolean {
  const unused = BigInt(EUI_BITS - prefix.length);
  return BigInt(`0x${joinEui}`) >> unused === BigInt(`0x${prefix.joinEui}`) >> unused;
}
