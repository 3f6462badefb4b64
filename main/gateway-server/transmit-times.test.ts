import { expect, test } from 'vitest';
import { causes, createRig, EU_RX1, EU_RX2, EUI, idOf, lora } from './testing/rig.ts';

const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
/** Leap seconds since then. */
const LEAP_MS = 18_000;
const FORWARDER = { kind: 'semtech_udp', capabilities: { leadTimeMs: 300 } } as const;
/** 20 bytes at SF12 and at SF7. */
const SF12_MS = 1_318.912;
const SF7_MS = 56.576;
const RECHARGE_MS = 30;

test('a forwarder gets no frame less than 130 ms before its time, and less as round trips are known', async () => {
  const { clock, hear, schedule, measure } = await createRig(FORWARDER);
  const marginOf = async (leftMs: number) => {
    const path = hear();
    await clock.advance(1_000 - leftMs);
    const result = schedule([path], { windows: [EU_RX1] });
    await clock.advance(5_000);
    return result;
  };
  expect((await marginOf(129)).refusals).toMatchObject([
    { cause: 'too_late', evidence: { margin: 129, lead_time: 130 } },
  ]);
  expect((await marginOf(130)).ok).toBe(true);
  await measure([100, 120, 140, 160]);
  expect((await marginOf(129)).ok).toBe(false);
  await measure([180]);
  // With five, half the 90th percentile, which is the fourth of them, and 30 ms: 110 ms.
  expect((await marginOf(109)).refusals).toMatchObject([{ evidence: { lead_time: 110 } }]);
  expect((await marginOf(110)).ok).toBe(true);
});

test('a frame without a time is planned 530 ms ahead, or as the gateway is registered, 130 ms at least', async () => {
  const marginWith = async (scheduleAnytimeDelay?: { seconds?: bigint; nanos?: number }) => {
    const { hear, scheduleFree } = await createRig({
      ...FORWARDER,
      registered: { [EUI]: scheduleAnytimeDelay ? { scheduleAnytimeDelay } : {} },
    });
    hear();
    const result = scheduleFree();
    return result.ok ? result.scheduled.marginMs : undefined;
  };
  expect(await marginWith()).toBe(530);
  expect(await marginWith({ seconds: 0n, nanos: 0 })).toBe(530);
  expect(await marginWith({ seconds: 2n })).toBe(2_000);
  expect(await marginWith({ nanos: 50_000_000 })).toBe(130);
});

test('a frame without a time takes the first gap that is long enough, 30 ms to recharge on both sides', async () => {
  const { hear, scheduleFree, schedule } = await createRig(FORWARDER);
  const path = hear();
  const occupy = (delayMs: number) => schedule([path], { windows: [{ ...EU_RX1, delayMs }] }).ok;
  // Between the two is room for 56.576 ms and two pauses, not for 1318.912 ms.
  expect([occupy(600), occupy(600 + SF7_MS + RECHARGE_MS + 120)]).toEqual([true, true]);
  const margin = (request: Parameters<typeof scheduleFree>[0] = {}) => {
    const result = scheduleFree(request);
    return result.ok ? result.scheduled.marginMs : undefined;
  };
  const short = { window: { ...EU_RX1, window: 'immediate' as const } };
  const secondEndsMs = 600 + SF7_MS + RECHARGE_MS + 120 + SF7_MS;
  expect(margin()).toBeCloseTo(secondEndsMs + RECHARGE_MS, 6);
  expect(margin(short)).toBeCloseTo(600 + SF7_MS + RECHARGE_MS, 6);
  expect(margin(short)).toBeCloseTo(secondEndsMs + RECHARGE_MS + SF12_MS + RECHARGE_MS, 6);
});

test('another antenna and another sub-band do not make a second transmitter', async () => {
  const { clock, hear, schedule, scheduleFree } = await createRig();
  schedule([hear()], { windows: [EU_RX1] });
  const at = (ms: number) =>
    scheduleFree({
      gateways: [{ gatewayId: idOf(EUI), antennaIndex: 1 }],
      atMs: clock.now() + ms,
    });
  // 869.525 MHz instead of 868.1 MHz; the other one is over after 56.576 ms and 30 ms.
  expect(causes(at(1_086))).toEqual(['immediate conflict']);
  expect(at(1_087).ok).toBe(true);
});

