import type { PhyVersion } from '../versions.ts';
import { type Band, type BandDefinition, channelRow, powerSteps, type SubBand } from './band.ts';
import { COMMON_DATA_RATES, dynamicBand, LR_FHSS_868_DATA_RATES } from './tables.ts';

const CHANNELS = [
  ...channelRow(2, 0, 869_100_000, 200_000, [0, 5]),
  ...channelRow(1, 2, 869_700_000, 0, [0, 5]),
];

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 869_000_000, maxFrequencyHz: 869_400_000, dutyCycle: 0.001, maxEirpDbm: 16.15 },
  { minFrequencyHz: 869_400_000, maxFrequencyHz: 869_650_000, dutyCycle: 0.1, maxEirpDbm: 29.15 },
  { minFrequencyHz: 869_650_000, maxFrequencyHz: 870_000_000, dutyCycle: 0.01, maxEirpDbm: 16.15 },
];

function build(phyVersion: PhyVersion): Band {
  return dynamicBand({
    id: 'MA_869_870_DRAFT',
    commonName: 'MA869',
    region: 'Morocco 869–870 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: true,
    defaultMaxEirpDbm: 16,
    txOffsetsDb: powerSteps(8),
    rx2: { dataRateIndex: 0, frequencyHz: 869_525_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: 869_525_000,
    rates: [...COMMON_DATA_RATES, ...LR_FHSS_868_DATA_RATES],
  });
}

/** Morocco 869–870 MHz: a draft, the same for all versions. Its LR-FHSS uplinks are answered in RX2 only. */
export const MA869: BandDefinition = { id: 'MA_869_870_DRAFT', build };
