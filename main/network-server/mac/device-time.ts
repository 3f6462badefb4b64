import type { UplinkMacContext } from './context.ts';

/** DeviceTimeReq: GPS time at the end of the uplink, in steps of 1/256 s (LoRaWAN 1.1 §5.12). */
export function handleDeviceTimeReq(context: UplinkMacContext): void {
  context.report('device_time.request');
  const gpsSeconds = Math.floor(context.gpsTimeMs / 1000);
  const fraction = Math.floor(((context.gpsTimeMs - gpsSeconds * 1000) * 256) / 1000);
  context.answer({ name: 'DeviceTimeAns', fields: { gpsSeconds, fraction } });
  context.report('device_time.answer');
}
