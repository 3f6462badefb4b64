import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import { type Band, type BandDefinition, channelRow, powerSteps, type SubBand } from './band.ts';
import { dynamicBand } from './tables.ts';

const CHANNELS = channelRow(2, 0, 868_900_000, 200_000, [0, 5]);

const RELAY_WOR_CHANNELS = [
  { frequencyHz: 866_100_000, ackFrequencyHz: 866_300_000, dataRateIndex: 3 },
  { frequencyHz: 866_500_000, ackFrequencyHz: 866_900_000, dataRateIndex: 3 },
];

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 864_000_000, maxFrequencyHz: 870_000_000, dutyCycle: 0.01, maxEirpDbm: 22.15 },
];

function build(phyVersion: PhyVersion): Band | undefined {
  if (!isPhyAtLeast(phyVersion, 'PHY_V1_0_3_REV_A')) return undefined;
  return dynamicBand({
    id: 'RU_864_870',
    commonName: 'RU864',
    region: 'Russia 864–870 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: isPhyAtLeast(phyVersion, 'RP002_V1_0_0'),
    defaultMaxEirpDbm: 16,
    txOffsetsDb: powerSteps(8),
    rx2: { dataRateIndex: 0, frequencyHz: 869_100_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: 869_100_000,
    pingSlotFrequenciesHz: [868_900_000],
    relayWorChannels: isPhyAtLeast(phyVersion, 'RP002_V1_0_4') ? RELAY_WOR_CHANNELS : [],
  });
}

/** Russia 864–870 MHz. */
export const RU864: BandDefinition = { id: 'RU_864_870', build };
