import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import {
  type Band,
  type BandDefinition,
  COMMON_TIMING,
  channelRow,
  powerSteps,
  type Rx1DataRates,
  type SubBand,
} from './band.ts';
import { COMMON_DATA_RATES, COMMON_RX1, LR_FHSS_868_DATA_RATES } from './tables.ts';

const RX2_FREQUENCY_HZ = 869_525_000;

const CHANNELS = channelRow(3, 0, 868_100_000, 200_000, [0, 5]);

const LR_FHSS_RX1: Rx1DataRates = {
  8: [1, 0, 0, 0, 0, 0],
  9: [2, 1, 0, 0, 0, 0],
  10: [1, 0, 0, 0, 0, 0],
  11: [2, 1, 0, 0, 0, 0],
};

/** Limits of ETSI EN 300 220; EIRP is the ERP of the standard plus 2.15 dB. */
const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 863_000_000, maxFrequencyHz: 865_000_000, dutyCycle: 0.001, maxEirpDbm: 16.15 },
  { minFrequencyHz: 865_000_000, maxFrequencyHz: 868_000_000, dutyCycle: 0.01, maxEirpDbm: 16.15 },
  { minFrequencyHz: 868_000_000, maxFrequencyHz: 868_600_000, dutyCycle: 0.01, maxEirpDbm: 16.15 },
  { minFrequencyHz: 868_700_000, maxFrequencyHz: 869_200_000, dutyCycle: 0.001, maxEirpDbm: 16.15 },
  { minFrequencyHz: 869_400_000, maxFrequencyHz: 869_650_000, dutyCycle: 0.1, maxEirpDbm: 29.15 },
  { minFrequencyHz: 869_700_000, maxFrequencyHz: 870_000_000, dutyCycle: 0.01, maxEirpDbm: 16.15 },
];

const RELAY_WOR_CHANNELS = [
  { frequencyHz: 865_100_000, ackFrequencyHz: 865_300_000, dataRateIndex: 3 },
  { frequencyHz: 865_500_000, ackFrequencyHz: 865_900_000, dataRateIndex: 3 },
];

function build(phyVersion: PhyVersion): Band {
  const since = (version: PhyVersion): boolean => isPhyAtLeast(phyVersion, version);
  const lrFhss = since('RP002_V1_0_2');
  const txOffsetsDb = powerSteps(since('PHY_V1_0_2_REV_B') ? 8 : 6);
  return {
    id: 'EU_863_870',
    commonName: 'EU868',
    region: 'Europe 863–870 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    downlinkChannels: CHANNELS,
    maxUplinkChannels: 16,
    maxDownlinkChannels: 16,
    dynamicChannels: true,
    dataRates: new Map([...COMMON_DATA_RATES, ...(lrFhss ? LR_FHSS_868_DATA_RATES : [])]),
    strictCodingRate: since('RP002_V1_0_0'),
    maxAdrDataRateIndex: 5,
    dynamicAdr: true,
    defaultMaxEirpDbm: 16,
    txOffsetsDb,
    maxTxPowerIndex: txOffsetsDb.length - 1,
    rx1Channel: 'same_index',
    rx1DataRates: lrFhss ? { ...COMMON_RX1, ...LR_FHSS_RX1 } : COMMON_RX1,
    rx2: { dataRateIndex: 0, frequencyHz: RX2_FREQUENCY_HZ },
    cfListType: 'FREQUENCIES',
    channelMasks: { layout: 'mask16', banksOfEight: false, atomic: true },
    subBands: SUB_BANDS,
    frequencyMultiplierHz: 100,
    beacon: { dataRateIndex: 3, codingRate: '4/5', frequenciesHz: [RX2_FREQUENCY_HZ] },
    pingSlotFrequenciesHz: [RX2_FREQUENCY_HZ],
    txParamSetup: false,
    bootDwellTime: { uplink: undefined, downlink: undefined },
    relayWorChannels: since('RP002_V1_0_4') ? RELAY_WOR_CHANNELS : [],
    ...COMMON_TIMING,
  };
}

/** Europe 863–870 MHz. */
export const EU868: BandDefinition = { id: 'EU_863_870', build };
