import { expect, test } from 'vitest';
import { suspensionAwareMonotonic, systemClock } from './clock.ts';
import { virtualClock } from './virtual-clock.ts';

const HOUR_MS = 3_600_000;

/** A computer under the test's hand; its time since boot is given in whole seconds, as on some systems. */
function computer({ runsWhileSuspended }: { readonly runsWhileSuspended: boolean }) {
  let wallMs = Date.UTC(2026, 0, 1);
  let runningMs = 100;
  let bootMs = 5_000_400;
  return {
    sources: {
      wallMs: () => wallMs,
      runningMs: () => runningMs,
      sinceBootMs: () => Math.floor(bootMs / 1000) * 1000,
    },
    pass(ms: number) {
      wallMs += ms;
      runningMs += ms;
      bootMs += ms;
    },
    suspend(ms: number) {
      wallMs += ms;
      bootMs += ms;
      if (runsWhileSuspended) runningMs += ms;
    },
    setWallClock(ms: number) {
      wallMs += ms;
    },
  };
}

test.each([true, false])('time goes on over suspensions (running clock too: %s)', (runs) => {
  const machine = computer({ runsWhileSuspended: runs });
  const monotonic = suspensionAwareMonotonic(machine.sources);
  const startMs = monotonic();
  machine.pass(750);
  machine.suspend(HOUR_MS);
  expect(Math.abs(monotonic() - startMs - 750 - HOUR_MS)).toBeLessThanOrEqual(1_000);
  machine.pass(10_000);
  machine.suspend(2 * HOUR_MS);
  expect(Math.abs(monotonic() - startMs - 10_750 - 3 * HOUR_MS)).toBeLessThanOrEqual(2_000);
});

test('a wall clock that is set moves nothing', () => {
  const machine = computer({ runsWhileSuspended: false });
  const monotonic = suspensionAwareMonotonic(machine.sources);
  const startMs = monotonic();
  for (const jumpMs of [HOUR_MS, -2 * HOUR_MS, 600, -600]) {
    machine.setWallClock(jumpMs);
    machine.pass(700);
    monotonic();
  }
  expect(monotonic() - startMs).toBe(2_800);
});

test('a suspension counts although the wall clock is set at the same time', () => {
  const machine = computer({ runsWhileSuspended: false });
  const monotonic = suspensionAwareMonotonic(machine.sources);
  const startMs = monotonic();
  machine.suspend(HOUR_MS);
  machine.setWallClock(-2 * HOUR_MS);
  expect(Math.abs(monotonic() - startMs - HOUR_MS)).toBeLessThanOrEqual(1_000);
});

test('the system clock never goes back', () => {
  const clock = systemClock();
  let lastMs = clock.monotonic();
  for (let reading = 0; reading < 10_000; reading += 1) {
    const nowMs = clock.monotonic();
    expect(nowMs).toBeGreaterThanOrEqual(lastMs);
    lastMs = nowMs;
  }
});

test.each([
  { timers: 'fire_late' as const, firesAfterMs: 0 },
  { timers: 'stand_still' as const, firesAfterMs: 40 },
])('after a virtual suspension timers $timers', async ({ timers, firesAfterMs }) => {
  const clock = virtualClock();
  const wallMs = clock.now();
  let firedAtMs: number | undefined;
  clock.setTimer(100, () => {
    firedAtMs = clock.monotonic();
  });
  await clock.advance(60);
  clock.suspend(HOUR_MS, timers);
  expect(firedAtMs).toBeUndefined();
  await clock.advance(1_000);
  expect(firedAtMs).toBe(60 + HOUR_MS + firesAfterMs);
  expect(clock.now() - wallMs).toBe(HOUR_MS + 1_060);
});
