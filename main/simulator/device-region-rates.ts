/** Data rates as the tables of regional parameters list them. */
import type { Modulation } from '../base/gateway-link.ts';
import type { DeviceDataRate } from './device-region.ts';

/** A row: index, modulation, M, and M under a dwell time of 400 ms where the two differ. */
export type RateRow = readonly [
  index: number,
  modulation: Modulation,
  maxMacPayloadBytes: number,
  withDwellTime?: number,
];

export function lora(
  spreadingFactor: number,
  bandwidthHz: number,
  codingRate: string = '4/5',
): Modulation {
  return { kind: 'lora', spreadingFactor, bandwidthHz, codingRate };
}

export const FSK_50: Modulation = { kind: 'fsk', bitRate: 50_000 };

/** SF12 to SF7 at 125 kHz are DR0 to DR5 in most regions. */
export function slowToFast(
  maxMacPayloadBytes: readonly number[],
  withDwellTime: readonly number[] = [],
): readonly RateRow[] {
  return maxMacPayloadBytes.map((size, index) => {
    const limited = withDwellTime[index];
    const modulation = lora(12 - index, 125_000);
    return limited === undefined ? [index, modulation, size] : [index, modulation, size, limited];
  });
}

/** A table of data rates that serve in these directions. */
export function rateTable(
  rows: readonly RateRow[],
  directions: 'both' | 'up' | 'down' = 'both',
): readonly (readonly [number, DeviceDataRate])[] {
  return rows.map(([index, modulation, maxMacPayloadBytes, withDwellTime]) => [
    index,
    {
      modulation,
      uplink: directions !== 'down',
      downlink: directions !== 'up',
      maxMacPayloadBytes,
      ...(withDwellTime !== undefined && { maxMacPayloadWithDwellTime: withDwellTime }),
    },
  ]);
}
