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
