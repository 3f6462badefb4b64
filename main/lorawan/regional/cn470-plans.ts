import { type FrequencyPlan, planRadio } from './frequency-plan.ts';

const FIRST_CHANNEL_HZ = 470_300_000;
const CHANNEL_STEP_HZ = 200_000;
const SUB_BAND_STEP_HZ = 1_600_000;

/** Eight of the 96 channels, by number of the sub-band from 1. */
function subBandPlan(subBand: number, note: string): FrequencyPlan {
  const firstHz = FIRST_CHANNEL_HZ + (subBand - 1) * SUB_BAND_STEP_HZ;
  return {
    id: `CN_470_510_FSB_${subBand}`,
    bandId: 'CN_470_510',
    name: `China 470-510 MHz, FSB ${subBand}${note}`,
    baseFrequencyMhz: 470,
    uplinkChannels: Array.from({ length: 8 }, (_, index) => ({
      frequencyHz: firstHz + index * CHANNEL_STEP_HZ,
      minDataRateIndex: 0,
      maxDataRateIndex: 5,
      radio: index < 4 ? 0 : 1,
    })),
    downlinkChannels: [],
    radios: [
      planRadio(firstHz + 300_000, { minFrequencyHz: 470_000_000, maxFrequencyHz: 510_000_000 }),
      planRadio(firstHz + 1_100_000),
    ],
    clockSource: 1,
  };
}

/** Frequency plans of the band CN_470_510. */
export const CN470_PLANS: readonly FrequencyPlan[] = [
  subBandPlan(1, ''),
  subBandPlan(11, ' (used by TTN)'),
];
