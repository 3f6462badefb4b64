import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
  type BandDefinition,
  channelRow,
  fskRow,
  powerSteps,
  type Rx1DataRates,
  type SubBand,
} from './band.ts';
import { type DataRateTable, dynamicBand, NARROW_DATA_RATES } from './tables.ts';

const CHANNELS = [
  ...channelRow(2, 0, 865_062_500, 340_000, [0, 5]),
  ...channelRow(1, 2, 865_985_000, 0, [0, 5]),
];

const RELAY_WOR_CHANNELS = [
  { frequencyHz: 866_000_000, ackFrequencyHz: 866_200_000, dataRateIndex: 3 },
  { frequencyHz: 866_700_000, ackFrequencyHz: 866_900_000, dataRateIndex: 3 },
];

const DATA_RATES: DataRateTable = [...NARROW_DATA_RATES, [7, fskRow(50_000, 'both', 250)]];

/** RX1DROffset 6 and 7 raise the data rate by one and two. */
const RAISING_RX1: Rx1DataRates = {
  0: [0, 0, 0, 0, 0, 0, 1, 2],
  1: [1, 0, 0, 0, 0, 0, 2, 3],
  2: [2, 1, 0, 0, 0, 0, 3, 4],
  3: [3, 2, 1, 0, 0, 0, 4, 5],
};
const BASE_RX1: Rx1DataRates = {
  ...RAISING_RX1,
  4: [4, 3, 2, 1, 0, 0, 5, 5],
  5: [5, 4, 3, 2, 1, 0, 5, 5],
  7: [5, 5, 5, 4, 3, 2, 5, 5],
};
const RP002_RX1: Rx1DataRates = {
  ...RAISING_RX1,
  4: [4, 3, 2, 1, 0, 0, 5, 6],
  5: [5, 4, 3, 2, 1, 0, 6, 7],
  7: [7, 6, 5, 4, 3, 2, 7, 7],
};

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 865_000_000, maxFrequencyHz: 867_000_000, dutyCycle: 1, maxEirpDbm: 16.15 },
];

function build(phyVersion: PhyVersion): Band | undefined {
  if (!isPhyAtLeast(phyVersion, 'PHY_V1_0_2_REV_B')) return undefined;
  return dynamicBand({
    id: 'IN_865_867',
    commonName: 'IN865',
    region: 'India 865–867 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: isPhyAtLeast(phyVersion, 'RP002_V1_0_0'),
    defaultMaxEirpDbm: 30,
    txOffsetsDb: powerSteps(11),
    rx2: { dataRateIndex: 2, frequencyHz: 866_550_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: 866_500_000,
    rates: DATA_RATES,
    rx1DataRates: isPhyAtLeast(phyVersion, 'RP002_V1_0_0') ? RP002_RX1 : BASE_RX1,
    beacon: { dataRateIndex: 4, codingRate: '4/5', frequenciesHz: [866_500_000] },
    relayWorChannels: isPhyAtLeast(phyVersion, 'RP002_V1_0_4') ? RELAY_WOR_CHANNELS : [],
  });
}

/** India 865–867 MHz. */
export const IN865: BandDefinition = { id: 'IN_865_867', build };
