import { expect, test } from 'vitest';
import { amount } from '../../main/base/testing/amount.ts';
import type { Balance, Counts } from './frame-account.ts';
import { type DaysResult, playDays } from './play-days.ts';
import { reportLines } from './report.ts';

const OPTIONS = { devices: 12, days: 1, seed: 5, planId: 'EU_863_870' };
/** So many in so short a time that they collide and that the gateway runs out of its duty cycle. */
const CROWD = { devices: 150, days: 0.125, seed: 1, planId: 'EU_863_870', startSpanMs: 300_000 };
/** As long as is wanted. */
const LONG = {
  devices: amount('GATEHOUSE_SIMULATED_DEVICES', 60),
  days: amount('GATEHOUSE_SIMULATED_DAYS', 1),
  seed: 3,
  planId: 'US_902_928_FSB_2',
};
/** Seconds, and more where other tests run beside this one. */
const SHORT_MS = 60_000;
/** Several times what two runs take. */
const LONG_MS = 60_000 + LONG.devices * LONG.days * 500;

const total = (counts: Counts): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The report without how long it took. */
function outcome({ runMs: _run, setUpMs: _setUp, ...result }: DaysResult) {
  return result;
}

/** Each sent frame is delivered or stands under one cause. */
function expectBalanced(balance: Balance): void {
  const { delivered, lostOnAir, refused, sent, unaccounted } = balance;
  expect(unaccounted).toBe(0);
  expect(delivered + total(lostOnAir) + total(refused)).toBe(sent);
}

function expectAccounted(result: DaysResult, devices: number): void {
  const { downlinks, joinRequests, transmissions, uplinks } = result;
  for (const balance of [joinRequests, transmissions, uplinks]) expectBalanced(balance);
  // What the devices say themselves.
  expect(uplinks.sent).toBe(result.countersUsed);
  expect(result.deliveredTwice).toBe(0);
  expect(result.joined).toBe(devices);
  // Every join that the network accepted was answered, or says why not.
  const { joinAccepts, joinAcceptsFailed } = downlinks;
  expect(total(joinAccepts) + total(joinAcceptsFailed)).toBe(joinRequests.delivered);
  expect(downlinks.unacknowledged).toBe(0);
}

test('a day of twelve devices joins all of them, delivers their uplinks, and is the same for the same seed', {
  timeout: SHORT_MS,
}, async () => {
  const first = await playDays(OPTIONS);
  expectAccounted(first, OPTIONS.devices);
  // 24 a day each, less what falls before the device is switched on.
  const { delivered, sent } = first.uplinks;
  expect(sent).toBeGreaterThanOrEqual(12 * 22);
  expect(sent).toBeLessThanOrEqual(12 * 26);
  expect(delivered).toBeGreaterThan(0.97 * sent);
  expect(outcome(await playDays(OPTIONS))).toEqual(outcome(first));
  expect(outcome(await playDays({ ...OPTIONS, seed: 6 }))).not.toEqual(outcome(first));
});

test('where many devices start at once, every loss has its cause, and each cause its own number in the report', {
  timeout: SHORT_MS,
}, async () => {
  const result = await playDays(CROWD);
  expectAccounted(result, CROWD.devices);
  const { downlinks, joinRequests, uplinks } = result;
  expect(joinRequests.sent).toBeGreaterThan(CROWD.devices);
  expect(joinRequests.lostOnAir.collision).toBeGreaterThan(0);
  expect(joinRequests.lostOnAir.gateway_transmitting).toBeGreaterThan(0);
  expect(total(downlinks.joinAcceptsFailed)).toBeGreaterThan(0);
  expect(outcome(await playDays(CROWD))).toEqual(outcome(result));

  // ETSI EN 300 220: 1 % in 868.0–868.6 MHz, 10 % in 869.4–869.65 MHz.
  expect(result.airTime.map(({ limit }) => limit)).toEqual([0.01, 0.01, 0.1]);
  for (const { gateway, gatewayBusiestHour, limit } of result.airTime) {
    expect(gateway).toBeGreaterThan(0);
    expect(gatewayBusiestHour).toBeLessThanOrEqual(limit);
  }

  const text = reportLines(CROWD, result).join('\n');
  expect(text).toContain(`${uplinks.delivered} of ${uplinks.sent} delivered`);
  expect(text).toContain(`${joinRequests.lostOnAir.collision} collision`);
  expect(text).toMatch(/RX1.*RX2/);
});

test(`${LONG.devices} devices for ${LONG.days} days lose no frame without a cause, twice in the same way`, {
  timeout: LONG_MS,
}, async () => {
  const first = await playDays(LONG);
  expectAccounted(first, LONG.devices);
  expect(first.uplinks.sent).toBeGreaterThan(LONG.devices * LONG.days * 22);
  expect(outcome(await playDays(LONG))).toEqual(outcome(first));
});
