import { definePlans, type FrequencyPlan } from './frequency-plan.ts';

/** Plans of KR920 and IN865. */
export const KOREA_INDIA_PLANS: readonly FrequencyPlan[] = definePlans([
  {
    id: 'KR_920_923_TTN',
    name: 'South Korea 920-923 MHz',
    bandId: 'KR_920_923',
    baseFrequencyMhz: 915,
    uplinks: [
      [922_100_000, 0],
      [922_300_000, 0],
      [922_500_000, 0],
      [922_700_000, 0],
      [922_900_000, 1],
      [923_100_000, 1],
      [923_300_000, 1],
    ],
    downlinkFrequenciesHz: [
      922_100_000, 922_300_000, 922_500_000, 922_700_000, 922_900_000, 923_100_000, 923_300_000,
    ],
    radioRows: [[922_400_000, 920_900_000, 923_300_000], [923_000_000]],
    listenBeforeTalk: { rssiOffsetDb: -4, rssiTargetDbm: -80, scanTimeUs: 128 },
  },
  {
    id: 'IN_865_867',
    name: 'India 865-867 MHz',
    bandId: 'IN_865_867',
    baseFrequencyMhz: 868,
    uplinks: [
      [865_062_500, 0],
      [865_402_500, 0],
      [865_985_000, 1],
      [865_232_500, 0],
      [866_185_000, 1],
      [866_385_000, 1],
      [866_585_000, 1],
      [866_785_000, 1],
    ],
    downlinkFrequenciesHz: [
      865_062_500, 865_402_500, 865_985_000, 865_232_500, 866_185_000, 866_385_000, 866_585_000,
      866_785_000,
    ],
    radioRows: [[865_200_000, 865_000_000, 867_000_000], [866_385_000]],
  },
]);
