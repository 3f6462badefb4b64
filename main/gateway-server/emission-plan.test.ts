import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEmissionPlan, type Emission } from './emission-plan.ts';

const HOUR_MS = 3_600_000;
/** A sub-band of which a tenth may be used, that is 360 s per hour. */
const TENTH = { minFrequencyHz: 869_400_000, maxFrequencyHz: 869_650_000, dutyCycle: 0.1 };
const OPEN = { minFrequencyHz: 0, maxFrequencyHz: 1e9, dutyCycle: 1 };

function emission(atMs: number, seconds: number, subBand = TENTH): Emission {
  return {
    startTimestampUs: (atMs * 1000) % 2 ** 32,
    startMonotonicMs: atMs,
    durationUs: seconds * 1e6,
    frequencyHz: 869_525_000,
    subBand,
  };
}

test('a normal message may use 252 s of the hour of a 10 % sub-band, the highest all 360 s', () => {
  const plan = createEmissionPlan();
  for (let count = 0; count < 25; count += 1) plan.add(emission(count * 60_000, 10));
  const next = emission(26 * 60_000, 10);
  expect(plan.check(next, 3)?.cause).toBe('duty_cycle');
  expect(plan.check(next, 6)).toBeUndefined();
  expect(plan.check(emission(26 * 60_000, 2), 3)).toBeUndefined();
  expect(plan.utilization(TENTH, 26 * 60_000)).toBeCloseTo(250 / 3600);
});

test('air time is free again after an hour, and other sub-bands have their own', () => {
  const plan = createEmissionPlan();
  for (let count = 0; count < 36; count += 1) plan.add(emission(count * 60_000, 10));
  expect(plan.check(emission(36 * 60_000, 1), 6)?.cause).toBe('duty_cycle');
  expect(plan.check(emission(36 * 60_000, 1, OPEN), 0)).toBeUndefined();
  expect(plan.check(emission(HOUR_MS + 60_000, 9), 6)).toBeUndefined();
});

test('what is planned for later counts for what comes before it', () => {
  const plan = createEmissionPlan();
  for (let count = 0; count < 36; count += 1) plan.add(emission(60_000 + count * 60_000, 10));
  expect(plan.check(emission(0, 10), 6)?.cause).toBe('duty_cycle');
});

test('two transmissions keep 30 ms between them, also across the roll-over of the counter', () => {
  const plan = createEmissionPlan();
  const rollover = 2 ** 32 / 1000;
  plan.add(emission(rollover - 100, 0.09, OPEN));
  expect(plan.check(emission(rollover + 19, 0.05, OPEN), 6)?.cause).toBe('conflict');
  expect(plan.check(emission(rollover + 21, 0.05, OPEN), 6)).toBeUndefined();
  expect(plan.check(emission(rollover - 170, 0.05, OPEN), 6)?.cause).toBe('conflict');
});

test('one that was refused by the gateway leaves no trace', () => {
  const plan = createEmissionPlan();
  const refused = emission(0, 10);
  plan.add(refused);
  plan.remove(refused);
  expect(plan.check(emission(0, 10), 6)).toBeUndefined();
});

test('whatever the order in which emissions are planned, the first hour around each is counted', () => {
  const minutes = fc.integer({ min: 0, max: 180 });
  const seconds = fc.integer({ min: 1, max: 60 });
  const one = fc.tuple(minutes, seconds);
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), one, (planned, [atMinutes, forSeconds]) => {
      const plan = createEmissionPlan();
      const taken: [fromS: number, toS: number][] = [];
      for (const [minute, second] of planned) {
        const next = emission(minute * 60_000, second);
        if (plan.check(next, 6)) continue;
        plan.add(next);
        taken.push([minute * 60, minute * 60 + second]);
      }
      const [fromS, toS] = [atMinutes * 60, atMinutes * 60 + forSeconds];
      const isBusy = taken.some(([from, to]) => fromS < to + 0.03 && from < toS + 0.03);
      const usedFrom = (startS: number) =>
        taken.reduce((sum, [from, to]) => {
          const isInside = to > startS && from < startS + 3_600;
          return isInside ? sum + to - Math.max(from, startS) : sum;
        }, forSeconds);
      const usedS = Math.max(usedFrom(toS - 3_600), usedFrom(fromS));
      const expected = isBusy ? 'conflict' : usedS > 360 ? 'duty_cycle' : undefined;
      expect(plan.check(emission(fromS * 1_000, forSeconds), 6)?.cause).toBe(expected);
    }),
    { seed: 868, numRuns: 500 },
  );
});
