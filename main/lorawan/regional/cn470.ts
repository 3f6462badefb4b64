import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
  type BandChannel,
  type BandDefinition,
  COMMON_TIMING,
  channelRow,
  fskRow,
  loraRow,
  powerSteps,
  type Rx1DataRates,
  type SubBand,
} from './band.ts';
import { type DataRateTable, NARROW_DATA_RATES, NARROW_RX1 } from './tables.ts';

/** The data rates of the plans for 20 and 26 MHz antennas since RP002-1.0.1. */
const ANTENNA_DATA_RATES: DataRateTable = [
  [1, loraRow(11, 125, 'both', 31)],
  [2, loraRow(10, 125, 'both', 94)],
  [3, loraRow(9, 125, 'both', 172)],
  [4, loraRow(8, 125, 'both', 250)],
  [5, loraRow(7, 125, 'both', 250)],
  [6, loraRow(7, 500, 'both', 250)],
  [7, fskRow(50_000, 'both', 250)],
];
/** Without data rate 0, offsets end at 1. */
const ANTENNA_RX1: Rx1DataRates = {
  1: [1, 1, 1, 1, 1, 1],
  2: [2, 1, 1, 1, 1, 1],
  3: [3, 2, 1, 1, 1, 1],
  4: [4, 3, 2, 1, 1, 1],
  5: [5, 4, 3, 2, 1, 1],
};

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 470_000_000, maxFrequencyHz: 510_000_000, dutyCycle: 1, maxEirpDbm: 19.15 },
];

const RELAY_WOR_CHANNELS = [
  { frequencyHz: 472_100_000, ackFrequencyHz: 485_300_000, dataRateIndex: 3 },
  { frequencyHz: 494_900_000, ackFrequencyHz: 505_500_000, dataRateIndex: 3 },
];

/** Powers that the first documents list instead of steps of 2 dB. */
const OLDER_TX_OFFSETS_DB = [0, -1, -3, -5, -7, -10, -12, -15];

const STEP_HZ = 200_000;

type Row = readonly [count: number, firstHz: number];

/** Rows of channels, numbered through. */
function channelRows(rows: readonly Row[], lowestDataRate: number): readonly BandChannel[] {
  const channels: BandChannel[] = [];
  for (const [count, firstHz] of rows) {
    channels.push(...channelRow(count, channels.length, firstHz, STEP_HZ, [lowestDataRate, 5]));
  }
  return channels;
}

const COMMON = {
  dynamicChannels: false,
  strictCodingRate: true,
  maxAdrDataRateIndex: 5,
  dynamicAdr: true,
  subBands: SUB_BANDS,
  frequencyMultiplierHz: 100,
  txParamSetup: false,
  bootDwellTime: { uplink: undefined, downlink: undefined },
  ...COMMON_TIMING,
} as const;

function buildOlder(phyVersion: PhyVersion): Band | undefined {
  const since = (version: PhyVersion): boolean => isPhyAtLeast(phyVersion, version);
  if (!since('PHY_V1_0_1') || since('RP002_V1_0_0')) return undefined;
  const powerInSteps = since('PHY_V1_0_2_REV_B');
  const beaconFrequenciesHz = channelRows([[8, 508_300_000]], 0).map((row) => row.frequencyHz);
  return {
    ...COMMON,
    id: 'CN_470_510',
    commonName: 'CN470',
    region: 'China 470–510 MHz',
    phyVersion,
    uplinkChannels: channelRows([[96, 470_300_000]], 0),
    downlinkChannels: channelRows([[48, 500_300_000]], 0),
    maxUplinkChannels: 96,
    maxDownlinkChannels: 48,
    dataRates: new Map(NARROW_DATA_RATES),
    defaultMaxEirpDbm: powerInSteps ? 19.15 : 17,
    txOffsetsDb: powerInSteps ? powerSteps(8) : OLDER_TX_OFFSETS_DB,
    maxTxPowerIndex: 7,
    rx1Channel: 'index_modulo_downlink_channels',
    rx1DataRates: NARROW_RX1,
    rx2: { dataRateIndex: 0, frequencyHz: 505_300_000 },
    cfListType: since('PHY_V1_0_3_REV_A') ? 'CHANNEL_MASKS' : undefined,
    channelMasks: { layout: 'mask96', banksOfEight: false, atomic: true },
    beacon: { dataRateIndex: 2, codingRate: '4/5', frequenciesHz: beaconFrequenciesHz },
    pingSlotFrequenciesHz: beaconFrequenciesHz,
    relayWorChannels: [],
  };
}

/** One of the plans by width of the antenna. */
interface AntennaPlan {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly layout: 'mask48' | 'mask64';
  readonly up: readonly Row[];
  readonly down: readonly Row[];
  /** Of devices that did not join. */
  readonly rx2FrequencyHz: number;
  /** Channels for joining, each with the frequencies of its RX1 and RX2 (RP002-1.0.4 §2.9.2, §2.9.7). */
  readonly join: readonly (readonly [uplinkHz: number, rx1Hz: number, rx2Hz: number])[];
  /** Also that of ping slots; the 20 MHz plans derive theirs from the join channel. */
  readonly beaconFrequenciesHz: readonly number[];
}

