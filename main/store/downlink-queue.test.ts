import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationDownlinkSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createStore, type Store } from './store.ts';
import { sampleDevice } from './testing/samples.ts';

const [ONE, OTHER] = [Uint8Array.of(1), Uint8Array.of(2)];
let store: Store;
beforeEach(async () => {
  store = await createStore({
    directory: ':memory:',
    clock: systemClock(),
    logger: silentLogger(),
  });
});
afterEach(() => store.close());

const item = () => create(ApplicationDownlinkSchema, { fPort: 1 });
const device = (id: string, number: number) =>
  store.unit(() => store.networkDevices.put(sampleDevice(id, number)));

test('entries are counted by session', async () => {
  const row = await device('door', 1);
  await store.unit(() => {
    store.downlinkQueue.push(row, ONE, [item(), item()]);
    store.downlinkQueue.push(row, OTHER, [item()]);
  });
  const { count } = store.downlinkQueue;
  expect([count(row, ONE), count(row, OTHER), count(row, Uint8Array.of(3))]).toEqual([2, 1, 0]);
});

test('devices that have entries come page by page, each once', async () => {
  const rows: number[] = [];
  for (let number = 1; number <= 7; number += 1) rows.push(await device(`door-${number}`, number));
  const waiting = rows.filter((_, index) => index !== 3);
  await store.unit(() => {
    for (const row of waiting) store.downlinkQueue.push(row, ONE, [item(), item()]);
  });
  const pages: number[][] = [];
  for (let last = 0; ; last = pages.at(-1)?.at(-1) ?? 0) {
    const page = store.downlinkQueue.devices(last, 4);
    if (page.length === 0) break;
    pages.push(page);
  }
  expect(pages).toEqual([waiting.slice(0, 4), waiting.slice(4)]);
});
