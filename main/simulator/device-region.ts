/**
 * Regional parameters as a device's firmware has them, written apart from the network's tables so that the two check
 * each other.
 */
import type { Modulation } from '../base/gateway-link.ts';
import type { DeviceMacVersion } from './device-radio-settings.ts';
import { dynamicRegion } from './device-region-dynamic.ts';
import { fixedRegion } from './device-region-fixed.ts';

/** The bands a simulated device knows. */
export const DEVICE_BAND_IDS = [
  'EU_863_870',
  'US_902_928',
  'AU_915_928',
  'AS_923',
  'AS_923_2',
  'AS_923_3',
  'AS_923_4',
  'CN_470_510',
  'EU_433',
  'IN_865_867',
  'KR_920_923',
  'RU_864_870',
  'ISM_2400',
] as const;
export type DeviceBandId = (typeof DEVICE_BAND_IDS)[number];

export interface DeviceDataRate {
  readonly modulation: Modulation;
  readonly uplink: boolean;
  readonly downlink: boolean;
  /** M: longest FHDR + FPort + FRMPayload. */
  readonly maxMacPayloadBytes: number;
  /** The same while a transmission may last 400 ms only; 0 where the data rate is too slow for that. */
  readonly maxMacPayloadWithDwellTime?: number;
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
  /** How ChMaskCntl is read, by the number of channels. */
  readonly maskLayout: 'mask16' | 'mask72' | 'mask96';
  /** ChMaskCntl 5 switches banks of eight. */
  readonly banksOfEight: boolean;
  /** Number of leading channels no command may redefine. */
  readonly defaultChannelCount: number;
  readonly maxChannelCount: number;
  /** Sub-bands of eight channels that gateways of this band usually hear; 0 where there are none. */
  readonly subBandCount: number;
  readonly channels: readonly DeviceChannel[];
  readonly dataRates: ReadonlyMap<number, DeviceDataRate>;
  readonly defaultDataRateIndex: number;
  /** What a CFList of this band carries; undefined where the device ignores it. */
  readonly cfList: 'frequencies' | 'masks' | undefined;
  readonly maxCfListDataRateIndex: number;
  /** Hz per unit of a 24-bit frequency field. */
  readonly frequencyStepHz: number;
  readonly rx2: { readonly frequencyHz: number; readonly dataRateIndex: number };
  readonly maxRx1DataRateOffset: number;
  readonly maxEirpDbm: number;
  readonly maxTxPowerIndex: number;
  /** TXParamSetupReq is part of the band. */
  readonly txParamSetup: boolean;
  /** Limits of 400 ms before any TXParamSetupReq. */
  readonly bootDwellTime: { readonly uplink: boolean; readonly downlink: boolean };
  rx1DataRateIndex(
    uplinkDataRateIndex: number,
    offset: number,
    downlinkDwellTime?: boolean,
  ): number;
  /** Data rate of a join attempt, counted from 0, of a device that would like `wanted`. */
  joinDataRate(wanted: number, attempt: number): number;
  /** Whether the device's radio can listen there. */
  isDownlinkFrequency(frequencyHz: number): boolean;
  isUplinkFrequency(frequencyHz: number): boolean;
}

const regions = new Map<string, DeviceRegion | undefined>();

/**
 * The region of a band as the regional parameters of that LoRaWAN version have it, or undefined when simulated devices
 * do not know it. CN_470_510 is the older plan also for 1.0.4, whose own parameters replaced it.
 */
export function deviceRegion(
  bandId: string,
  macVersion: DeviceMacVersion = '1.0.3',
): DeviceRegion | undefined {
  const known = DEVICE_BAND_IDS.find((id) => id === bandId);
  if (!known) return undefined;
  const key = `${bandId} ${macVersion}`;
  const region =
    regions.get(key) ?? fixedRegion(known, macVersion) ?? dynamicRegion(known, macVersion);
  regions.set(key, region);
  return region;
}
