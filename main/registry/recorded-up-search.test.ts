import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Direction, FrameSchema } from '../api/gen/gatehouse/v1/frames_pb.js';
import { OUTCOME } from '../base/causes.ts';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { createStore, type FrameStore, type Store } from '../store/index.ts';
import { type FoundUp, type RecordedUpQuery, searchRecordedUps } from './recorded-up-search.ts';

const START_MS = Date.UTC(2026, 0, 1);
const STEP_MS = 10_000;
const COUNT = 6_000;
let store: Store;

const timeMs = (number: number): number => START_MS + number * STEP_MS;

function add(
  number: number,
  frame: { readonly fType: string; readonly direction?: Direction },
  outcome: number,
): void {
  const deviceId = number % 3 === 0 ? 'rare' : 'usual';
  store.frames.addFrame(
    create(FrameSchema, {
      direction: Direction.UPLINK,
      time: timestampFromMs(timeMs(number)),
      endDeviceIds: { deviceId, applicationIds: { applicationId: 'lab' } },
      fPort: (number % 2) + 1,
      fullFCnt: number,
      verdict: { outcome },
      ...frame,
    }),
    [],
  );
}

/** An uplink every ten seconds; between them what no application was told of, and a join every thousand. */
beforeAll(async () => {
  store = await createStore({
    directory: ':memory:',
    clock: virtualClock(),
    logger: silentLogger(),
  });
  for (let number = 1; number <= COUNT; number += 1) {
    add(number, { fType: 'UNCONFIRMED_UP' }, OUTCOME.ACCEPTED);
    if (number % 500 === 1) add(number, { fType: 'UNCONFIRMED_UP' }, OUTCOME.DUPLICATE);
    if (number % 500 === 2) add(number, { fType: 'UNCONFIRMED_UP' }, OUTCOME.DROPPED);
    const down = { direction: Direction.DOWNLINK, fType: 'JOIN_ACCEPT' };
    if (number % 1_000 === 0) add(number, down, OUTCOME.TRANSMITTED);
    if (number % 1_000 === 1) add(number, down, OUTCOME.FAILED);
  }
  await store.frames.flush();
});
afterAll(() => store.close());

async function search(query: Partial<RecordedUpQuery>) {
  let read = 0;
  const frames: Pick<FrameStore, 'list'> = {
    async list(request) {
      const answer = await store.frames.list(request);
      read += answer.frames.length;
      return answer;
    },
  };
  const all = { applicationId: 'lab', type: '', descending: false, ...query };
  const found: FoundUp[] = [];
  for await (const one of searchRecordedUps(frames, all)) found.push(one);
  const numbers = found.map(({ up }) => {
    const { up: message } = up.message();
    return message.case === 'uplinkMessage' ? message.value.fCnt : message.case;
  });
  return { found, numbers, read };
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('every accepted uplink is found once, in either order, and nothing else', async () => {
  const type = 'uplink_message';
  expect((await search({ type })).numbers).toEqual(range(1, COUNT));
  const backwards = await search({ type, descending: true });
  expect(backwards.numbers).toEqual(range(1, COUNT).reverse());
});

test('joins that reached a gateway are found', async () => {
  expect((await search({ type: 'join_accept' })).numbers).toEqual(Array(6).fill('joinAccept'));
  expect((await search({ type: 'join_accept', fPort: 1 })).numbers).toEqual([]);
});

test('a device and a port narrow the answer', async () => {
  const { numbers } = await search({ type: 'uplink_message', deviceId: 'rare', fPort: 2 });
  expect(numbers).toEqual(range(1, COUNT).filter((number) => number % 6 === 3));
  expect((await search({ applicationId: 'other' })).numbers).toEqual([]);
});

test.each([false, true])(
  'a range of times is exact without reading all frames (backwards: %s)',
  async (descending) => {
    const bounds = { afterMs: timeMs(3_000), beforeMs: timeMs(3_101) };
    const { numbers, read } = await search({ type: 'uplink_message', descending, ...bounds });
    const wanted = range(3_001, 3_100);
    expect(numbers).toEqual(descending ? wanted.reverse() : wanted);
    expect(read).toBeLessThan(1_100);
  },
);

test('a search goes on behind the frame it ended at', async () => {
  const { found } = await search({ type: 'uplink_message' });
  const fromFrameId = found[3_999]?.frameId ?? 0;
  expect((await search({ type: 'uplink_message', fromFrameId })).numbers).toEqual(
    range(4_001, COUNT),
  );
});
