import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Frame } from '../api/gen/gatehouse/v1/frames_pb.js';
import type { FrameStore } from '../store/index.ts';
import { type RecordedUp, recordedUp } from './recorded-ups.ts';

/** Which messages to applications are wanted. Times are those of reception. */
export interface RecordedUpQuery {
  readonly applicationId: string;
  /** All devices of the application if absent. */
  readonly deviceId?: string;
  /** One type; all if empty. */
  readonly type: string;
  readonly fPort?: number;
  readonly afterMs?: number;
  readonly beforeMs?: number;
  readonly descending: boolean;
  /** The frame of the last message that was read before; the search goes on behind it. */
  readonly fromFrameId?: number;
}

/** A found message and the frame it was made of. */
export interface FoundUp {
  readonly frameId: number;
  readonly up: RecordedUp;
}

type Frames = Pick<FrameStore, 'list'>;

const PAGE = 500;
/**
 * Frames are numbered when they are decided, a few seconds after they were heard, so that their times are in order but for
 * so much.
 */
const DISORDER_MS = 60_000;
/** A range of so many frames is read rather than halved once more. */
const NARROW = 256;

const timeOf = (frame: Frame): number => (frame.time ? timestampMs(frame.time) : 0);

/** Frames up to `low` are older than a time, those behind `high` are not. */
async function placeOf(frames: Frames, ms: number): Promise<{ low: number; high: number }> {
  const newest = (await frames.list({ limit: 1 })).frames[0];
  let low = 0;
  let high = Number(newest?.id ?? 0n);
  while (high - low > NARROW) {
    const middle = Math.floor((low + high) / 2);
    const [probe] = (await frames.list({ afterId: middle, limit: 1 })).frames;
    if (!probe || Number(probe.id) > high || timeOf(probe) >= ms) high = middle;
    else low = Number(probe.id);
  }
  return { low, high };
}

/** Where a search begins: above or below an id. */
async function startOf(frames: Frames, query: RecordedUpQuery) {
  const { afterMs, beforeMs, descending, fromFrameId } = query;
  if (fromFrameId !== undefined)
    return descending ? { beforeId: fromFrameId } : { afterId: fromFrameId };
  if (!descending) {
    const afterId = afterMs === undefined ? 0 : (await placeOf(frames, afterMs - DISORDER_MS)).low;
    return { afterId };
  }
  if (beforeMs === undefined) return {};
  return { beforeId: (await placeOf(frames, beforeMs + DISORDER_MS)).high + 1 };
}

/** Whether no frame behind this one can be wanted. */
function isPast({ afterMs, beforeMs, descending }: RecordedUpQuery, ms: number): boolean {
  return descending
    ? afterMs !== undefined && ms <= afterMs - DISORDER_MS
    : beforeMs !== undefined && ms >= beforeMs + DISORDER_MS;
}

function isWanted(query: RecordedUpQuery, ms: number, up: RecordedUp): boolean {
  const { type, fPort, afterMs, beforeMs } = query;
  return (
    (type === '' || up.type === type) &&
    (fPort === undefined || (up.type === 'uplink_message' && up.fPort === fPort)) &&
    (afterMs === undefined || ms > afterMs) &&
    (beforeMs === undefined || ms < beforeMs)
  );
}

/** Finds messages in the recorded frames, in order of reception, a page of frames at a time. */
export async function* searchRecordedUps(
  frames: Frames,
  query: RecordedUpQuery,
): AsyncGenerator<FoundUp> {
  const { applicationId, deviceId } = query;
  let position: { beforeId?: number; afterId?: number } = await startOf(frames, query);
  for (;;) {
    const device = deviceId === undefined ? {} : { deviceId };
    const page = await frames.list({ applicationId, ...device, ...position, limit: PAGE });
    for (const frame of page.frames) {
      const ms = timeOf(frame);
      if (isPast(query, ms)) return;
      const up = recordedUp(frame);
      if (up && isWanted(query, ms, up)) yield { frameId: Number(frame.id), up };
    }
    const reached = page.stoppedAtId ?? Number(page.frames.at(-1)?.id ?? 0n);
    if (!page.more || reached === 0) return;
    position = query.descending ? { beforeId: reached } : { afterId: reached };
  }
}
