import { type FrequencyPlan, planRadio } from './frequency-plan.ts';

const FIRST_CHANNEL_HZ = 902_300_000;
const CHANNEL_STEP_HZ = 200_000;
const FIRST_WIDE_CHANNEL_HZ = 903_000_000;
const SUB_BAND_STEP_HZ = 1_600_000;

/** Eight narrow channels and the wide one between them, by number of the sub-band from 1. */
function subBandPlan(subBand: number): FrequencyPlan {
  const shiftHz = (subBand - 1) * SUB_BAND_STEP_HZ;
  const firstHz = FIRST_CHANNEL_HZ + shiftHz;
  return {
    id: `US_902_928_FSB_${subBand}`,
    bandId: 'US_902_928',
    name: `United States 902-928 MHz, FSB ${subBand}${subBand === 2 ? ' (used by TTN)' : ''}`,
    baseFrequencyMhz: 915,
    uplinkChannels: Array.from({ length: 8 }, (_, index) => ({
      frequencyHz: firstHz + index * CHANNEL_STEP_HZ,
      minDataRateIndex: 0,
      maxDataRateIndex: 3,
      radio: index < 4 ? 0 : 1,
    })),
    downlinkChannels: [],
    loraStandardChannel: {
      frequencyHz: FIRST_WIDE_CHANNEL_HZ + shiftHz,
      dataRateIndex: 4,
      radio: 0,
    },
    radios: [
      planRadio(firstHz + 400_000, { minFrequencyHz: 923_000_000, maxFrequencyHz: 928_000_000 }),
      planRadio(firstHz + 1_100_000),
    ],
    clockSource: 1,
    dwellTime: { uplinks: true, downlinks: false, durationMs: 400 },
  };
}

const SUB_BAND_PLANS = [1, 2, 3, 4, 5, 6, 7, 8].map(subBandPlan);

/** Only the wide channel of a sub-band, used with the narrow data rates too: for gateways with one channel. */
function singleChannelPlan(base: FrequencyPlan, index: number): FrequencyPlan {
  const frequencyHz = FIRST_WIDE_CHANNEL_HZ + index * SUB_BAND_STEP_HZ;
  const rates = { minDataRateIndex: 0, maxDataRateIndex: 3 };
  const mhz = (frequencyHz / 1_000_000).toFixed(1);
  return {
    ...base,
    id: `US_${mhz.replace('.', '_')}`,
    name: `United States ${mhz} MHz`,
    uplinkChannels: [{ frequencyHz, ...rates, radio: 1 }],
    downlinkChannels: [{ frequencyHz, ...rates }],
    maxEirpDbm: 24.15,
  };
}

/** Frequency plans of the band US_902_928. */
export const US915_PLANS: readonly FrequencyPlan[] = [
  ...SUB_BAND_PLANS,
  ...SUB_BAND_PLANS.map(singleChannelPlan),
];
