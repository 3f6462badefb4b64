/** Regions whose channels the network can add to. Sources: LoRaWAN Regional Parameters 1.0.2 rev B to RP002-1.0.1. */
import type { DeviceMacVersion } from './device-radio-settings.ts';
import type { DeviceBandId, DeviceRegion } from './device-region.ts';
import { FSK_50, lora, type RateRow, rateTable, slowToFast } from './device-region-rates.ts';

/** What tells one dynamic region from another. */
interface Numbers {
  readonly channelsHz: readonly number[];
  readonly rates: readonly RateRow[];
  /** Fastest rate of a channel, and of those in a CFList. */
  readonly maxChannelDataRateIndex?: number;
  readonly rx2: DeviceRegion['rx2'];
  readonly maxEirpDbm: number;
  readonly maxTxPowerIndex: number;
  readonly rangeHz: readonly [lowest: number, highest: number];
  readonly frequencyStepHz?: number;
  /** Offsets 6 and 7 raise the RX1 data rate, up to this one. */
  readonly highestRaisedRx1?: number;
  readonly dwell?: DeviceRegion['bootDwellTime'];
}

const EU_SIZES = [59, 59, 59, 123, 250, 250];
const EU_RATES: readonly RateRow[] = [
  ...slowToFast(EU_SIZES),
  [6, lora(7, 250_000), 250],
  [7, FSK_50, 250],
];
const MHZ = 1_000_000;

/** RX1DROffset 6 and 7 of AS923 and IN865. */
const RAISING_OFFSETS = [0, 1, 2, 3, 4, 5, -1, -2];
/** Slowest data rate of AS923 while the dwell time is limited, in both directions. */
const SLOWEST_WITH_DWELL_TIME = 2;

function as923(offsetHz: number, version: DeviceMacVersion): Numbers {
  // Sizes of SF10, RX1 above DR5: RP002-1.0.0 and 1.0.1 §2.10.
  const isNew = version === '1.0.4';
  const firstHz = 923_200_000 + offsetHz;
  return {
    channelsHz: [firstHz, firstHz + 200_000],
    rates: [
      ...slowToFast([59, 59, isNew ? 123 : 59, 123, 250, 250], [0, 0, 19, 61, 133, 250]),
      [6, lora(7, 250_000), 250],
      [7, FSK_50, 250],
    ],
    rx2: { frequencyHz: firstHz, dataRateIndex: 2 },
    maxEirpDbm: 16,
    maxTxPowerIndex: 7,
    rangeHz: [915 * MHZ, 928 * MHZ],
    highestRaisedRx1: isNew ? 7 : 5,
    // The documents disagree about what is in force at first.
    dwell: { uplink: true, downlink: version === '1.0.2' },
  };
}

function numbersOf(bandId: DeviceBandId, version: DeviceMacVersion): Numbers | undefined {
  switch (bandId) {
    case 'EU_863_870':
      return {
        channelsHz: [868_100_000, 868_300_000, 868_500_000],
        rates: EU_RATES,
        rx2: { frequencyHz: 869_525_000, dataRateIndex: 0 },
        maxEirpDbm: 16,
        maxTxPowerIndex: 7,
        rangeHz: [863 * MHZ, 870 * MHZ],
      };
    case 'EU_433':
      return {
        channelsHz: [433_175_000, 433_375_000, 433_575_000],
        rates: EU_RATES,
        rx2: { frequencyHz: 434_665_000, dataRateIndex: 0 },
        maxEirpDbm: 12.15,
        maxTxPowerIndex: 5,
        rangeHz: [433_050_000, 434_790_000],
      };
    case 'RU_864_870':
      return {
        channelsHz: [868_900_000, 869_100_000],
        rates: EU_RATES,
        rx2: { frequencyHz: 869_100_000, dataRateIndex: 0 },
        maxEirpDbm: 16,
        maxTxPowerIndex: 7,
        rangeHz: [864 * MHZ, 870 * MHZ],
      };
    case 'KR_920_923':
      return {
        channelsHz: [922_100_000, 922_300_000, 922_500_000],
        rates: slowToFast(EU_SIZES),
        rx2: { frequencyHz: 921_900_000, dataRateIndex: 0 },
        maxEirpDbm: 14,
        maxTxPowerIndex: 7,
        rangeHz: [920_900_000, 923_300_000],
      };
    case 'IN_865_867':
      return {
        channelsHz: [865_062_500, 865_402_500, 865_985_000],
        rates: [...slowToFast(EU_SIZES), [7, FSK_50, 250]],
        rx2: { frequencyHz: 866_550_000, dataRateIndex: 2 },
        maxEirpDbm: 30,
        maxTxPowerIndex: 10,
        rangeHz: [865 * MHZ, 867 * MHZ],
        highestRaisedRx1: version === '1.0.4' ? 7 : 5,
      };
    case 'ISM_2400':
      return {
        channelsHz: [2_403_000_000, 2_425_000_000, 2_479_000_000],
        rates: [59, 123, 250, 250, 250, 250, 250, 250].map(
          (size, index): RateRow => [index, lora(12 - index, 812_000, '4/8LI'), size],
        ),
        maxChannelDataRateIndex: 7,
        rx2: { frequencyHz: 2_423_000_000, dataRateIndex: 0 },
        maxEirpDbm: 10,
        maxTxPowerIndex: 7,
        rangeHz: [2_400 * MHZ, 2_483_500_000],
        frequencyStepHz: 200,
      };
    case 'AS_923':
      return as923(0, version);
    case 'AS_923_2':
      return as923(-1_800_000, version);
    case 'AS_923_3':
      return as923(-6_600_000, version);
    case 'AS_923_4':
      return as923(-5_900_000, version);
    default:
      return undefined;
  }
}

