import { type ChannelSet, channelAllows, initialChannels } from './device-channels.ts';
import type { DeviceRegion } from './device-region.ts';

/** LoRaWAN versions a simulated device speaks, oldest first. */
export const DEVICE_MAC_VERSIONS = ['1.0.2', '1.0.3', '1.0.4', '1.1'] as const;
export type DeviceMacVersion = (typeof DEVICE_MAC_VERSIONS)[number];

/** Classes a simulated device can be of. One of class C listens in its RX2 parameters whenever it does nothing else. */
export type DeviceClass = 'A' | 'C';

/** When a device of LoRaWAN 1.1 sends rejoin-requests by itself (RejoinParamSetupReq, LoRaWAN 1.1 §5.14). */
export interface RejoinPeriod {
  readonly uplinks: number;
  readonly seconds: number;
}

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
  readonly maxEirpDbm: number;
  /** Whether a transmission may last 400 ms only. */
  readonly uplinkDwellTime: boolean;
  readonly downlinkDwellTime: boolean;
  readonly adrAckLimit: number;
  readonly adrAckDelay: number;
  /** Undefined until the network asks for it. */
  readonly rejoinPeriod: RejoinPeriod | undefined;
}

const ADR_ACK_LIMIT = 64;
const ADR_ACK_DELAY = 32;

/** Versions that count their DevNonces and check that JoinNonces grow. TS001-1.0.4 §6.2.5, LoRaWAN 1.1 §6.2.3. */
export function countsJoins(version: DeviceMacVersion | undefined): boolean {
  return version === '1.0.4' || version === '1.1';
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
    maxEirpDbm: region.maxEirpDbm,
    uplinkDwellTime: region.bootDwellTime.uplink,
    downlinkDwellTime: region.bootDwellTime.downlink,
    adrAckLimit: ADR_ACK_LIMIT,
    adrAckDelay: ADR_ACK_DELAY,
    rejoinPeriod: undefined,
  };
}

/** Power of the next uplink; each index step is 2 dB in every region. */
export function eirpDbm({ maxEirpDbm, txPowerIndex }: RadioSettings): number {
  return maxEirpDbm - 2 * txPowerIndex;
}

/** M of an uplink data rate (the longest FHDR + FPort + FRMPayload) under the dwell time in force; 0 if it is no rate. */
export function maxMacPayloadBytes(
  { region, uplinkDwellTime }: Pick<RadioSettings, 'region' | 'uplinkDwellTime'>,
  dataRateIndex: number,
): number {
  const rate = region.dataRates.get(dataRateIndex);
  if (!rate?.uplink) return 0;
  return uplinkDwellTime
    ? (rate.maxMacPayloadWithDwellTime ?? rate.maxMacPayloadBytes)
    : rate.maxMacPayloadBytes;
}

/** Whether the device may send at a data rate. */
export function mayUse(
  settings: Pick<RadioSettings, 'region' | 'uplinkDwellTime'>,
  dataRateIndex: number,
): boolean {
  return maxMacPayloadBytes(settings, dataRateIndex) > 0;
}

function usableDataRates(settings: RadioSettings): readonly number[] {
  const enabled = settings.channels.filter((channel) => channel.enabled);
  return [...settings.region.dataRates.keys()].filter(
    (index) => mayUse(settings, index) && enabled.some((channel) => channelAllows(channel, index)),
  );
}

/** The highest uplink data rate not above `wanted` that an enabled channel allows; the lowest one if there is none. */
export function usableDataRate(settings: RadioSettings, wanted: number): number {
  const rates = usableDataRates(settings);
  const below = rates.filter((index) => index <= wanted);
  return below.length > 0 ? Math.max(...below) : Math.min(...rates);
}

/** The slowest data rate the device can send at now. */
export function slowestDataRate(settings: RadioSettings): number {
  return Math.min(...usableDataRates(settings));
}