function buildForAntenna(plan: AntennaPlan, phyVersion: PhyVersion): Band | undefined {
  const since = (version: PhyVersion): boolean => isPhyAtLeast(phyVersion, version);
  if (!since('RP002_V1_0_0')) return undefined;
  const lowest = since('RP002_V1_0_1') ? 1 : 0;
  const uplinkChannels = channelRows(plan.up, lowest);
  const downlinkChannels = channelRows(plan.down, lowest);
  const { layout, beaconFrequenciesHz } = plan;
  return {
    ...COMMON,
    id: plan.id,
    commonName: plan.name,
    region: plan.region,
    phyVersion,
    uplinkChannels,
    downlinkChannels,
    maxUplinkChannels: uplinkChannels.length,
    maxDownlinkChannels: downlinkChannels.length,
    dataRates: new Map(lowest === 0 ? NARROW_DATA_RATES : ANTENNA_DATA_RATES),
    defaultMaxEirpDbm: 19.15,
    txOffsetsDb: powerSteps(8),
    maxTxPowerIndex: 7,
    rx1Channel: layout === 'mask64' ? 'same_index' : 'index_modulo_downlink_channels',
    rx1DataRates: lowest === 0 ? NARROW_RX1 : ANTENNA_RX1,
    rx2: { dataRateIndex: lowest, frequencyHz: plan.rx2FrequencyHz },
    joinChannels: new Map(
      plan.join.map(([uplinkHz, rx1FrequencyHz, rx2FrequencyHz]) => [
        uplinkHz,
        { rx1FrequencyHz, rx2FrequencyHz },
      ]),
    ),
    cfListType: 'CHANNEL_MASKS',
    channelMasks: { layout, banksOfEight: false, atomic: true },
    beacon: { dataRateIndex: 2, codingRate: '4/5', frequenciesHz: beaconFrequenciesHz },
    pingSlotFrequenciesHz: beaconFrequenciesHz,
    relayWorChannels: since('RP002_V1_0_4') ? RELAY_WOR_CHANNELS : [],
  };
}

const PLAN_20B: readonly Row[] = [
  [32, 476_900_000],
  [32, 496_900_000],
];

/** The five join channels of a plan for 26 MHz antennas, all of which are answered on one frequency. */
function joinRow(firstHz: number, downHz: number): AntennaPlan['join'] {
  return Array.from({ length: 5 }, (_, n) => [firstHz + n * 2_000_000, downHz, downHz] as const);
}

const ANTENNA_PLANS: readonly AntennaPlan[] = [
  {
    id: 'CN_470_510_20_A',
    name: 'CN470-20A',
    region: 'China 470–510 MHz, 20 MHz antenna, type A',
    layout: 'mask64',
    up: [
      [32, 470_300_000],
      [32, 503_500_000],
    ],
    down: [[64, 483_900_000]],
    rx2FrequencyHz: 486_900_000,
    join: [
      [470_900_000, 484_500_000, 485_300_000],
      [472_500_000, 486_100_000, 486_900_000],
      [474_100_000, 487_700_000, 488_500_000],
      [475_700_000, 489_300_000, 490_100_000],
      [504_100_000, 490_900_000, 491_700_000],
      [505_700_000, 492_500_000, 493_300_000],
      [507_300_000, 494_100_000, 494_900_000],
      [508_900_000, 495_700_000, 496_500_000],
    ],
    beaconFrequenciesHz: [],
  },
  {
    id: 'CN_470_510_20_B',
    name: 'CN470-20B',
    region: 'China 470–510 MHz, 20 MHz antenna, type B',
    layout: 'mask64',
    up: PLAN_20B,
    down: PLAN_20B,
    rx2FrequencyHz: 498_300_000,
    join: [
      [479_900_000, 479_900_000, 478_300_000],
      [499_900_000, 499_900_000, 498_300_000],
    ],
    beaconFrequenciesHz: [],
  },
  {
    id: 'CN_470_510_26_A',
    name: 'CN470-26A',
    region: 'China 470–510 MHz, 26 MHz antenna, type A',
    layout: 'mask48',
    up: [[48, 470_300_000]],
    down: [[24, 490_100_000]],
    rx2FrequencyHz: 492_500_000,
    join: joinRow(470_300_000, 492_500_000),
    beaconFrequenciesHz: [494_900_000],
  },
  {
    id: 'CN_470_510_26_B',
    name: 'CN470-26B',
    region: 'China 470–510 MHz, 26 MHz antenna, type B',
    layout: 'mask48',
    up: [[48, 480_300_000]],
    down: [[24, 500_100_000]],
    rx2FrequencyHz: 502_500_000,
    join: joinRow(480_300_000, 502_500_000),
    beaconFrequenciesHz: [504_900_000],
  },
];

/** China 470–510 MHz: the plan of the older documents, then the four by antenna of RP002. */
export const CN470: readonly BandDefinition[] = [
  { id: 'CN_470_510', build: buildOlder },
  ...ANTENNA_PLANS.map((plan) => ({
    id: plan.id,
    build: (phyVersion: PhyVersion) => buildForAntenna(plan, phyVersion),
  })),
];
