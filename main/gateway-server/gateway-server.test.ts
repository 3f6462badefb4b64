import { expect, test } from 'vitest';
import type { Frame } from '../api/gen/gatehouse/v1/frames_pb.js';
import { LinkPhase } from '../api/gen/gatehouse/v1/links_pb.js';
import type {
  GatewayLink,
  GatewayUplink,
  LinkCapabilities,
  LinkSink,
  Modulation,
  TxAcknowledgment,
  TxRequest,
} from '../base/gateway-link.ts';
import { silentLogger } from '../base/logger.ts';
import type { DownlinkRequest, ReceivedUplink } from '../base/seams.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { createGatewayServer } from './index.ts';

const EUI = 'AA555A0000000001';
const lora = (spreadingFactor: number): Modulation => ({
  kind: 'lora',
  spreadingFactor,
  bandwidthHz: 125_000,
  codingRate: '4/5',
});

const heard = (timestampUs: number, rest: Partial<GatewayUplink> = {}): GatewayUplink => ({
  gatewayEui: EUI,
  phyPayload: new Uint8Array([0x40, 1, 2, 3, 4, 0, 1, 0, 1, 0xaa, 1, 2, 3, 4]),
  frequencyHz: 868_100_000,
  modulation: lora(7),
  concentratorTimestampUs: timestampUs,
  antennas: [{ antennaIndex: 0, channelRssiDbm: -70, snrDb: 8 }],
  ...rest,
});

async function start(capabilities: Partial<LinkCapabilities> = {}) {
  const clock = virtualClock();
  const published: string[] = [];
  const received: ReceivedUplink[] = [];
  const frames: Frame[] = [];
  const sent: TxRequest[] = [];
  let nextReception = 1;
  let answer: TxAcknowledgment = { result: 'success', roundTripMs: 30 };
  let sink: LinkSink | undefined;
  const link: GatewayLink = {
    id: 'udp',
    kind: 'virtual',
    capabilities: { leadTimeMs: 50, singleChannel: false, ...capabilities },
    async start(given) {
      sink = given;
      given.state({ phase: 'running', address: '127.0.0.1:1700' });
    },
    transmit(request) {
      sent.push(request);
      return Promise.resolve(answer);
    },
    stop: () => Promise.resolve(),
  };
  const server = createGatewayServer({
    store: {
      frames: {
        addReception: () => nextReception++,
        addFrame: (frame) => frames.push(frame),
      },
    },
    registry: { gateways: { ensureHeard: (eui) => `eui-${eui.toLowerCase()}`, isNew: () => true } },
    events: { publish: ({ name }) => void published.push(name) },
    clock,
    logger: silentLogger(),
    handler: { handleUplink: (uplink) => void received.push(uplink) },
  });
  await server.add(link, { frequencyPlanId: 'EU_863_870' });
  if (!sink) throw new Error('the link was not started');
  sink.connected({ gatewayEui: EUI, protocol: 'virtual', downlinkReady: true });
  const hear = (uplink: GatewayUplink): ReceivedUplink | undefined => {
    sink?.uplink(uplink);
    return received.at(-1);
  };
  const schedule = (path: ReceivedUplink | undefined, request: Partial<DownlinkRequest> = {}) =>
    server.scheduler.schedule({
      phyPayload: new Uint8Array(20),
      paths: path ? [path] : [],
      windows: [
        {
          window: 'RX1',
          delayMs: 1_000,
          frequencyHz: 868_100_000,
          modulation: lora(7),
          maxPhyPayloadBytes: 235,
        },
        {
          window: 'RX2',
          delayMs: 2_000,
          frequencyHz: 869_525_000,
          modulation: lora(12),
          maxPhyPayloadBytes: 64,
        },
      ],
      bandId: 'EU_863_870',
      frequencyPlanId: 'EU_863_870',
      priority: 5,
      ...request,
    });
  return {
    clock,
    published,
    received,
    frames,
    sent,
    server,
    sink,
    hear,
    schedule,
    setAnswer(given: TxAcknowledgment) {
      answer = given;
    },
  };
}

const causes = (result: ReturnType<Awaited<ReturnType<typeof start>>['schedule']>): string[] =>
  result.refusals.map(({ window, cause }) => `${window} ${cause}`);

