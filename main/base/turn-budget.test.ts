import { expect, test } from 'vitest';
import { createTurnBudget } from './turn-budget.ts';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a turn does what fits into it, the next ones do the rest in order', async () => {
  let nowMs = 0;
  const done: number[] = [];
  const budget = createTurnBudget<number>({ monotonic: () => nowMs }, 5, (piece) => {
    done.push(piece);
    nowMs += 2;
  });
  for (const piece of [1, 2, 3, 4, 5, 6, 7]) budget.add(piece);
  expect(done).toEqual([1, 2, 3]);
  await nextTurn();
  expect(done).toEqual([1, 2, 3, 4, 5, 6]);
  budget.add(8);
  await nextTurn();
  await nextTurn();
  expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('work that takes no time is done at once', () => {
  const done: number[] = [];
  const budget = createTurnBudget<number>({ monotonic: () => 0 }, 5, (piece) => done.push(piece));
  for (let piece = 0; piece < 1_000; piece += 1) budget.add(piece);
  expect(done).toHaveLength(1_000);
});
