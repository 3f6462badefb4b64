import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { createStore, type Store, type StoredSessionKeys } from './index.ts';
import { keyOf, sampleDevice } from './testing/samples.ts';

let store: Store;
beforeEach(async () => {
  store = await createStore({
    directory: ':memory:',
    clock: virtualClock(),
    logger: silentLogger(),
  });
});
afterEach(() => store.close());

const keysOf = (byte: number): StoredSessionKeys => ({
  fNwkSIntKey: keyOf(byte),
  sNwkSIntKey: keyOf(byte + 1),
  nwkSEncKey: keyOf(byte + 2),
  appSKey: keyOf(byte + 3),
});
const idOf = (number: number): Uint8Array => Uint8Array.of(0, number);

test('the newest sessions of each device are kept, and go with it', async () => {
  const [door, window] = await store.unit(() =>
    ['door', 'window'].map((name, index) => store.joinDevices.put(sampleDevice(name, index))),
  );
  if (!door || !window) throw new Error('no rows');
  await store.unit(() => store.sessionKeys.put(window, idOf(0), keysOf(0x77), 10));
  for (let number = 0; number < 12; number += 1)
    await store.unit(() => store.sessionKeys.put(door, idOf(number), keysOf(number), 10));

  const kept = Array.from({ length: 12 }, (_, number) => store.sessionKeys.get(door, idOf(number)));
  expect(kept.slice(0, 2)).toEqual([undefined, undefined]);
  expect(kept.slice(2)).toEqual(Array.from({ length: 10 }, (_, index) => keysOf(index + 2)));
  expect(store.sessionKeys.get(window, idOf(0))).toEqual(keysOf(0x77));

  await store.unit(() => store.joinDevices.delete(door));
  expect(store.sessionKeys.get(door, idOf(11))).toBeUndefined();
});
