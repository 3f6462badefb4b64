import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
  type BandChannel,
  COMMON_TIMING,
  channelRow,
  type DataRateRow,
  fskRow,
  loraRow,
  lrFhssRow,
  type Rx1DataRates,
} from './band.ts';

/** Data rates by index. */
export type DataRateTable = readonly (readonly [number, DataRateRow])[];

/** SF12 to SF7 in 125 kHz with the sizes that several bands share. */
export const NARROW_DATA_RATES: DataRateTable = [
  [0, loraRow(12, 125, 'both', 59)],
  [1, loraRow(11, 125, 'both', 59)],
  [2, loraRow(10, 125, 'both', 59)],
  [3, loraRow(9, 125, 'both', 123)],
  [4, loraRow(8, 125, 'both', 250)],
  [5, loraRow(7, 125, 'both', 250)],
];

/** The narrow data rates, SF7 in 250 kHz and FSK. */
export const COMMON_DATA_RATES: DataRateTable = [
  ...NARROW_DATA_RATES,
  [6, loraRow(7, 250, 'both', 250)],
  [7, fskRow(50_000, 'both', 250)],
];

/** LR-FHSS of the bands around 868 MHz. */
export const LR_FHSS_868_DATA_RATES: DataRateTable = [
  [8, lrFhssRow(137, '1/3', 58)],
  [9, lrFhssRow(137, '2/3', 123)],
  [10, lrFhssRow(336, '1/3', 58)],
  [11, lrFhssRow(336, '2/3', 123)],
];

/** RX1 of bands whose data rates 0 to 5 are {@link NARROW_DATA_RATES}. */
export const NARROW_RX1: Rx1DataRates = {
  0: [0, 0, 0, 0, 0, 0],
  1: [1, 0, 0, 0, 0, 0],
  2: [2, 1, 0, 0, 0, 0],
  3: [3, 2, 1, 0, 0, 0],
  4: [4, 3, 2, 1, 0, 0],
  5: [5, 4, 3, 2, 1, 0],
};

/** RX1 of bands with {@link COMMON_DATA_RATES}. */
export const COMMON_RX1: Rx1DataRates = {
  ...NARROW_RX1,
  6: [6, 5, 4, 3, 2, 1],
  7: [7, 6, 5, 4, 3, 2],
};

/** Until RP002-1.0.1 a repeater took twenty bytes off each frame; later ones only limit the longest. */
const REPEATED_20_LESS: readonly DataRateTable[number][] = [
  [8, { ...loraRow(12, 500, 'down', 61), maxRepeatedMacPayload: 41 }],
  [9, { ...loraRow(11, 500, 'down', 137), maxRepeatedMacPayload: 117 }],
];

/** Downlink data rates of bands with eight wide downlink channels. */
export function wideDownlinkDataRates(phyVersion: PhyVersion): DataRateTable {
  return isPhyAtLeast(phyVersion, 'RP002_V1_0_2')
    ? WIDE_DOWNLINK_DATA_RATES
    : [...WIDE_DOWNLINK_DATA_RATES, ...REPEATED_20_LESS];
}

const WIDE_DOWNLINK_DATA_RATES: DataRateTable = [
  [8, loraRow(12, 500, 'down', 61)],
  [9, loraRow(11, 500, 'down', 137)],
  [10, loraRow(10, 500, 'down', 250)],
  [11, loraRow(9, 500, 'down', 250)],
  [12, loraRow(8, 500, 'down', 250)],
  [13, loraRow(7, 500, 'down', 250)],
];

/** The downlink channels of US915 and AU915. */
export const WIDE_DOWNLINK_CHANNELS: readonly BandChannel[] = channelRow(
  8,
  0,
  923_300_000,
  600_000,
  [8, 13],
);

/** Relay channels of US915 and AU915. */
export const WIDE_RELAY_WOR_CHANNELS: Band['relayWorChannels'] = [
  { frequencyHz: 916_700_000, ackFrequencyHz: 918_300_000, dataRateIndex: 10 },
  { frequencyHz: 919_900_000, ackFrequencyHz: 921_500_000, dataRateIndex: 10 },
];

/** What a band with 16 channels has to say about itself; everything else has a default. */
export type DynamicBandValues = Partial<Band> &
  Pick<
    Band,
    | 'id'
    | 'commonName'
    | 'region'
    | 'phyVersion'
    | 'uplinkChannels'
    | 'strictCodingRate'
    | 'defaultMaxEirpDbm'
    | 'txOffsetsDb'
    | 'rx2'
    | 'subBands'
  > & { readonly rates?: DataRateTable; readonly beaconFrequencyHz: number };

/** A band of 16 channels, of which a few are fixed and the network sets the others. */
export function dynamicBand(values: DynamicBandValues): Band {
  const { rates, beaconFrequencyHz, ...given } = values;
  return {
    downlinkChannels: given.uplinkChannels,
    maxUplinkChannels: 16,
    maxDownlinkChannels: 16,
    dynamicChannels: true,
    dataRates: new Map(rates ?? COMMON_DATA_RATES),
    maxAdrDataRateIndex: 5,
    dynamicAdr: true,
    maxTxPowerIndex: given.txOffsetsDb.length - 1,
    rx1Channel: 'same_index',
    rx1DataRates: COMMON_RX1,
    cfListType: 'FREQUENCIES',
    channelMasks: { layout: 'mask16', banksOfEight: false, atomic: true },
    frequencyMultiplierHz: 100,
    beacon: { dataRateIndex: 3, codingRate: '4/5', frequenciesHz: [beaconFrequencyHz] },
    pingSlotFrequenciesHz: [beaconFrequencyHz],
    txParamSetup: false,
    bootDwellTime: { uplink: undefined, downlink: undefined },
    relayWorChannels: [],
    ...COMMON_TIMING,
    ...given,
  };
}