test('a frame is handed on with its gateway; one with a wrong checksum is recorded and goes no further', async () => {
  const { hear, received, frames, published } = await start();
  expect(hear(heard(1))).toMatchObject({ gatewayId: 'eui-aa555a0000000001', receptionId: 1 });
  hear(heard(2, { crc: 'bad' }));
  expect(received).toHaveLength(1);
  expect(frames[0]?.verdict).toMatchObject({ cause: 'message_crc' });
  expect(published).toEqual([
    'gs.gateway.connect',
    'gs.gateway.connection.stats',
    'gs.up.receive',
    'gs.up.forward',
    'gs.up.receive',
    'gs.up.drop',
  ]);
});

test('a downlink is timed by the concentrator, modulo 2^32, with the power the band allows', async () => {
  const { hear, schedule, sent } = await start();
  const result = schedule(hear(heard(4_294_000_000)));
  expect(result.ok).toBe(true);
  expect(sent[0]).toMatchObject({
    eirpDbm: 16.15,
    invertPolarization: true,
    payloadCrc: false,
    time: { kind: 'timestamp', concentratorTimestampUs: 32_704 },
  });
});

test('a link that transmits weaker is asked for no more', async () => {
  const { hear, schedule, sent } = await start({ maxEirpDbm: 14 });
  schedule(hear(heard(0)));
  expect(sent[0]?.eirpDbm).toBe(14);
});

test('too late for RX1 is still good for RX2, and too late for both is refused with its margins', async () => {
  const { clock, hear, schedule, sent } = await start();
  const path = hear(heard(0));
  await clock.advance(960);
  const second = schedule(path);
  expect(causes(second)).toEqual(['RX1 too_late']);
  expect(sent[0]?.frequencyHz).toBe(869_525_000);
  await clock.advance(1_000);
  const third = schedule(path);
  expect(causes(third)).toEqual(['RX1 too_late', 'RX2 too_late']);
  expect(third.refusals[1]?.evidence).toEqual({ margin: 40, lead_time: 50 });
});

test('windows are counted from the end of a frame that came late over a slow line', async () => {
  const { clock, hear, schedule } = await start();
  await clock.advance(10_000);
  const path = hear(heard(0, { endedMonotonicMs: clock.monotonic() - 100 }));
  expect(path?.receivedMonotonicMs).toBe(clock.monotonic() - 100);
  expect(schedule(path)).toMatchObject({ ok: true, scheduled: { window: 'RX1', marginMs: 900 } });
  const ahead = hear(heard(0, { endedMonotonicMs: clock.monotonic() + 100 }));
  expect(ahead?.receivedMonotonicMs).toBe(clock.monotonic());
});

test('a frame that takes too long to reach the modem for RX1 goes out in RX2', async () => {
  const { hear, schedule, sent } = await start({ leadTimeMs: 900, leadTimePerByteMs: 2 });
  const rx1 = schedule(hear(heard(0)), { phyPayload: new Uint8Array(64) });
  expect(causes(rx1)).toEqual([]);
  const windows = [1_000, 2_000].map((delayMs, index) => ({
    window: index === 0 ? ('RX1' as const) : ('RX2' as const),
    delayMs,
    frequencyHz: 869_525_000,
    modulation: lora(7),
    maxPhyPayloadBytes: 235,
  }));
  const long = { phyPayload: new Uint8Array(128), windows };
  expect(causes(schedule(hear(heard(60_000_000)), long))).toEqual(['RX1 too_late']);
  expect(sent.at(-1)?.time).toMatchObject({ concentratorTimestampUs: 62_000_000 });
});

test('a busy transmitter, a long frame and a disconnected gateway are refused with their causes', async () => {
  const { hear, schedule, sink } = await start();
  const path = hear(heard(0));
  schedule(path);
  expect(causes(schedule(path))).toEqual(['RX1 conflict']);
  const tooLong = { phyPayload: new Uint8Array(240) };
  expect(causes(schedule(hear(heard(20_000_000)), tooLong))).toEqual([
    'RX1 too_long',
    'RX2 too_long',
  ]);
  sink.disconnected(EUI, 'gone');
  expect(causes(schedule(path))).toEqual(['RX1 no_downlink_path']);
});

