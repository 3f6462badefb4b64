import type { Frame } from '../../main/api/gen/gatehouse/v1/frames_pb.js';

/** Frames kept in the page; everything else is asked for. */
export const RING_CAPACITY = 5_000;

export interface RingMerge {
  /** Ascending by id. */
  readonly frames: readonly Frame[];
  /** Frames that were not there before. */
  readonly added: number;
}

function isAscending(frames: readonly Frame[], afterId: bigint): boolean {
  let previous = afterId;
  for (const frame of frames) {
    if (frame.id <= previous) return false;
    previous = frame.id;
  }
  return true;
}

/**
 * Puts frames into the ring: new ones in their place, changed ones (a downlink that was acknowledged) over their older
 * form. What exceeds the capacity goes from the old end.
 */
export function mergeFrames(
  ring: readonly Frame[],
  incoming: readonly Frame[],
  capacity = RING_CAPACITY,
): RingMerge {
  if (incoming.length === 0) return { frames: ring, added: 0 };
  const newest = ring.at(-1)?.id ?? -1n;
  if (isAscending(incoming, newest)) {
    return { frames: [...ring, ...incoming].slice(-capacity), added: incoming.length };
  }
  const byId = new Map(ring.map((frame) => [frame.id, frame]));
  let added = 0;
  for (const frame of incoming) {
    if (!byId.has(frame.id)) added += 1;
    byId.set(frame.id, frame);
  }
  const frames = [...byId.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
  return { frames: frames.slice(-capacity), added };
}