function rx1Rule({ highestRaisedRx1, rates }: Numbers): DeviceRegion['rx1DataRateIndex'] {
  if (highestRaisedRx1 === undefined) return (rate, offset) => Math.max(0, rate - offset);
  const defined = new Set(rates.map(([index]) => index));
  return (rate, offset, downlinkDwellTime = false) => {
    const lowest = downlinkDwellTime ? SLOWEST_WITH_DWELL_TIME : 0;
    const wanted = Math.max(lowest, rate - (RAISING_OFFSETS[offset] ?? 0));
    const index = Math.min(highestRaisedRx1, wanted);
    // IN865 has no DR6.
    return defined.has(index) ? index : index - 1;
  };
}

/** A region with dynamic channels; undefined for other bands. */
export function dynamicRegion(
  bandId: DeviceBandId,
  version: DeviceMacVersion,
): DeviceRegion | undefined {
  const numbers = numbersOf(bandId, version);
  if (!numbers) return undefined;
  const { channelsHz, dwell, rangeHz, maxChannelDataRateIndex = 5 } = numbers;
  const inRange = (frequencyHz: number): boolean =>
    frequencyHz >= rangeHz[0] && frequencyHz <= rangeHz[1];
  const slowestJoin = dwell ? SLOWEST_WITH_DWELL_TIME : 0;
  return {
    bandId,
    fixedChannels: false,
    maskLayout: 'mask16',
    banksOfEight: false,
    defaultChannelCount: channelsHz.length,
    maxChannelCount: 16,
    subBandCount: 0,
    channels: channelsHz.map((frequencyHz, index) => ({
      index,
      frequencyHz,
      minDataRateIndex: 0,
      maxDataRateIndex: maxChannelDataRateIndex,
      downlinkFrequencyHz: frequencyHz,
      enabled: true,
    })),
    dataRates: new Map(rateTable(numbers.rates)),
    defaultDataRateIndex: maxChannelDataRateIndex,
    cfList: 'frequencies',
    maxCfListDataRateIndex: maxChannelDataRateIndex,
    frequencyStepHz: numbers.frequencyStepHz ?? 100,
    rx2: numbers.rx2,
    maxRx1DataRateOffset: numbers.highestRaisedRx1 === undefined ? 5 : 7,
    maxEirpDbm: numbers.maxEirpDbm,
    maxTxPowerIndex: numbers.maxTxPowerIndex,
    txParamSetup: dwell !== undefined,
    bootDwellTime: dwell ?? { uplink: false, downlink: false },
    rx1DataRateIndex: rx1Rule(numbers),
    // One step slower after every second attempt.
    joinDataRate: (wanted, attempt) => Math.max(slowestJoin, wanted - Math.floor(attempt / 2)),
    isDownlinkFrequency: inRange,
    isUplinkFrequency: inRange,
  };
}
