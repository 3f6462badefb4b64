/** Regions whose channels are only switched on and off. Sources: LoRaWAN Regional Parameters 1.0.2 rev B to RP002-1.0.1. */
import type { DeviceMacVersion } from './device-radio-settings.ts';
import type { DeviceBandId, DeviceChannel, DeviceRegion } from './device-region.ts';
import { lora, type RateRow, rateTable, slowToFast } from './device-region-rates.ts';

const NARROW_COUNT = 64;
const WIDE_COUNT = 8;
const DOWNLINK_BASE_HZ = 923_300_000;
const DOWNLINK_STEP_HZ = 600_000;
const DOWNLINK_COUNT = 8;

/** A row of channels that may be used at these data rates. */
function row(
  count: number,
  firstIndex: number,
  firstHz: number,
  stepHz: number,
  [minDataRateIndex, maxDataRateIndex]: readonly [number, number],
  downlinkHz: (index: number) => number,
): readonly DeviceChannel[] {
  return Array.from({ length: count }, (_, position) => ({
    index: firstIndex + position,
    frequencyHz: firstHz + position * stepHz,
    minDataRateIndex,
    maxDataRateIndex,
    downlinkFrequencyHz: downlinkHz(firstIndex + position),
    enabled: true,
  }));
}

/** Both 72-channel regions answer on the same eight channels. */
const americanDownlinkHz = (channel: number): number =>
  DOWNLINK_BASE_HZ + (channel % DOWNLINK_COUNT) * DOWNLINK_STEP_HZ;

const isAmericanDownlink = (frequencyHz: number): boolean =>
  frequencyHz >= DOWNLINK_BASE_HZ &&
  frequencyHz <= americanDownlinkHz(DOWNLINK_COUNT - 1) &&
  (frequencyHz - DOWNLINK_BASE_HZ) % DOWNLINK_STEP_HZ === 0;

const AMERICAN_DOWNLINK_RATES: readonly RateRow[] = [
  [8, lora(12, 500_000), 61],
  [9, lora(11, 500_000), 137],
  [10, lora(10, 500_000), 250],
  [11, lora(9, 500_000), 250],
  [12, lora(8, 500_000), 250],
  [13, lora(7, 500_000), 250],
];

interface American {
  readonly bandId: DeviceBandId;
  readonly narrowHz: number;
  readonly wideHz: number;
  readonly uplinkRates: readonly RateRow[];
  readonly fastestNarrow: number;
  readonly wideRate: number;
  /** RX1 data rate of DR0 at offset 0. */
  readonly rx1Base: number;
  readonly maxRx1DataRateOffset: number;
  readonly slowestJoin: number;
  readonly dwell?: DeviceRegion['bootDwellTime'];
}

function american(numbers: American, version: DeviceMacVersion): DeviceRegion {
  const { bandId, dwell, fastestNarrow, rx1Base, slowestJoin, wideRate } = numbers;
  const channels = [
    ...row(NARROW_COUNT, 0, numbers.narrowHz, 200_000, [0, fastestNarrow], americanDownlinkHz),
    ...row(
      WIDE_COUNT,
      NARROW_COUNT,
      numbers.wideHz,
      1_600_000,
      [wideRate, wideRate],
      americanDownlinkHz,
    ),
  ];
  const uplinksHz = new Set(channels.map(({ frequencyHz }) => frequencyHz));
  // CFList and ChMaskCntl 5 came, and the power steps went on, with Regional Parameters 1.0.3.
  const isOld = version === '1.0.2';
  return {
    bandId,
    fixedChannels: true,
    maskLayout: 'mask72',
    banksOfEight: !isOld,
    defaultChannelCount: NARROW_COUNT + WIDE_COUNT,
    maxChannelCount: NARROW_COUNT + WIDE_COUNT,
    subBandCount: WIDE_COUNT,
    channels,
    dataRates: new Map([
      ...rateTable(numbers.uplinkRates, 'up'),
      ...rateTable(AMERICAN_DOWNLINK_RATES, 'down'),
    ]),
    defaultDataRateIndex: fastestNarrow,
    cfList: isOld ? undefined : 'masks',
    maxCfListDataRateIndex: fastestNarrow,
    frequencyStepHz: 100,
    rx2: { frequencyHz: DOWNLINK_BASE_HZ, dataRateIndex: 8 },
    maxRx1DataRateOffset: numbers.maxRx1DataRateOffset,
    maxEirpDbm: 30,
    maxTxPowerIndex: isOld ? 10 : 14,
    txParamSetup: dwell !== undefined,
    bootDwellTime: dwell ?? { uplink: false, downlink: false },
    rx1DataRateIndex: (rate, offset) => Math.min(13, Math.max(8, rx1Base + rate - offset)),
    // Narrow and wide channels in turn.
    joinDataRate: (_, attempt) => (attempt % 2 === 0 ? slowestJoin : wideRate),
    isDownlinkFrequency: isAmericanDownlink,
    isUplinkFrequency: (frequencyHz) => uplinksHz.has(frequencyHz),
  };
}

