import { definePlans, type FrequencyPlan } from './frequency-plan.ts';

/** Plans of ISM2400. */
export const ISM2400_PLANS: readonly FrequencyPlan[] = definePlans([
  {
    id: 'ISM_2400_3CH_DRAFT2',
    name: 'LoRa 2.4 GHz with 3 channels (Draft 2)',
    bandId: 'ISM_2400',
    baseFrequencyMhz: 2_450,
    uplinks: [
      [2_403_000_000, 0],
      [2_425_000_000, 0],
      [2_479_000_000, 0],
    ],
    dataRates: [0, 7],
    downlinkFrequenciesHz: [2_403_000_000, 2_425_000_000, 2_479_000_000],
  },
]);
