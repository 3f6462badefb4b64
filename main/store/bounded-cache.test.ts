import { expect, test } from 'vitest';
import { type BoundedCache, createBoundedCache } from './bounded-cache.ts';

const { gc } = globalThis as { gc?: () => void };

/** Bytes that work leaves behind. */
function left(work: () => void): number {
  if (!gc) throw new Error('The tests have to run with --expose-gc.');
  gc();
  const before = process.memoryUsage().heapUsed;
  work();
  gc();
  return process.memoryUsage().heapUsed - before;
}

function filled(count: number): BoundedCache<number, string> {
  const cache = createBoundedCache<number, string>(1_000);
  for (let key = 0; key < count; key += 1) cache.set(key, `value ${key}`);
  return cache;
}

test('what was not used for longest is forgotten when the cache is full', () => {
  const cache = filled(1_000);
  cache.get(0);
  cache.set(1_000, 'new');
  expect(cache.size).toBe(1_000);
  expect([cache.get(0), cache.get(1), cache.get(1_000)]).toEqual(['value 0', undefined, 'new']);
  for (let key = 1_001; key < 5_000; key += 1) cache.set(key, 'later');
  expect(cache.size).toBe(1_000);
  expect([cache.get(0), cache.get(4_999)]).toEqual([undefined, 'later']);
});

test('what has to go is told, what is deleted or replaced is not', () => {
  const gone: [number, string][] = [];
  const cache = createBoundedCache<number, string>(2, (...entry) => void gone.push(entry));
  cache.set(1, 'a');
  cache.set(2, 'b');
  cache.set(1, 'c');
  cache.set(3, 'd');
  expect(gone).toEqual([[2, 'b']]);
  cache.delete(1);
  cache.clear();
  expect(gone).toHaveLength(1);
});

test('one that was emptied or thinned out goes on as a new one', () => {
  const cache = filled(1_500);
  cache.clear();
  for (let key = 0; key < 1_200; key += 1) cache.set(key, `again ${key}`);
  expect([cache.size, cache.get(199), cache.get(200)]).toEqual([1_000, undefined, 'again 200']);
  for (let key = 300; key < 1_200; key += 1) cache.delete(key);
  for (let key = 2_000; key < 2_950; key += 1) cache.set(key, 'more');
  // 200 was read last, so that 201 to 250 are the oldest of those left.
  expect([200, 201, 250, 251, 2_949].map(cache.get)).toEqual([
    'again 200',
    undefined,
    undefined,
    'again 251',
    'more',
  ]);
  expect(cache.size).toBe(1_000);
});

const MOST_LEFT = 2_000_000;

test.each([
  ['never full', 700],
  ['full once', 1_500],
])('reading for ever leaves nothing behind: %s', (_, count) => {
  const cache = filled(count);
  for (let key = 0; key < count - 700; key += 1) cache.delete(count - 1 - key);
  expect(
    left(() => {
      for (let round = 0; round < 1_000; round += 1)
        for (let key = 0; key < 1_000; key += 1) cache.get(key + (count > 1_000 ? 500 : 0));
    }),
  ).toBeLessThan(MOST_LEFT);
});

test('emptying for ever leaves nothing behind', () => {
  const cache = filled(1_500);
  expect(
    left(() => {
      for (let round = 0; round < 100_000; round += 1) {
        cache.set(round, 'x');
        cache.clear();
      }
    }),
  ).toBeLessThan(MOST_LEFT);
});
