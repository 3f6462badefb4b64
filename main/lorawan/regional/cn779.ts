import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import { type Band, type BandDefinition, channelRow, powerSteps, type SubBand } from './band.ts';
import { dynamicBand } from './tables.ts';

const CHANNELS = [
  ...channelRow(3, 0, 779_500_000, 200_000, [0, 5]),
  ...channelRow(3, 3, 780_500_000, 200_000, [0, 5]),
];

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 779_000_000, maxFrequencyHz: 787_000_000, dutyCycle: 0.01, maxEirpDbm: 12.15 },
];

function build(phyVersion: PhyVersion): Band | undefined {
  if (isPhyAtLeast(phyVersion, 'RP002_V1_0_4')) return undefined;
  return dynamicBand({
    id: 'CN_779_787',
    commonName: 'CN779',
    region: 'China 779–787 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: isPhyAtLeast(phyVersion, 'RP002_V1_0_0'),
    defaultMaxEirpDbm: 12.15,
    txOffsetsDb: powerSteps(6),
    rx2: { dataRateIndex: 0, frequencyHz: 786_000_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: 785_000_000,
  });
}

/** China 779–787 MHz; withdrawn with RP002-1.0.4. */
export const CN779: BandDefinition = { id: 'CN_779_787', build };
