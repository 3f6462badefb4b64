import { expect, test } from 'vitest';
import { type DaysResult, playDays } from './play-days.ts';

const OPTIONS = { devices: 12, days: 1, seed: 5, planId: 'EU_863_870' };

/** What became of the frames, without how long it took. */
async function outcome(options: typeof OPTIONS): Promise<Omit<DaysResult, 'runMs' | 'setUpMs'>> {
  const { runMs: _run, setUpMs: _setUp, ...result } = await playDays(options);
  return result;
}

test('a day of twelve devices joins all of them, delivers their uplinks, and is the same for the same seed', async () => {
  const first = await outcome(OPTIONS);
  expect(first.joined).toBe(12);
  // 24 a day each, less what falls before the device is switched on.
  expect(first.uplinks).toBeGreaterThanOrEqual(12 * 22);
  expect(first.uplinks).toBeLessThanOrEqual(12 * 26);
  expect(first.delivered).toBeGreaterThan(0.97 * first.uplinks);
  expect(first.delivered).toBeLessThanOrEqual(first.uplinks);
  expect(await outcome(OPTIONS)).toEqual(first);
  expect(await outcome({ ...OPTIONS, seed: 6 })).not.toEqual(first);
});
