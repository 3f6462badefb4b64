/**
 * Regional parameters as a device's firmware has them, written apart from the network's tables so that the two check
 * each other. Source: LoRaWAN Regional Parameters 1.0.3 rev A, §2.2 (EU863-870) and §2.3 (US902-928).
 */
import type { Modulation } from '../base/gateway-link.ts';

export type DeviceBandId = 'EU_863_870' | 'US_902_928';

export interface DeviceDataRate {
  readonly modulation: Modulation;
  readonly uplink: boolean;
  readonly downlink: boolean;
  /** M: longest FHDR + FPort + FRMPayload. */
  readonly maxMacPayloadBytes: number;
}

/** A channel the device may send on. */
export interface DeviceChannel {
  readonly index: number;
  readonly frequencyHz: number;
  readonly minDataRateIndex: number;
  readonly maxDataRateIndex: number;
  /** RX1 frequency when DlChannelReq or the band sets it apart from the uplink frequency. */
  readonly downlinkFrequencyHz: number;
  readonly enabled: boolean;
}

export interface DeviceRegion {
  readonly bandId: DeviceBandId;
  /** Fixed channels are only switched on and off; dynamic ones can be added. */
  readonly fixedChannels: boolean;
  /** Number of leading channels no command may redefine. */
  readonly defaultChannelCount: number;
  readonly maxChannelCount: number;
  readonly channels: readonly DeviceChannel[];
  readonly dataRates: ReadonlyMap<number, DeviceDataRate>;
  readonly defaultDataRateIndex: number;
  readonly maxCfListDataRateIndex: number;
  readonly rx2: { readonly frequencyHz: number; readonly dataRateIndex: number };
  readonly maxRx1DataRateOffset: number;
  readonly maxEirpDbm: number;
  readonly maxTxPowerIndex: number;
  rx1DataRateIndex(uplinkDataRateIndex: number, offset: number): number;
  /** Whether the device's radio can listen there. */
  isDownlinkFrequency(frequencyHz: number): boolean;
  isUplinkFrequency(frequencyHz: number): boolean;
}

function lora(spreadingFactor: number, bandwidthHz: number): Modulation {
  return { kind: 'lora', spreadingFactor, bandwidthHz, codingRate: '4/5' };
}

const EU_MAX_MAC_PAYLOAD = [59, 59, 59, 123, 250, 250, 250, 250];

const EU_DATA_RATES: ReadonlyMap<number, DeviceDataRate> = new Map(
  EU_MAX_MAC_PAYLOAD.map((maxMacPayloadBytes, index) => {
    const modulation: Modulation =
      index === 7
        ? { kind: 'fsk', bitRate: 50_000 }
        : index === 6
          ? lora(7, 250_000)
          : lora(12 - index, 125_000);
    return [index, { modulation, uplink: true, downlink: true, maxMacPayloadBytes }];
  }),
);

const inEuBand = (frequencyHz: number): boolean =>
  frequencyHz >= 863_000_000 && frequencyHz <= 870_000_000;

const EU_868: DeviceRegion = {
  bandId: 'EU_863_870',
  fixedChannels: false,
  defaultChannelCount: 3,
  maxChannelCount: 16,
  channels: [868_100_000, 868_300_000, 868_500_000].map((frequencyHz, index) => ({
    index,
    frequencyHz,
    minDataRateIndex: 0,
    maxDataRateIndex: 5,
    downlinkFrequencyHz: frequencyHz,
    enabled: true,
  })),
  dataRates: EU_DATA_RATES,
  defaultDataRateIndex: 5,
  maxCfListDataRateIndex: 5,
  rx2: { frequencyHz: 869_525_000, dataRateIndex: 0 },
  maxRx1DataRateOffset: 5,
  maxEirpDbm: 16,
  maxTxPowerIndex: 7,
  rx1DataRateIndex: (uplinkDataRateIndex, offset) => Math.max(0, uplinkDataRateIndex - offset),
  isDownlinkFrequency: inEuBand,
  isUplinkFrequency: inEuBand,
};

