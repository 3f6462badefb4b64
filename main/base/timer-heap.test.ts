import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTimerHeap, type PendingTimer } from './timer-heap.ts';

const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('add'), value: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel'), value: fc.nat(500) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take'), value: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('postpone'), value: fc.nat(10) }) },
);

/** Does the actions with a heap and with a list that is sorted anew each time; answers what each of them gave. */
function compare(actions: readonly { kind: string; value: number }[]): [number[], number[]] {
  const heap = createTimerHeap();
  const given: PendingTimer[] = [];
  let list: PendingTimer[] = [];
  const fired: number[] = [];
  const expected: number[] = [];
  for (const { kind, value } of actions) {
    if (kind === 'add') {
      const order = given.length;
      const timer: PendingTimer = { dueMs: value, order, run: () => fired.push(order) };
      heap.add(timer);
      given.push(timer);
      list.push(timer);
    } else if (kind === 'cancel') {
      const timer = given[value % Math.max(1, given.length)];
      if (timer) heap.cancel(timer);
      list = list.filter((one) => one !== timer);
    } else if (kind === 'postpone') {
      heap.postpone(value);
    } else {
      const due = list
        .filter(({ dueMs }) => dueMs <= value)
        .sort((left, right) => left.dueMs - right.dueMs || left.order - right.order);
      list = list.filter((one) => !due.includes(one));
      expected.push(...due.map(({ order }) => order));
      for (let timer = heap.take(value); timer; timer = heap.take(value)) timer.run();
    }
    expected.push(list.length);
    fired.push(heap.size);
  }
  return [fired, expected];
}

test('timers fire by due time, then in the order of their creation, whatever is cancelled or postponed between', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 20, maxLength: 600, size: 'max' }), (actions) => {
      const [fired, expected] = compare(actions);
      expect(fired).toEqual(expected);
    }),
    { numRuns: 200, seed: 1 },
  );
});
