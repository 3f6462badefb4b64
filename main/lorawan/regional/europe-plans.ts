import { definePlans, type FrequencyPlan } from './frequency-plan.ts';

/** Plans of EU433, MA869 and RU864. */
export const EUROPE_PLANS: readonly FrequencyPlan[] = definePlans([
  {
    id: 'EU_433',
    name: 'Europe 433 MHz (ITU region 1)',
    bandId: 'EU_433',
    baseFrequencyMhz: 433,
    subBands: [
      {
        minFrequencyHz: 433_050_000,
        maxFrequencyHz: 434_790_000,
        dutyCycle: 0.1,
        maxEirpDbm: 12.15,
      },
    ],
    uplinks: [
      [433_175_000, 0],
      [433_375_000, 0],
      [433_575_000, 0],
      [433_775_000, 0],
      [433_975_000, 1],
      [434_175_000, 1],
      [434_375_000, 1],
      [434_575_000, 1],
    ],
    downlinkFrequenciesHz: [
      433_175_000, 433_375_000, 433_575_000, 433_775_000, 433_975_000, 434_175_000, 434_375_000,
      434_575_000,
    ],
    loraStandardChannel: { frequencyHz: 434_075_000, dataRateIndex: 6, radio: 1 },
    radioRows: [[433_475_000, 433_050_000, 434_790_000], [434_275_000]],
  },
  {
    id: 'MA_869_870_DRAFT',
    name: 'Morocco 869-870 MHz',
    bandId: 'MA_869_870_DRAFT',
    baseFrequencyMhz: 868,
    uplinks: [
      [869_100_000, 0],
      [869_300_000, 0],
      [869_700_000, 0],
      [869_900_000, 0],
    ],
    downlinkFrequenciesHz: [869_100_000, 869_300_000, 869_700_000, 869_900_000],
    loraStandardChannel: { frequencyHz: 869_300_000, dataRateIndex: 6, radio: 1 },
    fskChannel: { frequencyHz: 869_800_000, dataRateIndex: 7, radio: 1 },
    radioRows: [[869_500_000, 869_000_000, 870_000_000], [869_500_000]],
  },
  {
    id: 'RU_864_870_TTN',
    name: 'Russia 864-870 MHz',
    bandId: 'RU_864_870',
    baseFrequencyMhz: 868,
    uplinks: [
      [868_900_000, 1],
      [869_100_000, 1],
      [864_100_000, 0],
      [864_300_000, 0],
      [864_500_000, 0],
      [864_700_000, 0],
      [864_900_000, 0],
    ],
    downlinkFrequenciesHz: [
      868_900_000, 869_100_000, 864_100_000, 864_300_000, 864_500_000, 864_700_000, 864_900_000,
    ],
    radioRows: [[864_500_000, 864_000_000, 870_000_000], [869_000_000]],
  },
]);
