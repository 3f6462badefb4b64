import type { EndDevice, MACSettings } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type Band,
  type FrequencyPlan,
  type MacVersion,
  parseMacVersion,
} from '../lorawan/index.ts';
import { bandOf } from './new-mac-state.ts';

/** What the registration of a device says about its radio and its counters. */
export interface DeviceProfile {
  readonly band: Band;
  readonly plan: FrequencyPlan;
  readonly macVersion: MacVersion;
  readonly supports32BitFCnt: boolean;
  readonly resetsFCnt: boolean;
}

/** Whether anything may be sent to the device at all, join-accepts included. */
export function schedulesDownlinks(settings: MACSettings | undefined): boolean {
  return settings?.scheduleDownlinks?.value ?? true;
}

/** The version as the LoRaWAN library names it. */
export function macVersionOf(version: MACVersion): MacVersion | undefined {
  return parseMacVersion(MACVersion[version] ?? '');
}

/** Reads a registration; undefined if its plan or versions are unknown or do not fit together. */
export function profileOf(device: EndDevice): DeviceProfile | undefined {
  const regional = bandOf(device);
  const macVersion = macVersionOf(device.lorawanVersion);
  if (!regional || !macVersion) return undefined;
  return {
    ...regional,
    macVersion,
    supports32BitFCnt: device.macSettings?.supports32BitFCnt?.value ?? true,
    resetsFCnt: device.macSettings?.resetsFCnt?.value ?? false,
  };
}