function us915(version: DeviceMacVersion): DeviceRegion {
  return american(
    {
      bandId: 'US_902_928',
      narrowHz: 902_300_000,
      wideHz: 903_000_000,
      uplinkRates: [
        [0, lora(10, 125_000), 19],
        [1, lora(9, 125_000), 61],
        [2, lora(8, 125_000), 133],
        [3, lora(7, 125_000), 250],
        [4, lora(8, 500_000), 250],
      ],
      fastestNarrow: 3,
      wideRate: 4,
      rx1Base: 10,
      maxRx1DataRateOffset: 3,
      slowestJoin: 0,
    },
    version,
  );
}

function au915(version: DeviceMacVersion): DeviceRegion {
  const hasDwellTime = version !== '1.0.2';
  return american(
    {
      bandId: 'AU_915_928',
      narrowHz: 915_200_000,
      wideHz: 915_900_000,
      uplinkRates: [
        ...slowToFast(
          [59, 59, 59, 123, 250, 250],
          hasDwellTime ? [0, 0, 19, 61, 133, 250] : undefined,
        ),
        [6, lora(8, 500_000), 250],
      ],
      fastestNarrow: 5,
      wideRate: 6,
      rx1Base: 8,
      maxRx1DataRateOffset: 5,
      slowestJoin: hasDwellTime ? 2 : 0,
      ...(hasDwellTime && { dwell: { uplink: true, downlink: false } }),
    },
    version,
  );
}

const CN_UPLINK_COUNT = 96;
const CN_DOWNLINK_COUNT = 48;
const CN_DOWNLINK_BASE_HZ = 500_300_000;
const CN_STEP_HZ = 200_000;

function cn470(version: DeviceMacVersion): DeviceRegion {
  const downlinkHz = (channel: number): number =>
    CN_DOWNLINK_BASE_HZ + (channel % CN_DOWNLINK_COUNT) * CN_STEP_HZ;
  const channels = row(CN_UPLINK_COUNT, 0, 470_300_000, CN_STEP_HZ, [0, 5], downlinkHz);
  const uplinksHz = new Set(channels.map(({ frequencyHz }) => frequencyHz));
  const downlinksHz = new Set(channels.map(({ downlinkFrequencyHz }) => downlinkFrequencyHz));
  return {
    bandId: 'CN_470_510',
    fixedChannels: true,
    maskLayout: 'mask96',
    banksOfEight: false,
    defaultChannelCount: CN_UPLINK_COUNT,
    maxChannelCount: CN_UPLINK_COUNT,
    subBandCount: CN_UPLINK_COUNT / 8,
    channels,
    dataRates: new Map(rateTable(slowToFast([59, 59, 59, 123, 250, 250]))),
    defaultDataRateIndex: 5,
    // It came with Regional Parameters 1.0.3.
    cfList: version === '1.0.2' ? undefined : 'masks',
    maxCfListDataRateIndex: 5,
    frequencyStepHz: 100,
    rx2: { frequencyHz: 505_300_000, dataRateIndex: 0 },
    maxRx1DataRateOffset: 5,
    maxEirpDbm: 19.15,
    maxTxPowerIndex: 7,
    txParamSetup: false,
    bootDwellTime: { uplink: false, downlink: false },
    rx1DataRateIndex: (rate, offset) => Math.max(0, rate - offset),
    joinDataRate: (wanted, attempt) => Math.max(0, wanted - Math.floor(attempt / 2)),
    isDownlinkFrequency: (frequencyHz) => downlinksHz.has(frequencyHz),
    isUplinkFrequency: (frequencyHz) => uplinksHz.has(frequencyHz),
  };
}

/** A region with fixed channels; undefined for other bands. */
export function fixedRegion(
  bandId: DeviceBandId,
  version: DeviceMacVersion,
): DeviceRegion | undefined {
  switch (bandId) {
    case 'US_902_928':
      return us915(version);
    case 'AU_915_928':
      return au915(version);
    case 'CN_470_510':
      return cn470(version);
    default:
      return undefined;
  }
}
