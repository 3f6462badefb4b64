import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import type { EndDevice } from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { toHex } from '../../formats/bytes.ts';
import { isUplink } from '../../formats/frame-words.ts';
import { timestampMs } from '../../formats/time.ts';

/** Time of the newest uplink by `application/device`, from the frames on screen. */
export function lastSeenByDevice(frames: readonly Frame[]): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  for (const frame of frames) {
    const ids = frame.endDeviceIds;
    const ms = timestampMs(frame.time);
    if (ids === undefined || ms === undefined || !isUplink(frame)) continue;
    seen.set(`${ids.applicationIds?.applicationId}/${ids.deviceId}`, ms);
  }
  return seen;
}

/** Whether the text occurs in id, name or EUIs; separators in EUIs do not count. */
export function deviceMatches(device: EndDevice, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return true;
  const euis = [device.ids?.devEui, device.ids?.joinEui].map((eui) =>
    eui === undefined ? '' : toHex(eui).toLowerCase(),
  );
  const digits = wanted.replace(/[\s:.-]/g, '');
  return (
    (device.ids?.deviceId ?? '').includes(wanted) ||
    device.name.toLowerCase().includes(wanted) ||
    (digits !== '' && euis.some((eui) => eui.includes(digits)))
  );
}
