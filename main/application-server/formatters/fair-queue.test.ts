import { expect, it } from 'vitest';
import { createFairQueue } from './fair-queue.ts';

it('lets owners take turns', () => {
  const queue = createFairQueue<string>({ total: 10, perOwner: 10 });
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.push(item.charAt(0), item);
  const order = Array.from({ length: 7 }, () => queue.shift());
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined]);
  expect(queue.size).toBe(0);
});

it('is bounded in total and per owner', () => {
  const queue = createFairQueue<number>({ total: 3, perOwner: 2 });
  expect([queue.push('a', 1), queue.push('a', 2), queue.push('a', 3)]).toEqual([true, true, false]);
  expect([queue.push('b', 4), queue.push('c', 5)]).toEqual([true, false]);
  expect(queue.drain()).toEqual([1, 2, 4]);
  expect([queue.size, queue.push('c', 5)]).toEqual([0, true]);
});
