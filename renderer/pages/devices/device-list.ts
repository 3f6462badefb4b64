import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
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

/** The longest text a search takes. */
const LONGEST_QUERY = 50;
/** Bytes as they stand on labels and in other tools. */
const SEPARATED_BYTES = /^[0-9a-f]{2}(?:[\s:.-][0-9a-f]{2})+[\s:.-]?$/i;

/** What to look for when this was typed; separators in EUIs do not count. */
export function searchQuery(typed: string): string {
  const text = typed.trim();
  const query = SEPARATED_BYTES.test(text) ? text.replace(/[\s:.-]/g, '') : text;
  return query.slice(0, LONGEST_QUERY);
}
