import { create } from '@bufbuild/protobuf';
import {
  type Frame,
  Frames,
  GetFrameResponseSchema,
  ListFramesResponseSchema,
  StreamFramesResponseSchema,
} from '../../api/gen/gatehouse/v1/frames_pb.js';
import type { Clock } from '../../base/clock.ts';
import { defineError } from '../../base/errors.ts';
import { dissect } from '../../inspector/dissect.ts';
import type { FrameStore } from '../../store/index.ts';
import type { Call } from '../call.ts';
import { type Served, serve } from '../router.ts';

const frameNotFound = defineError(
  'gatehouse/frames:not_found',
  'NOT_FOUND',
  'There is no frame {id}. It may have been removed to make room for newer ones.',
);

/** Frames of a page unless the caller says otherwise. */
const PAGE = 100;
/** Frames that may wait for a slow reader of the stream. */
const STREAM_CAPACITY = 2_000;
/** Frames are gathered for this long before they are sent. */
const GATHER_MS = 16;

export interface FrameServiceOptions {
  readonly frames: FrameStore;
  readonly clock: Clock;
}

async function* stream(
  { frames, clock }: FrameServiceOptions,
  afterId: bigint | undefined,
  filter: string,
  call: Call,
) {
  let waiting: Frame[] = [];
  let skipped = 0n;
  let wake: (() => void) | undefined;
  const stop = frames.onFrame((frame) => {
    if (filter !== '' && !matches(frame, filter)) return;
    waiting.push(frame);
    if (waiting.length > STREAM_CAPACITY) {
      waiting.shift();
      skipped += 1n;
    }
    wake?.();
  });
  const onAbort = (): void => wake?.();
  call.signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (afterId !== undefined) {
      const recorded = await frames.list({
        afterId: Number(afterId),
        limit: STREAM_CAPACITY,
        filter,
      });
      yield create(StreamFramesResponseSchema, { frames: recorded.frames });
    }
    while (!call.signal.aborted) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        await clock.sleep(GATHER_MS);
        continue;
      }
      const batch = create(StreamFramesResponseSchema, { frames: waiting, skipped });
      waiting = [];
      skipped = 0n;
      yield batch;
    }
  } finally {
    stop();
  }
}

/** The same text search as in recorded frames, on one frame. */
function matches(frame: Frame, filter: string): boolean {
  const text = [
    frame.endDeviceIds?.deviceId ?? '',
    Buffer.from(frame.devAddr).toString('hex'),
    Buffer.from(frame.devEui).toString('hex'),
    frame.fType,
    frame.verdict?.cause ?? '',
    ...frame.receptions.map((one) => one.gatewayId),
  ];
  return text.join(' ').toLowerCase().includes(filter.toLowerCase());
}

/** Recorded frames: pages, one explained, and a stream. */
export function frameService(options: FrameServiceOptions): Served {
  const { frames } = options;
  return serve(Frames, {
    async list({ beforeId, limit, filter, endDeviceIds }) {
      const found = await frames.list({
        limit: limit || PAGE,
        ...(beforeId > 0n && { beforeId: Number(beforeId) }),
        ...(filter !== '' && { filter }),
        ...(endDeviceIds && {
          applicationId: endDeviceIds.applicationIds?.applicationId ?? '',
          deviceId: endDeviceIds.deviceId,
        }),
      });
      return create(ListFramesResponseSchema, {
        frames: found.frames,
        total: BigInt(found.total),
        more: found.more,
      });
    },
    get({ id }) {
      const frame = frames.get(Number(id));
      if (!frame) throw frameNotFound({ id: String(id) });
      return create(GetFrameResponseSchema, { frame, dissection: dissect(frame) });
    },
    stream: ({ afterId, filter }, call) => stream(options, afterId, filter, call),
  });
}
