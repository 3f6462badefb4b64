import type { Frame } from '../../../main/api/gen/gatehouse/v1/frames_pb.js';
import type { EndDeviceIdentifiers } from '../../../main/api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { frameMatches } from '../../formats/frame-words.ts';

/** The device whose frames are shown; everything if undefined. */
export interface FrameScope {
  readonly applicationId: string;
  readonly deviceId: string;
}

/** The scope as a request for frames has it. */
export function scopeRequest(scope: FrameScope | undefined) {
  if (scope === undefined) return {};
  const { applicationId, deviceId } = scope;
  return { endDeviceIds: { deviceId, applicationIds: { applicationId } } };
}

function inScope(ids: EndDeviceIdentifiers | undefined, scope: FrameScope): boolean {
  return (
    ids?.deviceId === scope.deviceId && ids.applicationIds?.applicationId === scope.applicationId
  );
}

/** Frames of the ring that are to be shown, newest first. */
export function visibleFrames(
  ring: readonly Frame[],
  filter: string,
  scope: FrameScope | undefined,
): readonly Frame[] {
  const result: Frame[] = [];
  for (let index = ring.length - 1; index >= 0; index -= 1) {
    const frame = ring[index];
    if (frame === undefined) continue;
    if (scope !== undefined && !inScope(frame.endDeviceIds, scope)) continue;
    if (frameMatches(frame, filter)) result.push(frame);
  }
  return result;
}

/** Newest first: what the ring shows, then what was loaded below it, nothing twice. */
export function joinOlder(
  shown: readonly Frame[],
  ring: readonly Frame[],
  older: readonly Frame[],
): readonly Frame[] {
  const oldestInRing = ring[0]?.id;
  if (older.length === 0) return shown;
  if (oldestInRing === undefined) return older;
  return [...shown, ...older.filter((frame) => frame.id < oldestInRing)];
}

/** Frames newer than the ones a paused view shows. */
export function waitingCount(
  ring: readonly Frame[],
  newestShownId: bigint,
  filter: string,
  scope: FrameScope | undefined,
): number {
  let count = 0;
  for (let index = ring.length - 1; index >= 0; index -= 1) {
    const frame = ring[index];
    if (frame === undefined || frame.id <= newestShownId) break;
    if (scope !== undefined && !inScope(frame.endDeviceIds, scope)) continue;
    if (frameMatches(frame, filter)) count += 1;
  }
  return count;
}

/** Frames that fell out of the ring's old end between two of its states, ascending by id. */
export function droppedFrames(before: readonly Frame[], after: readonly Frame[]): readonly Frame[] {
  const oldest = after[0]?.id;
  if (oldest === undefined) return [];
  const kept = before.findIndex((frame) => frame.id >= oldest);
  return kept === -1 ? before : before.slice(0, kept);
}
