import { expect, test } from 'vitest';
import { createCommitPace } from './commit-pace.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A pace whose commits report that they held `held` each. */
function paced() {
  const state = { commits: 0, held: 1 };
  const pace = createCommitPace({
    commit: () => {
      state.commits += 1;
      pace.committed(state.held);
    },
    crowdedAt: 3,
    sharedBy: 4,
  });
  return { state, pace };
}

test('what a turn asks for is committed once, at its end', async () => {
  const { state, pace } = paced();
  pace.request();
  pace.request();
  expect(state.commits).toBe(0);
  await turn();
  expect(state.commits).toBe(1);
  await turn();
  expect(state.commits).toBe(1);
});

test('after some large commits several turns share the next one; after a small one none waits', async () => {
  const { state, pace } = paced();
  state.held = 3;
  for (let commits = 1; commits <= 4; commits += 1) {
    pace.request();
    await turn();
    expect(state.commits).toBe(commits);
  }
  state.held = 2;
  pace.request();
  for (let turns = 1; turns < 4; turns += 1) {
    await turn();
    pace.request();
    expect(state.commits).toBe(4);
  }
  await turn();
  expect(state.commits).toBe(5);
  pace.request();
  await turn();
  expect(state.commits).toBe(6);
});

test('a commit that somebody else made is not made again', async () => {
  const { state, pace } = paced();
  pace.request();
  pace.committed(1);
  await turn();
  expect(state.commits).toBe(0);
});
