import { type ChannelSet, initialChannels } from './device-channels.ts';
import type { DeviceRegion } from './device-region.ts';

/** LoRaWAN versions a simulated device speaks; they share frames and keys and differ in details of LinkADRReq. */
export type DeviceMacVersion = '1.0.2' | '1.0.3' | '1.0.4';

/** What MAC commands and the join-accept set: everything the device needs to send and to open its windows. */
export interface RadioSettings {
  readonly region: DeviceRegion;
  readonly macVersion: DeviceMacVersion;
  readonly channels: ChannelSet;
  readonly dataRateIndex: number;
  readonly txPowerIndex: number;
  readonly nbTrans: number;
  readonly rx1DelayS: number;
  readonly rx1DataRateOffset: number;
  readonly rx2FrequencyHz: number;
  readonly rx2DataRateIndex: number;
  /** Aggregated duty cycle is 1 / 2^exponent; 0 is no limit. */
  readonly maxDutyCycleExponent: number;
}

/** Settings after power-up. */
export function initialRadioSettings(
  region: DeviceRegion,
  macVersion: DeviceMacVersion,
  dataRateIndex: number,
  subBand?: number,
): RadioSettings {
  return {
    region,
    macVersion,
    channels: initialChannels(region, subBand),
    dataRateIndex,
    txPowerIndex: 0,
    nbTrans: 1,
    rx1DelayS: 1,
    rx1DataRateOffset: 0,
    rx2FrequencyHz: region.rx2.frequencyHz,
    rx2DataRateIndex: region.rx2.dataRateIndex,
    maxDutyCycleExponent: 0,
  };
}

/** Power of the next uplink; each index step is 2 dB in both regions. */
export function eirpDbm(settings: RadioSettings): number {
  return settings.region.maxEirpDbm - 2 * settings.txPowerIndex;
}
