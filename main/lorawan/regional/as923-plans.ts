import { definePlans, type FrequencyPlan } from './frequency-plan.ts';

/** Plans of AS923 that have only the default channels. */
export const AS923_PLANS: readonly FrequencyPlan[] = definePlans([
  {
    id: 'AS_923',
    name: 'Asia 915-928 MHz (AS923 Group 1) with only default channels',
    bandId: 'AS_923',
    baseFrequencyMhz: 915,
    uplinks: [
      [923_200_000, 0],
      [923_400_000, 0],
    ],
    downlinkFrequenciesHz: [923_200_000, 923_400_000],
    radioRows: [[923_300_000, 915_000_000, 928_000_000]],
  },
  {
    id: 'AS_923_2',
    name: 'Asia 920-923 MHz (AS923 Group 2) with only default channels',
    bandId: 'AS_923_2',
    baseFrequencyMhz: 915,
    uplinks: [
      [921_400_000, 0],
      [921_600_000, 0],
    ],
    downlinkFrequenciesHz: [921_400_000, 921_600_000],
    radioRows: [[921_500_000, 915_000_000, 928_000_000]],
  },
  {
    id: 'AS_923_3',
    name: 'Asia 915-921 MHz (AS923 Group 3) with only default channels',
    bandId: 'AS_923_3',
    baseFrequencyMhz: 915,
    uplinks: [
      [916_600_000, 0],
      [916_800_000, 0],
    ],
    downlinkFrequenciesHz: [916_600_000, 916_800_000],
    radioRows: [[916_700_000, 915_000_000, 928_000_000]],
  },
  {
    id: 'AS_923_4',
    name: 'Asia 917-920 MHz (AS923 Group 4) with only default channels',
    bandId: 'AS_923_4',
    baseFrequencyMhz: 915,
    uplinks: [
      [917_300_000, 0],
      [917_500_000, 0],
    ],
    downlinkFrequenciesHz: [917_300_000, 917_500_000],
    radioRows: [[917_400_000, 915_000_000, 928_000_000]],
  },
  {
    id: 'AS_923_NDT',
    name: 'Asia 915-928 MHz (AS923 Group 1) with only default channels and dwell time disabled',
    basedOn: 'AS_923',
    dwellTime: { uplinks: false, downlinks: false },
  },
  {
    id: 'AS_923_DT',
    name: 'Asia 915-928 MHz (AS923 Group 1) with only default channels and dwell time enabled',
    basedOn: 'AS_923',
    dwellTime: { uplinks: true, downlinks: true, durationMs: 400 },
  },
  {
    id: 'AS_923_2_NDT',
    name: 'Asia 920-923 MHz (AS923 Group 2) with only default channels and dwell time disabled',
    basedOn: 'AS_923_2',
    dwellTime: { uplinks: false, downlinks: false },
  },
  {
    id: 'AS_923_2_DT',
    name: 'Asia 920-923 MHz (AS923 Group 2) with only default channels and dwell time enabled',
    basedOn: 'AS_923_2',
    dwellTime: { uplinks: true, downlinks: true, durationMs: 400 },
  },
  {
    id: 'AS_923_3_NDT',
    name: 'Asia 920-923 MHz (AS923 Group 3) with only default channels and dwell time disabled',
    basedOn: 'AS_923_3',
    dwellTime: { uplinks: false, downlinks: false },
  },
  {
    id: 'AS_923_3_DT',
    name: 'Asia 920-923 MHz (AS923 Group 3) with only default channels and dwell time enabled',
    basedOn: 'AS_923_3',
    dwellTime: { uplinks: true, downlinks: true, durationMs: 400 },
  },
  {
    id: 'AS_923_4_NDT',
    name: 'Asia 920-923 MHz (AS923 Group 4) with only default channels and dwell time disabled',
    basedOn: 'AS_923_4',
    dwellTime: { uplinks: false, downlinks: false },
  },
  {
    id: 'AS_923_4_DT',
    name: 'Asia 920-923 MHz (AS923 Group 4) with only default channels and dwell time enabled',
    basedOn: 'AS_923_4',
    dwellTime: { uplinks: true, downlinks: true, durationMs: 400 },
  },
]);