test('a gateway with GPS time gets a chosen time in it, whatever the clock of the computer says', async () => {
  const { clock, hear, scheduleFree, sent, dataOf } = await createRig();
  await clock.advance(1_000);
  // The clock of the computer is three seconds ahead of the gateway.
  const gpsNowMs = clock.now() - 3_000 - GPS_EPOCH_MS + LEAP_MS;
  hear({ gpsTimeMs: gpsNowMs });
  const result = scheduleFree({ atMs: clock.now() + 7_000 });
  expect(sent[0]?.time).toEqual({ kind: 'gps', gpsTimeMs: gpsNowMs + 10_000 });
  expect(result).toMatchObject({
    ok: true,
    scheduled: { marginMs: 10_000, concentratorTimestampUs: 11_000_000 },
  });
  const time = { seconds: BigInt(Math.floor((clock.now() + 7_000) / 1_000)) };
  expect(dataOf('gs.down.send')).toMatchObject([{ settings: { value: { time, timestamp: 0 } } }]);
  const near = scheduleFree({ atMs: clock.now() - 2_960 });
  expect(near.refusals).toMatchObject([{ cause: 'too_late', evidence: { margin: 40 } }]);
});

test('one uplink without GPS time ends it, and so does a gateway that says its GPS is gone', async () => {
  const { clock, hear, scheduleFree, sent, answerOnce } = await createRig();
  const gpsTimeMs = clock.now() - GPS_EPOCH_MS + LEAP_MS;
  const at = (ms: number) => scheduleFree({ atMs: clock.now() + ms });
  hear({ gpsTimeMs });
  hear();
  at(5_000);
  hear({ gpsTimeMs });
  answerOnce({ result: 'gps_unlocked' });
  at(10_000);
  await clock.advance(0);
  at(15_000);
  expect(sent.map(({ time }) => time.kind)).toEqual(['timestamp', 'gps', 'timestamp']);
});

test('without GPS a chosen time needs five measured round trips, half the median of which is taken off', async () => {
  const { clock, hear, scheduleFree, sent, measure } = await createRig(FORWARDER);
  const at = () => scheduleFree({ atMs: clock.now() + 10_000 });
  expect(causes(at())).toEqual(['immediate no_clock_sync']);
  await measure([20, 60, 40, 100]);
  hear();
  expect(causes(at())).toEqual(['immediate no_absolute_gateway_time']);
  await measure([80]);
  const { concentratorTimestampUs } = hear().uplink;
  expect(at().ok).toBe(true);
  expect(sent[0]?.time).toEqual({
    kind: 'timestamp',
    concentratorTimestampUs: concentratorTimestampUs + 10_000_000 - 30_000,
  });
});

test('a forwarder that never acknowledged anything gets frames 800 ms before their time, then at once', async () => {
  const { clock, hear, schedule, sent } = await createRig(FORWARDER);
  const send = () => schedule([hear()], { windows: [EU_RX2] });
  send();
  await clock.advance(1_199);
  expect(sent).toEqual([]);
  await clock.advance(1);
  expect(sent).toHaveLength(1);
  await clock.advance(5_000);
  send();
  expect(sent).toHaveLength(2);
});

test('a forwarder registered as late gets every frame 800 ms before its time', async () => {
  const { clock, hear, schedule, sent, measure } = await createRig({
    ...FORWARDER,
    registered: { [EUI]: { scheduleDownlinkLate: true } },
  });
  await measure([20]);
  schedule([hear()], { windows: [EU_RX2] });
  await clock.advance(1_199);
  expect(sent).toEqual([]);
  await clock.advance(1);
  expect(sent).toHaveLength(1);
});

test('a full sub-band says when enough of it is free again', async () => {
  const { clock, hear, schedule } = await createRig();
  const slow = [{ ...EU_RX1, modulation: lora(12), maxPhyPayloadBytes: 64 }];
  const starts: number[] = [];
  for (;;) {
    const result = schedule([hear()], { windows: slow });
    if (!result.ok) {
      // The oldest has to leave the hour before this one has ended.
      const freeInMs = (starts[0] ?? 0) + SF12_MS + 3_600_000 - SF12_MS - clock.monotonic() - 1_000;
      expect(result.refusals).toMatchObject([
        { cause: 'duty_cycle', evidence: { free_in: freeInMs / 1_000 } },
      ]);
      // A little of it may still lie in the hour: 25.2 s less the 19 that fit.
      const spareMs = 25_200 - starts.length * SF12_MS;
      await clock.advance(freeInMs - spareMs - 1);
      expect(schedule([hear()], { windows: slow }).ok).toBe(false);
      await clock.advance(spareMs + 1);
      expect(schedule([hear()], { windows: slow }).ok).toBe(true);
      return;
    }
    starts.push(clock.monotonic() + 1_000);
    await clock.advance(10_000);
  }
});

test('an id that nobody registered is told from a gateway that is away', async () => {
  const { sink, scheduleFree } = await createRig({ registered: { BB555A0000000009: {} } });
  const over = (gatewayId: string) =>
    causes(scheduleFree({ gateways: [{ gatewayId, antennaIndex: 0 }] }));
  expect(over('nobody')).toEqual(['immediate gateway_not_found']);
  expect(over(idOf('BB555A0000000009'))).toEqual(['immediate no_downlink_path']);
  sink.disconnected(EUI, 'unplugged');
  expect(over(idOf(EUI))).toEqual(['immediate no_downlink_path']);
});
