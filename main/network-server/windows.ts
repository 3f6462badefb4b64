import type { MACParameters } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { WindowSettings } from '../base/seams.ts';
import {
  type Band,
  dataRate,
  maxMacPayload,
  rx1ChannelIndex,
  rx1DataRateIndex,
} from '../lorawan/index.ts';
import type { DeviceProfile } from './device-profile.ts';

type PlanAndBand = Pick<DeviceProfile, 'band' | 'plan'>;

/** MHDR and MIC. */
const FRAME_OVERHEAD_BYTES = 5;
const RX2_AFTER_RX1_MS = 1_000;

/** Where a device listens after an uplink. */
export interface UplinkPlace {
  readonly channelIndex: number;
  readonly dataRateIndex: number;
}

/** RxDelay 0 means 1 s as well (TS001-1.0.4 §5.7). */
export function rx1DelayMs(parameters: MACParameters): number {
  return Math.max(parameters.rx1Delay, 1) * 1000;
}

function windowAt(
  band: Band,
  window: WindowSettings['window'],
  delayMs: number,
  frequencyHz: number | undefined,
  index: number | undefined,
  short: boolean,
): WindowSettings[] {
  const modulation = index === undefined ? undefined : dataRate(band, index);
  const maxBytes = index === undefined ? undefined : maxMacPayload(band, index, short);
  if (!frequencyHz || !modulation || maxBytes === undefined) return [];
  const maxPhyPayloadBytes = maxBytes + FRAME_OVERHEAD_BYTES;
  return [{ window, delayMs, frequencyHz, modulation, maxPhyPayloadBytes }];
}

/** Whether the uplink dwell time limit is in force: what the device was told, else what the band or the plan says. */
export function uplinkDwellTime({ band, plan }: PlanAndBand, parameters: MACParameters): boolean {
  return (
    parameters.uplinkDwellTime?.value ??
    band.bootDwellTime.uplink ??
    plan.dwellTime?.uplinks ??
    false
  );
}

/**
 * Whether the downlink dwell time limit is in force: what the device was told, else what the band or the plan says, else
 * the limit, which is always safe to keep.
 */
function downlinkDwellTime({ band, plan }: PlanAndBand, parameters: MACParameters): boolean {
  return (
    parameters.downlinkDwellTime?.value ??
    band.bootDwellTime.downlink ??
    plan.dwellTime?.downlinks ??
    true
  );
}

/** Whether a downlink may last 400 ms only: because the device thinks so, or because the plan has it so for gateways. */
function isShort({ plan }: PlanAndBand, deviceDwellTime: boolean): boolean {
  return deviceDwellTime || plan.dwellTime?.downlinks === true;
}

/** Where a class C device listens all the time: in RX2 parameters (TS001-1.0.4 §17). */
export function classCWindow(
  profile: PlanAndBand,
  parameters: MACParameters,
): Omit<WindowSettings, 'delayMs'> | undefined {
  const { rx2Frequency, rx2DataRateIndex } = parameters;
  const short = isShort(profile, downlinkDwellTime(profile, parameters));
  const frequencyHz = Number(rx2Frequency);
  return windowAt(profile.band, 'immediate', 0, frequencyHz, rx2DataRateIndex, short)[0];
}

/**
 * The windows for data. Where the data rate of RX1 depends on a dwell time nobody told the device, RX2 is used: it is the
 * same either way.
 */
export function dataWindows(
  profile: PlanAndBand,
  parameters: MACParameters,
  uplink: UplinkPlace,
): readonly WindowSettings[] {
  const { band } = profile;
  const windows = receiveWindows(profile, parameters, uplink, rx1DelayMs(parameters));
  const isKnown =
    (parameters.downlinkDwellTime?.value ?? band.bootDwellTime.downlink) !== undefined;
  const [without, within] = [false, true].map((dwellTime) =>
    rx1DataRateIndex(band, uplink.dataRateIndex, parameters.rx1DataRateOffset, dwellTime),
  );
  if (isKnown || without === within) return windows;
  const safe = windows.filter(({ window }) => window === 'RX2');
  return safe.length > 0 ? safe : windows;
}

/** RX1 and RX2 of a device after an uplink, as far as the band knows them. */
export function receiveWindows(
  profile: PlanAndBand,
  parameters: MACParameters,
  uplink: UplinkPlace,
  delay1Ms: number,
): readonly WindowSettings[] {
  const { band } = profile;
  const dwellTime = downlinkDwellTime(profile, parameters);
  const short = isShort(profile, dwellTime);
  const channel = parameters.channels[uplink.channelIndex];
  const regular = band.downlinkChannels[rx1ChannelIndex(band, uplink.channelIndex)];
  const rx1Hz = Number(channel?.downlinkFrequency ?? 0n) || regular?.frequencyHz;
  const rx1Index = rx1DataRateIndex(
    band,
    uplink.dataRateIndex,
    parameters.rx1DataRateOffset,
    dwellTime,
  );
  return [
    ...windowAt(band, 'RX1', delay1Ms, rx1Hz, rx1Index, short),
    ...windowAt(
      band,
      'RX2',
      delay1Ms + RX2_AFTER_RX1_MS,
      Number(parameters.rx2Frequency),
      parameters.rx2DataRateIndex,
      short,
    ),
  ];
}
