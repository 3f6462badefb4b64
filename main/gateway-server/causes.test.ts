import { expect, test } from 'vitest';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import { CAUSES } from '../base/causes.ts';
import type { TxResult } from '../base/gateway-link.ts';
import type { ScheduleResult } from '../base/seams.ts';
import { createRig, EU_RX1, EUI, lora } from './testing/rig.ts';
import type { ScheduleCause } from './transmit-limits.ts';

const RX1_ONLY = { windows: [EU_RX1] };
const SLOW = { ...EU_RX1, modulation: lora(12), maxPhyPayloadBytes: 64 };

/** How each cause comes about. The compiler asks for every one of them. */
const WAYS: Readonly<Record<ScheduleCause, () => Promise<ScheduleResult>>> = {
  async conflict() {
    const { hear, schedule } = await createRig();
    const path = hear();
    schedule([path], RX1_ONLY);
    return schedule([path], RX1_ONLY);
  },
  async downlink_not_allowed() {
    const { NEVER } = DownlinkPathConstraint;
    const rig = await createRig({ registered: { [EUI]: { downlinkPathConstraint: NEVER } } });
    return rig.schedule([rig.hear()], RX1_ONLY);
  },
  async duty_cycle() {
    const { clock, hear, schedule } = await createRig();
    for (;;) {
      const result = schedule([hear()], { windows: [SLOW] });
      if (!result.ok) return result;
      await clock.advance(5_000);
    }
  },
  async dwell_time() {
    const { hear, schedule } = await createRig();
    const windows = [{ ...SLOW, frequencyHz: 923_200_000 }];
    return schedule([hear()], { windows, bandId: 'AS_923', frequencyPlanId: 'AS_923_DT' });
  },
  async frequency_plan_mismatch() {
    const frequencyPlanIds = ['US_902_928_FSB_2'];
    const { hear, schedule } = await createRig({ registered: { [EUI]: { frequencyPlanIds } } });
    return schedule([hear()], RX1_ONLY);
  },
  async gateway_not_found() {
    const { scheduleFree } = await createRig();
    return scheduleFree({ gateways: [{ gatewayId: 'nobody', antennaIndex: 0 }] });
  },
  async no_absolute_gateway_time() {
    const { clock, hear, scheduleFree } = await createRig({ kind: 'semtech_udp' });
    hear();
    return scheduleFree({ atMs: clock.now() + 10_000 });
  },
  async no_clock_sync() {
    const { clock, scheduleFree } = await createRig();
    return scheduleFree({ atMs: clock.now() + 10_000 });
  },
  async no_downlink_path() {
    const { hear, schedule, sink } = await createRig();
    const path = hear();
    sink.connected({ gatewayEui: EUI, protocol: 'udp', downlinkReady: false });
    return schedule([path], RX1_ONLY);
  },
  async sub_band_not_found() {
    const { hear, schedule } = await createRig();
    return schedule([hear()], { windows: [{ ...EU_RX1, frequencyHz: 862_000_000 }] });
  },
  async too_late() {
    const { clock, hear, schedule } = await createRig();
    const path = hear();
    await clock.advance(1_000);
    return schedule([path], RX1_ONLY);
  },
  async too_long() {
    const { hear, schedule } = await createRig();
    return schedule([hear()], { ...RX1_ONLY, phyPayload: new Uint8Array(236) });
  },
  async tx_power() {
    const { hear, schedule } = await createRig({ capabilities: { minEirpDbm: 20 } });
    return schedule([hear()], RX1_ONLY);
  },
};

test.each(Object.entries(WAYS))('%s has evidence, a sentence and advice', async (cause, way) => {
  const { ok, refusals } = await way();
  expect(ok).toBe(false);
  expect(refusals.map((refusal) => refusal.cause)).toEqual([cause]);
  expect(Object.keys(refusals[0]?.evidence ?? {})).not.toEqual([]);
  const { text, suggestion } = CAUSES[cause as ScheduleCause];
  expect([text, suggestion]).toEqual([
    expect.stringMatching(/^[A-Z].{20,}\.$/),
    expect.stringMatching(/^[A-Z].{15,}\.$/),
  ]);
});

/** Every way for a gateway to fail. */
const RESULTS: Readonly<Record<Exclude<TxResult, 'success'>, true>> = {
  unknown: true,
  too_late: true,
  too_early: true,
  collision_packet: true,
  collision_beacon: true,
  tx_freq: true,
  tx_power: true,
  gps_unlocked: true,
  no_acknowledgment: true,
};

test.each(Object.keys(RESULTS) as (keyof typeof RESULTS)[])(
  'the answer %s of a gateway has a sentence and advice',
  async (result) => {
    const { hear, schedule, answerOnce, log } = await createRig();
    answerOnce({ result });
    const scheduled = schedule([hear()]);
    expect(scheduled.ok && (await scheduled.scheduled.acknowledged)).toEqual({ result });
    expect(log.find(({ name }) => name === 'gs.down.tx.fail')?.causeCode).toBe(result);
    const { text, suggestion } = CAUSES[result];
    expect([text, suggestion]).toEqual([
      expect.stringMatching(/^The .{20,}\.$/),
      expect.stringMatching(/^[A-Z].{15,}\.$/),
    ]);
  },
);
