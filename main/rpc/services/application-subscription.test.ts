import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ApplicationUpSchema } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { createLogger } from '../../base/logger.ts';
import { virtualClock } from '../../base/virtual-clock.ts';
import { createEventBus } from '../../events/index.ts';
import type { Call } from '../call.ts';
import { subscribeToApplication } from './application-subscription.ts';

function setUp() {
  const events = createEventBus({ clock: virtualClock() });
  const log: string[] = [];
  const logger = createLogger('info', { write: (line) => void log.push(line) });
  const published = events.subscribe({
    entities: [{ kind: 'application', applicationId: 'shop' }],
  });
  const open = () => {
    const controller = new AbortController();
    const call: Call = {
      caller: { kind: 'desktop' },
      signal: controller.signal,
      setTotalCount: () => undefined,
      setContinuationToken: () => undefined,
      warn: () => undefined,
    };
    const stream = subscribeToApplication('shop', call, { events, logger });
    return { stream, first: stream.next(), abort: () => controller.abort() };
  };
  const forward = (fCnt: number, applicationId = 'shop', name = 'as.up.data.forward') =>
    events.publish({
      name,
      identifiers: [{ kind: 'device', applicationId, deviceId: 'door-7' }],
      data: () => ({
        schema: ApplicationUpSchema,
        message: create(ApplicationUpSchema, { up: { case: 'uplinkMessage', value: { fCnt } } }),
      }),
    });
  return { events, log, open, forward, published };
}

async function counters(
  first: ReturnType<AsyncIterator<unknown>['next']>,
  stream: AsyncIterator<unknown>,
  count: number,
) {
  const found = [await first];
  while (found.length < count) found.push(await stream.next());
  return found.map(({ value }) => (value as { up: { value: { fCnt: number } } }).up.value.fCnt);
}

test('a subscriber gets what goes to its application, in order, and nothing else', async () => {
  const { forward, open, events } = setUp();
  const { stream, first } = open();
  forward(1);
  forward(2, 'garden');
  forward(3, 'shop', 'as.up.data.receive');
  events.publish({
    name: 'as.down.data.forward',
    identifiers: [{ kind: 'device', applicationId: 'shop', deviceId: 'door-7' }],
  });
  forward(4);
  expect(await counters(first, stream, 2)).toEqual([1, 4]);
});

test('a slow subscriber loses its oldest messages, which is logged; others lose none', async () => {
  const { forward, open, log } = setUp();
  const slow = open();
  const quick = open();
  forward(0);
  expect(await counters(quick.first, quick.stream, 1)).toEqual([0]);
  expect(await counters(slow.first, slow.stream, 1)).toEqual([0]);
  const got: number[] = [];
  for (let n = 1; n <= 200; n += 1) {
    const next = quick.stream.next();
    forward(n);
    got.push(...(await counters(next, quick.stream, 1)));
  }
  expect(got).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  const kept = await counters(slow.stream.next(), slow.stream, 128);
  expect([kept[0], kept.at(-1)]).toEqual([73, 200]);
  expect(log.filter((line) => line.includes('"skipped":72'))).toHaveLength(1);
});

test('who leaves is forgotten, and both are told', async () => {
  const { open, events, published } = setUp();
  const before = events.subscriberCount;
  const { first, abort } = open();
  expect(events.subscriberCount).toBe(before + 1);
  abort();
  expect((await first).done).toBe(true);
  expect(events.subscriberCount).toBe(before);
  expect((await published.next())?.events.map(({ name }) => name)).toEqual([
    'as.application.subscribe',
    'as.application.unsubscribe',
  ]);
});
