import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import { type Band, type BandDefinition, channelRow, powerSteps, type SubBand } from './band.ts';
import { dynamicBand } from './tables.ts';

const CHANNELS = channelRow(3, 0, 433_175_000, 200_000, [0, 5]);

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 433_175_000, maxFrequencyHz: 434_665_000, dutyCycle: 0.1, maxEirpDbm: 12.15 },
];

function build(phyVersion: PhyVersion): Band {
  return dynamicBand({
    id: 'EU_433',
    commonName: 'EU433',
    region: 'Europe 433 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: isPhyAtLeast(phyVersion, 'RP002_V1_0_0'),
    defaultMaxEirpDbm: 12.15,
    txOffsetsDb: powerSteps(6),
    rx2: { dataRateIndex: 0, frequencyHz: 434_665_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: 434_655_000,
  });
}

/** Europe 433 MHz. */
export const EU433: BandDefinition = { id: 'EU_433', build };
