import { type FrequencyPlan, planRadio } from './frequency-plan.ts';

const FIRST_CHANNEL_HZ = 915_200_000;
const CHANNEL_STEP_HZ = 200_000;
const FIRST_WIDE_CHANNEL_HZ = 915_900_000;
const SUB_BAND_STEP_HZ = 1_600_000;

/** Eight narrow channels and the wide one between them, by number of the sub-band from 1. */
function subBandPlan(subBand: number): FrequencyPlan {
  const shiftHz = (subBand - 1) * SUB_BAND_STEP_HZ;
  const firstHz = FIRST_CHANNEL_HZ + shiftHz;
  return {
    id: `AU_915_928_FSB_${subBand}`,
    bandId: 'AU_915_928',
    name: `Australia 915-928 MHz, FSB ${subBand}${subBand === 2 ? ' (used by TTN)' : ''}`,
    baseFrequencyMhz: 915,
    uplinkChannels: Array.from({ length: 8 }, (_, index) => ({
      frequencyHz: firstHz + index * CHANNEL_STEP_HZ,
      minDataRateIndex: 0,
      maxDataRateIndex: 5,
      radio: index < 4 ? 0 : 1,
    })),
    downlinkChannels: [],
    loraStandardChannel: {
      frequencyHz: FIRST_WIDE_CHANNEL_HZ + shiftHz,
      dataRateIndex: 6,
      radio: 0,
    },
    radios: [
      planRadio(firstHz + 400_000, { minFrequencyHz: 915_000_000, maxFrequencyHz: 928_000_000 }),
      planRadio(firstHz + 1_100_000),
    ],
    clockSource: 1,
    dwellTime: { downlinks: false },
  };
}

const AUSTRALIA = [1, 2, 3, 4, 5, 6, 7, 8].map(subBandPlan);

/** The same channels where no dwell time limit applies. */
const BRAZIL = AUSTRALIA.map((plan, index) => ({
  ...plan,
  id: `${plan.id}_BR`,
  name: `Brazil 915-928 MHz, FSB ${index + 1} (dwell time disabled)`,
  dwellTime: { uplinks: false, downlinks: false },
}));

/** Frequency plans of the band AU_915_928. */
export const AU915_PLANS: readonly FrequencyPlan[] = [...AUSTRALIA, ...BRAZIL];
