import type { PhyVersion } from '../versions.ts';
import { type Band, type BandDefinition, channelRow, powerSteps, type SubBand } from './band.ts';
import { type DataRateTable, dynamicBand } from './tables.ts';

const CHANNELS = [
  ...channelRow(2, 0, 2_403_000_000, 22_000_000, [0, 7]),
  ...channelRow(1, 2, 2_479_000_000, 0, [0, 7]),
];

const BEACON_HZ = 2_424_000_000;

const DATA_RATES: DataRateTable = [59, 123, 250, 250, 250, 250, 250, 250].map(
  (maxMacPayload, index) => [
    index,
    {
      dataRate: {
        kind: 'lora',
        spreadingFactor: 12 - index,
        bandwidthHz: 812_000,
        codingRate: '4/8LI',
      },
      direction: 'both',
      maxMacPayload,
    },
  ],
);

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 2_400_000_000, maxFrequencyHz: 2_500_000_000, dutyCycle: 1, maxEirpDbm: 10.15 },
];

function build(phyVersion: PhyVersion): Band {
  return dynamicBand({
    id: 'ISM_2400',
    commonName: 'ISM2400',
    region: 'World wide 2.4 GHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: true,
    defaultMaxEirpDbm: 10,
    txOffsetsDb: powerSteps(8),
    rx2: { dataRateIndex: 0, frequencyHz: 2_423_000_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: BEACON_HZ,
    rates: DATA_RATES,
    maxAdrDataRateIndex: 0,
    dynamicAdr: false,
    frequencyMultiplierHz: 200,
    beacon: { dataRateIndex: 3, codingRate: '4/8LI', frequenciesHz: [BEACON_HZ] },
  });
}

/** World wide 2.4 GHz. */
export const ISM2400: BandDefinition = { id: 'ISM_2400', build };
