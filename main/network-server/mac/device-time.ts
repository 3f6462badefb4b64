import type { UplinkMacContext } from './context.ts';

/** GPS time began on 1980-01-06 and does not count leap seconds, of which there have been 18. */
export const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
export const LEAP_SECONDS_MS = 18_000;

/** DeviceTimeReq: GPS time at the end of the uplink, in steps of 1/256 s (LoRaWAN 1.1 §5.12). */
export function handleDeviceTimeReq(context: UplinkMacContext): void {
  context.report('device_time.request');
  const gpsSeconds = Math.floor(context.gpsTimeMs / 1000);
  const fraction = Math.floor(((context.gpsTimeMs - gpsSeconds * 1000) * 256) / 1000);
  const answer = { name: 'DeviceTimeAns', fields: { gpsSeconds, fraction } } as const;
  context.answer(answer);
  context.report('device_time.answer', answer);
}
