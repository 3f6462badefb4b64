import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
  type BandChannel,
  type BandDefinition,
  COMMON_TIMING,
  channelRow,
  loraRow,
  lrFhssRow,
  powerSteps,
  type Rx1DataRates,
  type SubBand,
} from './band.ts';
import {
  type DataRateTable,
  WIDE_DOWNLINK_CHANNELS,
  WIDE_RELAY_WOR_CHANNELS,
  wideDownlinkDataRates,
} from './tables.ts';

/** Up to PHY_V1_0_2_REV_A data rate 0 was SF10. */
const OLDER_DATA_RATES: DataRateTable = [
  [0, loraRow(10, 125, 'up', 59)],
  [1, loraRow(9, 125, 'up', 123)],
  [2, loraRow(8, 125, 'up', 250)],
  [3, loraRow(7, 125, 'up', 250)],
  [4, loraRow(8, 500, 'up', 250)],
];

/** Sizes with dwell time appear with RP002. */
function uplinkDataRates(withDwellTime: boolean): DataRateTable {
  const dwell = (size: number): number | undefined => (withDwellTime ? size : undefined);
  return [
    [0, loraRow(12, 125, 'up', 59, dwell(0))],
    [1, loraRow(11, 125, 'up', 59, dwell(0))],
    [2, loraRow(10, 125, 'up', 59, dwell(19))],
    [3, loraRow(9, 125, 'up', 123, dwell(61))],
    [4, loraRow(8, 125, 'up', 250, dwell(133))],
    [5, loraRow(7, 125, 'up', 250)],
    [6, loraRow(8, 500, 'up', 250)],
  ];
}

const OLDER_RX1: Rx1DataRates = {
  0: [10, 9, 8, 8],
  1: [11, 10, 9, 8],
  2: [12, 11, 10, 9],
  3: [13, 12, 11, 10],
  4: [13, 13, 12, 11],
};
const BASE_RX1: Rx1DataRates = {
  0: [8, 8, 8, 8, 8, 8],
  1: [9, 8, 8, 8, 8, 8],
  2: [10, 9, 8, 8, 8, 8],
  3: [11, 10, 9, 8, 8, 8],
  4: [12, 11, 10, 9, 8, 8],
  5: [13, 12, 11, 10, 9, 8],
  6: [13, 13, 12, 11, 10, 9],
};
const LR_FHSS_RX1: Rx1DataRates = { 7: [9, 8, 8, 8, 8, 8] };

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 915_000_000, maxFrequencyHz: 928_000_000, dutyCycle: 1, maxEirpDbm: 30 },
];

function channels(narrowMax: number, wideMin: number, wideMax: number): readonly BandChannel[] {
  return [
    ...channelRow(64, 0, 915_200_000, 200_000, [0, narrowMax]),
    ...channelRow(8, 64, 915_900_000, 1_600_000, [wideMin, wideMax]),
  ];
}

interface Rates {
  readonly uplinkChannels: readonly BandChannel[];
  readonly table: DataRateTable;
  readonly rx1: Rx1DataRates;
}

function rates(phyVersion: PhyVersion): Rates {
  if (!isPhyAtLeast(phyVersion, 'PHY_V1_0_2_REV_B')) {
    return { uplinkChannels: channels(3, 4, 4), table: OLDER_DATA_RATES, rx1: OLDER_RX1 };
  }
  const table = uplinkDataRates(isPhyAtLeast(phyVersion, 'RP002_V1_0_0'));
  if (!isPhyAtLeast(phyVersion, 'RP002_V1_0_2')) {
    return { uplinkChannels: channels(5, 6, 6), table, rx1: BASE_RX1 };
  }
  return {
    uplinkChannels: channels(5, 6, 7),
    table: [...table, [7, lrFhssRow(1523, '1/3', 58)]],
    rx1: { ...BASE_RX1, ...LR_FHSS_RX1 },
  };
}

/** Revision A of 1.1 falls back behind 1.0.3. */
function highestTxPowerIndex(phyVersion: PhyVersion): number {
  if (phyVersion === 'PHY_V1_1_REV_A') return 10;
  return isPhyAtLeast(phyVersion, 'PHY_V1_0_3_REV_A') ? 14 : 10;
}

function build(phyVersion: PhyVersion): Band | undefined {
  const since = (version: PhyVersion): boolean => isPhyAtLeast(phyVersion, version);
  if (!since('PHY_V1_0_1')) return undefined;
  const { uplinkChannels, table, rx1 } = rates(phyVersion);
  const maxTxPowerIndex = highestTxPowerIndex(phyVersion);
  const masksInCfList = since('PHY_V1_0_3_REV_A');
  const downlinkFrequenciesHz = WIDE_DOWNLINK_CHANNELS.map((channel) => channel.frequencyHz);
  return {
    id: 'AU_915_928',
    commonName: 'AU915',
    region: 'Australia 915–928 MHz',
    phyVersion,
    uplinkChannels,
    downlinkChannels: WIDE_DOWNLINK_CHANNELS,
    maxUplinkChannels: 72,
    maxDownlinkChannels: 8,
    dynamicChannels: false,
    dataRates: new Map([...table, ...wideDownlinkDataRates(phyVersion)]),
    strictCodingRate: true,
    maxAdrDataRateIndex: since('PHY_V1_0_2_REV_B') ? 5 : 3,
    dynamicAdr: true,
    defaultMaxEirpDbm: 30,
    txOffsetsDb: powerSteps(maxTxPowerIndex + 1),
    maxTxPowerIndex,
    rx1Channel: 'index_modulo_downlink_channels',
    rx1DataRates: rx1,
    rx2: { dataRateIndex: 8, frequencyHz: 923_300_000 },
    cfListType: masksInCfList ? 'CHANNEL_MASKS' : undefined,
    channelMasks: {
      layout: 'mask72',
      banksOfEight: masksInCfList,
      atomic: since('PHY_V1_0_2_REV_A'),
    },
    subBands: SUB_BANDS,
    frequencyMultiplierHz: 100,
    beacon: {
      dataRateIndex: since('PHY_V1_1_REV_B') ? 8 : 10,
      codingRate: '4/5',
      frequenciesHz: downlinkFrequenciesHz,
    },
    pingSlotFrequenciesHz: downlinkFrequenciesHz,
    txParamSetup: masksInCfList && phyVersion !== 'PHY_V1_1_REV_A',
    bootDwellTime: masksInCfList
      ? { uplink: true, downlink: false }
      : { uplink: undefined, downlink: undefined },
    relayWorChannels: since('RP002_V1_0_4') ? WIDE_RELAY_WOR_CHANNELS : [],
    ...COMMON_TIMING,
  };
}

/** Australia 915–928 MHz. */
export const AU915: BandDefinition = { id: 'AU_915_928', build };