const US_NARROW_COUNT = 64;
const US_WIDE_COUNT = 8;
const US_DOWNLINK_BASE_HZ = 923_300_000;
const US_DOWNLINK_STEP_HZ = 600_000;

const usDownlinkHz = (channel: number): number =>
  US_DOWNLINK_BASE_HZ + (channel % 8) * US_DOWNLINK_STEP_HZ;

const US_CHANNELS: readonly DeviceChannel[] = [
  ...Array.from({ length: US_NARROW_COUNT }, (_, index) => ({
    index,
    frequencyHz: 902_300_000 + index * 200_000,
    minDataRateIndex: 0,
    maxDataRateIndex: 3,
    downlinkFrequencyHz: usDownlinkHz(index),
    enabled: true,
  })),
  ...Array.from({ length: US_WIDE_COUNT }, (_, wide) => ({
    index: US_NARROW_COUNT + wide,
    frequencyHz: 903_000_000 + wide * 1_600_000,
    minDataRateIndex: 4,
    maxDataRateIndex: 4,
    downlinkFrequencyHz: usDownlinkHz(wide),
    enabled: true,
  })),
];

const US_UPLINK_RATES: readonly (readonly [number, Modulation, number])[] = [
  [0, lora(10, 125_000), 19],
  [1, lora(9, 125_000), 61],
  [2, lora(8, 125_000), 133],
  [3, lora(7, 125_000), 250],
  [4, lora(8, 500_000), 250],
];

const US_DOWNLINK_RATES: readonly (readonly [number, Modulation, number])[] = [
  [8, lora(12, 500_000), 61],
  [9, lora(11, 500_000), 137],
  [10, lora(10, 500_000), 250],
  [11, lora(9, 500_000), 250],
  [12, lora(8, 500_000), 250],
  [13, lora(7, 500_000), 250],
];

const usRate =
  (uplink: boolean) =>
  ([index, modulation, maxMacPayloadBytes]: readonly [number, Modulation, number]) =>
    [index, { modulation, uplink, downlink: !uplink, maxMacPayloadBytes }] as const;

const isUsDownlinkFrequency = (frequencyHz: number): boolean =>
  frequencyHz >= US_DOWNLINK_BASE_HZ &&
  frequencyHz <= usDownlinkHz(7) &&
  (frequencyHz - US_DOWNLINK_BASE_HZ) % US_DOWNLINK_STEP_HZ === 0;

const US_915: DeviceRegion = {
  bandId: 'US_902_928',
  fixedChannels: true,
  defaultChannelCount: US_NARROW_COUNT + US_WIDE_COUNT,
  maxChannelCount: US_NARROW_COUNT + US_WIDE_COUNT,
  channels: US_CHANNELS,
  dataRates: new Map([
    ...US_UPLINK_RATES.map(usRate(true)),
    ...US_DOWNLINK_RATES.map(usRate(false)),
  ]),
  defaultDataRateIndex: 3,
  maxCfListDataRateIndex: 3,
  rx2: { frequencyHz: US_DOWNLINK_BASE_HZ, dataRateIndex: 8 },
  maxRx1DataRateOffset: 3,
  maxEirpDbm: 30,
  maxTxPowerIndex: 14,
  rx1DataRateIndex: (uplinkDataRateIndex, offset) =>
    Math.min(13, Math.max(8, 10 + uplinkDataRateIndex - offset)),
  isDownlinkFrequency: isUsDownlinkFrequency,
  isUplinkFrequency: (frequencyHz) =>
    US_CHANNELS.some((channel) => channel.frequencyHz === frequencyHz),
};

const REGIONS: Readonly<Record<DeviceBandId, DeviceRegion>> = {
  EU_863_870: EU_868,
  US_902_928: US_915,
};

/** The bands a simulated device knows. */
export const DEVICE_BAND_IDS: readonly DeviceBandId[] = ['EU_863_870', 'US_902_928'];

/** The region of a band, or undefined when simulated devices do not know it. */
export function deviceRegion(bandId: string): DeviceRegion | undefined {
  return DEVICE_BAND_IDS.includes(bandId as DeviceBandId)
    ? REGIONS[bandId as DeviceBandId]
    : undefined;
}