test('the 1 % of the sub-band is not exceeded', async () => {
  const { clock, hear, schedule, sent } = await start();
  const rx1Only = { windows: [] as DownlinkRequest['windows'] };
  const window = {
    window: 'RX1' as const,
    delayMs: 1_000,
    frequencyHz: 868_100_000,
    modulation: lora(12),
    maxPhyPayloadBytes: 64,
  };
  rx1Only.windows = [window];
  let refusedWith: string[] = [];
  for (let count = 0; count < 40 && refusedWith.length === 0; count += 1) {
    const request = { ...rx1Only, priority: 6, phyPayload: new Uint8Array(20) };
    refusedWith = causes(schedule(hear(heard((count * 30_000_000) % 2 ** 32)), request));
    await clock.advance(30_000);
  }
  expect(refusedWith).toEqual(['RX1 duty_cycle']);
  // SF12, 20 bytes: 1318.912 ms each; 36 s may be used.
  expect(sent).toHaveLength(27);
});

test('round trips, counts and states are told per link', async () => {
  const { clock, hear, schedule, server, sink, setAnswer } = await start();
  for (let count = 0; count < 5; count += 1) {
    setAnswer({ result: count === 4 ? 'too_late' : 'success', roundTripMs: 100 + 20 * count });
    schedule(hear(heard((count + 1) * 10_000_000)));
    await clock.advance(10_000);
  }
  sink.malformed('udp:json', 'broken');
  sink.malformed('udp:json', 'broken');
  const status = server.statusOf('udp');
  expect(status).toMatchObject({
    phase: LinkPhase.RUNNING,
    address: '127.0.0.1:1700',
    malformed: { 'udp:json': 2n },
  });
  expect(status?.gateways[0]).toMatchObject({
    gatewayId: 'eui-aa555a0000000001',
    connected: true,
    new: true,
    uplinkCount: 5n,
    downlinkCount: 5n,
    txAcknowledgmentCount: 5n,
    txFailureCount: 1n,
    roundTripMedianMs: 140,
  });
  const path = hear(heard(0));
  // 90th percentile of 100, 120, 140, 160, 180 by the floor rule is 160.
  expect(server.scheduler.leadTimeMs(path ? [path] : [])).toBe(50 + 160 / 2);
});

test('statistics of a connection: counts, times, round trips and what was used of each sub-band', async () => {
  const { hear, schedule, server, sink, setAnswer, clock } = await start();
  const stats = () => server.connectionStats('eui-aa555a0000000001');
  expect(() => server.connectionStats('nobody')).toThrow(/nobody has not been connected/);
  // What never happened is absent, not zero.
  expect(stats()).toMatchObject({ protocol: 'virtual', uplinkCount: 0n, subBands: [] });
  expect(stats().roundTripTimes).toBeUndefined();
  const startedAtMs = clock.now();
  for (const roundTripMs of [40, 10, 20, 30]) {
    setAnswer({ result: 'success', roundTripMs });
    expect(schedule(hear(heard(clock.monotonic() * 1_000))).ok).toBe(true);
    await clock.advance(3_000);
  }
  sink.status({ gatewayEui: EUI, receivedCount: 4 });
  expect(stats()).toMatchObject({
    connectedAt: { seconds: BigInt(startedAtMs / 1_000) },
    lastUplinkReceivedAt: { seconds: BigInt(startedAtMs / 1_000 + 9) },
    uplinkCount: 4n,
    lastDownlinkReceivedAt: { seconds: BigInt(startedAtMs / 1_000 + 9) },
    downlinkCount: 4n,
    txAcknowledgmentCount: 4n,
    lastStatusReceivedAt: { seconds: BigInt(startedAtMs / 1_000 + 12) },
    lastStatus: { metrics: { rxin: 4 } },
    roundTripTimes: {
      min: { nanos: 10_000_000 },
      max: { nanos: 40_000_000 },
      median: { nanos: 25_000_000 },
      count: 4,
    },
  });
  // Four frames of 20 bytes at SF7, 56.576 ms each, at 868.1 MHz: 1 % of an hour may be used.
  const used = stats().subBands.filter(({ downlinkUtilization }) => downlinkUtilization > 0);
  expect(used).toHaveLength(1);
  expect(used[0]).toMatchObject({ minFrequency: 868_000_000n, maxFrequency: 868_600_000n });
  expect(used[0]?.downlinkUtilizationLimit).toBeCloseTo(0.01);
  expect(used[0]?.downlinkUtilization).toBeCloseTo((4 * 56.576) / 3_600_000, 8);
  expect(stats().disconnectedAt).toBeUndefined();
  sink.disconnected(EUI, 'unplugged');
  expect(stats().disconnectedAt).toMatchObject({ seconds: BigInt(startedAtMs / 1_000 + 12) });
});
