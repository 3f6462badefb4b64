import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
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

const NARROW_CHANNELS = channelRow(64, 0, 902_300_000, 200_000, [0, 3]);
const BASE_DATA_RATES: DataRateTable = [
  [0, loraRow(10, 125, 'up', 19)],
  [1, loraRow(9, 125, 'up', 61)],
  [2, loraRow(8, 125, 'up', 133)],
  [3, loraRow(7, 125, 'up', 250)],
  [4, loraRow(8, 500, 'up', 250)],
];
const LR_FHSS_DATA_RATES: DataRateTable = [
  [5, lrFhssRow(1523, '1/3', 58)],
  [6, lrFhssRow(1523, '2/3', 133)],
];

const BASE_RX1: Rx1DataRates = {
  0: [10, 9, 8, 8],
  1: [11, 10, 9, 8],
  2: [12, 11, 10, 9],
  3: [13, 12, 11, 10],
  4: [13, 13, 12, 11],
};
const LR_FHSS_RX1: Rx1DataRates = { 5: [10, 9, 8, 8], 6: [11, 10, 9, 8] };

/** EIRP: 21 dBm conducted for hopping devices, 26 dBm for gateways, plus 2.15 dB. No duty cycle. */
const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 902_300_000, maxFrequencyHz: 914_900_000, dutyCycle: 1, maxEirpDbm: 23.15 },
  { minFrequencyHz: 923_300_000, maxFrequencyHz: 927_500_000, dutyCycle: 1, maxEirpDbm: 28.15 },
];

function build(phyVersion: PhyVersion): Band {
  const since = (version: PhyVersion): boolean => isPhyAtLeast(phyVersion, version);
  const lrFhss = since('RP002_V1_0_2');
  const txOffsetsDb = powerSteps(since('PHY_V1_0_3_REV_A') ? 15 : 11);
  const downlinkFrequenciesHz = WIDE_DOWNLINK_CHANNELS.map((channel) => channel.frequencyHz);
  return {
    id: 'US_902_928',
    commonName: 'US915',
    region: 'North America 902–928 MHz',
    phyVersion,
    uplinkChannels: [
      ...NARROW_CHANNELS,
      ...channelRow(8, 64, 903_000_000, 1_600_000, [4, lrFhss ? 6 : 4]),
    ],
    downlinkChannels: WIDE_DOWNLINK_CHANNELS,
    maxUplinkChannels: 72,
    maxDownlinkChannels: 8,
    dynamicChannels: false,
    dataRates: new Map([
      ...BASE_DATA_RATES,
      ...wideDownlinkDataRates(phyVersion),
      ...(lrFhss ? LR_FHSS_DATA_RATES : []),
    ]),
    strictCodingRate: since('PHY_V1_0_2_REV_A'),
    maxAdrDataRateIndex: 3,
    dynamicAdr: true,
    defaultMaxEirpDbm: 30,
    txOffsetsDb,
    maxTxPowerIndex: txOffsetsDb.length - 1,
    rx1Channel: 'index_modulo_downlink_channels',
    rx1DataRates: lrFhss ? { ...BASE_RX1, ...LR_FHSS_RX1 } : BASE_RX1,
    rx2: { dataRateIndex: 8, frequencyHz: 923_300_000 },
    cfListType: since('PHY_V1_0_3_REV_A') ? 'CHANNEL_MASKS' : undefined,
    channelMasks: {
      layout: 'mask72',
      banksOfEight: since('PHY_V1_0_3_REV_A'),
      atomic: since('PHY_V1_0_2_REV_A'),
    },
    subBands: SUB_BANDS,
    frequencyMultiplierHz: 100,
    beacon: {
      dataRateIndex: 8,
      codingRate: '4/5',
      frequenciesHz: downlinkFrequenciesHz,
    },
    pingSlotFrequenciesHz: downlinkFrequenciesHz,
    txParamSetup: false,
    bootDwellTime: { uplink: true, downlink: false },
    relayWorChannels: since('RP002_V1_0_4') ? WIDE_RELAY_WOR_CHANNELS : [],
    ...COMMON_TIMING,
  };
}

/** North America 902–928 MHz. */
export const US915: BandDefinition = { id: 'US_902_928', build };
