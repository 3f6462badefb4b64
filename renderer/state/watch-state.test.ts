import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { FrameSchema, Outcome } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { WatchUpdateSchema } from '../../main/api/gen/gatehouse/v1/workspace_pb.js';
import { backoffMs } from './backoff.ts';
import { mergeFrames } from './frame-ring.ts';
import { applyUpdates, EMPTY_WATCH_DATA, withRecordedFrames } from './watch-state.ts';

function frame(id: number, outcome = Outcome.ACCEPTED) {
  return create(FrameSchema, {
    id: BigInt(id),
    verdict: { outcome },
    receptions: [{ linkId: 'udp', receivedAt: { seconds: BigInt(id), nanos: 0 } }],
  });
}

function ids(frames: readonly { readonly id: bigint }[]): number[] {
  return frames.map(({ id }) => Number(id));
}

describe('mergeFrames', () => {
  it('appends, keeps the order and cuts the old end', () => {
    const merged = mergeFrames([frame(1), frame(2), frame(3)], [frame(4), frame(5)], 4);
    expect(ids(merged.frames)).toEqual([2, 3, 4, 5]);
    expect(merged.added).toBe(2);
  });

  it('replaces a frame that changed and places a late one', () => {
    const merged = mergeFrames(
      [frame(1), frame(3, Outcome.SCHEDULED)],
      [frame(3, Outcome.TRANSMITTED), frame(2)],
    );
    expect(ids(merged.frames)).toEqual([1, 2, 3]);
    expect(merged.frames.at(-1)?.verdict?.outcome).toBe(Outcome.TRANSMITTED);
    expect(merged.added).toBe(1);
  });

  it('leaves the ring untouched when nothing comes', () => {
    const ring = [frame(1)];
    expect(mergeFrames(ring, []).frames).toBe(ring);
  });
});

describe('applyUpdates', () => {
  it('merges history and stream without doubling and counts what is recorded', () => {
    const live = applyUpdates(EMPTY_WATCH_DATA, [
      create(WatchUpdateSchema, { frames: [frame(8), frame(9)] }),
    ]);
    const both = withRecordedFrames(live, [frame(9), frame(8), frame(7)], 120);
    expect(ids(both.frames)).toEqual([7, 8, 9]);
    expect(both.recordedCount).toBe(120);
    const later = applyUpdates(both, [
      create(WatchUpdateSchema, { frames: [frame(10)], skippedFrames: 4n }),
    ]);
    expect(later.recordedCount).toBe(125);
    expect(later.skippedFrames).toBe(4);
    expect(later.lastFrameMsByLink).toEqual({ udp: 10_000 });
  });

  it('takes a list only when the update says it holds one', () => {
    const full = applyUpdates(EMPTY_WATCH_DATA, [
      create(WatchUpdateSchema, { linksIncluded: true, links: [{ address: 'a' }] }),
      create(WatchUpdateSchema, {}),
    ]);
    expect(full.links).toHaveLength(1);
    const emptied = applyUpdates(full, [create(WatchUpdateSchema, { linksIncluded: true })]);
    expect(emptied.links).toEqual([]);
    expect(emptied.simulatedDevices).toBeUndefined();
  });

  it('remembers the first build', () => {
    const first = applyUpdates(EMPTY_WATCH_DATA, [
      create(WatchUpdateSchema, { workspace: { buildId: 'one' } }),
    ]);
    const second = applyUpdates(first, [
      create(WatchUpdateSchema, { workspace: { buildId: 'two' } }),
    ]);
    expect(second.firstBuildId).toBe('one');
    expect(second.workspace?.buildId).toBe('two');
  });
});

it('waits longer each time, but never too long', () => {
  expect([1, 2, 3, 20].map(backoffMs)).toEqual([500, 1000, 2000, 10_000]);
});
