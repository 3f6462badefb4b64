import type { Band } from './band.ts';

const CF_LIST_BYTES = 16;
const MAX_FREQUENCIES = 5;
const TYPE_FREQUENCIES = 0;
const TYPE_CHANNEL_MASKS = 1;
/** Channels that 15 bytes of masks can name. */
const MASK_BITS = 120;

/** A channel the network wants a device to use. */
export interface DesiredChannel {
  readonly frequencyHz: number;
  /** Uplinks are allowed on it. */
  readonly enabled: boolean;
}

/** What a CFList says. */
export type CfList =
  | {
      readonly type: 'FREQUENCIES';
      /** Five further channels; undefined where none is given. */
      readonly frequenciesHz: readonly (number | undefined)[];
    }
  | {
      readonly type: 'CHANNEL_MASKS';
      /** By channel number. */
      readonly masks: readonly boolean[];
    };

function frequencyList(regional: Band, desired: readonly DesiredChannel[]): Uint8Array {
  const defaults = new Set(regional.uplinkChannels.map((channel) => channel.frequencyHz));
  const bytes = new Uint8Array(CF_LIST_BYTES);
  desired
    .filter(({ enabled, frequencyHz }) => enabled && !defaults.has(frequencyHz))
    .slice(0, MAX_FREQUENCIES)
    .forEach(({ frequencyHz }, index) => {
      const units = Math.round(frequencyHz / regional.frequencyMultiplierHz);
      bytes.set([units, units >>> 8, units >>> 16], 3 * index);
    });
  bytes[CF_LIST_BYTES - 1] = TYPE_FREQUENCIES;
  return bytes;
}

function maskList(regional: Band, desired: readonly DesiredChannel[]): Uint8Array {
  const enabled = new Set(
    desired.filter((channel) => channel.enabled).map((channel) => channel.frequencyHz),
  );
  const bytes = new Uint8Array(CF_LIST_BYTES);
  for (const { index, frequencyHz } of regional.uplinkChannels) {
    if (enabled.has(frequencyHz)) bytes[index >> 3]! |= 1 << (index & 7);
  }
  bytes[CF_LIST_BYTES - 1] = TYPE_CHANNEL_MASKS;
  return bytes;
}

/** The CFList of a join-accept, 16 bytes; undefined in bands and versions without one. */
export function buildCfList(
  regional: Band,
  desired: readonly DesiredChannel[],
): Uint8Array | undefined {
  switch (regional.cfListType) {
    case 'FREQUENCIES':
      return frequencyList(regional, desired);
    case 'CHANNEL_MASKS':
      return maskList(regional, desired);
    case undefined:
      return undefined;
  }
}

/** Reads a CFList; undefined if it does not have 16 bytes or its type is unknown. */
export function parseCfList(bytes: Uint8Array, frequencyMultiplierHz = 100): CfList | undefined {
  if (bytes.length !== CF_LIST_BYTES) return undefined;
  switch (bytes[CF_LIST_BYTES - 1]) {
    case TYPE_FREQUENCIES: {
      const frequenciesHz = Array.from({ length: MAX_FREQUENCIES }, (_, index) => {
        const at = 3 * index;
        const units = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
        return units === 0 ? undefined : units * frequencyMultiplierHz;
      });
      return { type: 'FREQUENCIES', frequenciesHz };
    }
    case TYPE_CHANNEL_MASKS: {
      const masks = Array.from(
        { length: MASK_BITS },
        (_, index) => ((bytes[index >> 3]! >> (index & 7)) & 1) === 1,
      );
      return { type: 'CHANNEL_MASKS', masks };
    }
    default:
      return undefined;
  }
}
