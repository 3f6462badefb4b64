import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
  type BandDefinition,
  channelRow,
  fskRow,
  loraRow,
  powerSteps,
  type Rx1DataRates,
} from './band.ts';
import { type DataRateTable, dynamicBand } from './tables.ts';

/** Sizes of SF10 grew with RP002-1.0.1. */
function dataRates(sf10MaxMacPayload: number): DataRateTable {
  return [
    [0, loraRow(12, 125, 'both', 59, 0)],
    [1, loraRow(11, 125, 'both', 59, 0)],
    [2, loraRow(10, 125, 'both', sf10MaxMacPayload, 19)],
    [3, loraRow(9, 125, 'both', 123, 61)],
    [4, loraRow(8, 125, 'both', 250, 133)],
    [5, loraRow(7, 125, 'both', 250)],
    [6, loraRow(7, 250, 'both', 250)],
    [7, fskRow(50_000, 'both', 250)],
  ];
}

/** RX1DROffset 6 and 7 raise the data rate; `highest` is where that ends. */
function rx1DataRates(lowest: number, highest: number): Rx1DataRates {
  const row = (index: number): readonly number[] =>
    [0, 1, 2, 3, 4, 5, -1, -2].map((offset) => Math.min(highest, Math.max(lowest, index - offset)));
  return Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((index) => [index, row(index)]));
}

/** While the downlink dwell time limit is in force, SF10 is the slowest. */
const LOWEST_WITH_DWELL_TIME = 2;

type BootDwellTime = Band['bootDwellTime'];
const UNKNOWN_DWELL_TIME: BootDwellTime = { uplink: undefined, downlink: undefined };

/** The versions disagree about what a device assumes. */
function bootDwellTime(phyVersion: PhyVersion): BootDwellTime {
  switch (phyVersion) {
    case 'PHY_V1_0_2_REV_B':
      return { uplink: true, downlink: true };
    case 'PHY_V1_0_3_REV_A':
    case 'RP002_V1_0_1':
      return { uplink: true, downlink: false };
    default:
      return UNKNOWN_DWELL_TIME;
  }
}

interface Group {
  readonly id: string;
  readonly number: number;
  /** Distance from the channels of group 1. */
  readonly offsetHz: number;
  readonly since: PhyVersion;
  readonly subBand: readonly [minFrequencyHz: number, maxFrequencyHz: number];
}

function build(group: Group, phyVersion: PhyVersion): Band | undefined {
  const since = (version: PhyVersion): boolean => isPhyAtLeast(phyVersion, version);
  if (!since(group.since)) return undefined;
  const firstHz = 923_200_000 + group.offsetHz;
  const [minFrequencyHz, maxFrequencyHz] = group.subBand;
  const highest = since('RP002_V1_0_0') ? 7 : 5;
  return dynamicBand({
    id: group.id,
    commonName: `AS923-${group.number}`,
    region: `Asia 923 MHz, group ${group.number}`,
    phyVersion,
    uplinkChannels: channelRow(2, 0, firstHz, 200_000, [0, 5]),
    rates: dataRates(since('RP002_V1_0_1') ? 123 : 59),
    strictCodingRate: since('RP002_V1_0_0'),
    defaultMaxEirpDbm: since('PHY_V1_0_2_REV_B') ? 16 : 14,
    txOffsetsDb: powerSteps(since('PHY_V1_0_2_REV_B') ? 8 : 6),
    rx1DataRates: rx1DataRates(0, highest),
    rx1DataRatesWithDwellTime: rx1DataRates(LOWEST_WITH_DWELL_TIME, highest),
    rx2: { dataRateIndex: 2, frequencyHz: firstHz },
    subBands: [{ minFrequencyHz, maxFrequencyHz, dutyCycle: 0.01, maxEirpDbm: 16 }],
    beaconFrequencyHz: firstHz + 200_000,
    txParamSetup: true,
    bootDwellTime: bootDwellTime(phyVersion),
    relayWorChannels: since('RP002_V1_0_4')
      ? [{ frequencyHz: firstHz + 400_000, ackFrequencyHz: firstHz + 600_000, dataRateIndex: 3 }]
      : [],
  });
}

const GROUPS: readonly Group[] = [
  {
    id: 'AS_923',
    number: 1,
    offsetHz: 0,
    since: 'PHY_V1_0_2_REV_A',
    subBand: [923_000_000, 923_500_000],
  },
  {
    id: 'AS_923_2',
    number: 2,
    offsetHz: -1_800_000,
    since: 'RP002_V1_0_1',
    subBand: [921_400_000, 922_000_000],
  },
  {
    id: 'AS_923_3',
    number: 3,
    offsetHz: -6_600_000,
    since: 'RP002_V1_0_1',
    subBand: [916_500_000, 917_000_000],
  },
  {
    id: 'AS_923_4',
    number: 4,
    offsetHz: -5_900_000,
    since: 'RP002_V1_0_3',
    subBand: [917_300_000, 917_500_000],
  },
];

/** Asia 923 MHz, groups 1 to 4. */
export const AS923: readonly BandDefinition[] = GROUPS.map((group) => ({
  id: group.id,
  build: (phyVersion) => build(group, phyVersion),
}));
