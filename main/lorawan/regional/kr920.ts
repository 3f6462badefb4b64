import { isPhyAtLeast, type PhyVersion } from '../versions.ts';
import { type Band, type BandDefinition, channelRow, powerSteps, type SubBand } from './band.ts';
import { dynamicBand, NARROW_DATA_RATES, NARROW_RX1 } from './tables.ts';

const CHANNELS = channelRow(3, 0, 922_100_000, 200_000, [0, 5]);

/** The first document lists powers of its own. */
const OLDER_TX_OFFSETS_DB = [0, -6, -10, -12, -15, -18, -20];

const RELAY_WOR_CHANNELS = [
  { frequencyHz: 922_700_000, ackFrequencyHz: 922_900_000, dataRateIndex: 3 },
  { frequencyHz: 923_100_000, ackFrequencyHz: 923_100_000, dataRateIndex: 3 },
];

const SUB_BANDS: readonly SubBand[] = [
  { minFrequencyHz: 920_000_000, maxFrequencyHz: 923_000_000, dutyCycle: 1, maxEirpDbm: 16.15 },
];

function build(phyVersion: PhyVersion): Band | undefined {
  if (!isPhyAtLeast(phyVersion, 'PHY_V1_0_2_REV_A')) return undefined;
  const powerInSteps = isPhyAtLeast(phyVersion, 'PHY_V1_0_2_REV_B');
  return dynamicBand({
    id: 'KR_920_923',
    commonName: 'KR920',
    region: 'Korea 920–923 MHz',
    phyVersion,
    uplinkChannels: CHANNELS,
    strictCodingRate: isPhyAtLeast(phyVersion, 'RP002_V1_0_0'),
    defaultMaxEirpDbm: powerInSteps ? 14 : 20,
    txOffsetsDb: powerInSteps ? powerSteps(8) : OLDER_TX_OFFSETS_DB,
    rx2: { dataRateIndex: 0, frequencyHz: 921_900_000 },
    subBands: SUB_BANDS,
    beaconFrequencyHz: 923_100_000,
    rates: NARROW_DATA_RATES,
    rx1DataRates: NARROW_RX1,
    relayWorChannels: isPhyAtLeast(phyVersion, 'RP002_V1_0_4') ? RELAY_WOR_CHANNELS : [],
  });
}

/** Korea 920–923 MHz. */
export const KR920: BandDefinition = { id: 'KR_920_923', build };
