import { describe, expect, it } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { payloadProducer } from './payload-producer.ts';
import { seededRandom } from './seeded-random.ts';
import { createSimulator, type SimulatorEvent } from './simulator.ts';
import { createBench, deviceConfig, EU_JOIN_RX1, joinedBench, sendOne } from './testing/bench.ts';

const uplinkOf = (byte: number) => ({ fPort: 1, payload: Uint8Array.of(byte) });

describe('simulator', () => {
  it('joins a started device and sends at its interval', async () => {
    const { simulator, network, clock } = await createBench(
      deviceConfig({ intervalS: 60, intervalJitter: 0.1 }),
    );
    network.joinAnswer = EU_JOIN_RX1;
    simulator.start();
    await clock.advance(3_600_000);
    expect(network.uplinks.length).toBeGreaterThan(54);
    expect(network.uplinks.length).toBeLessThan(67);
    expect(network.uplinks.map(({ fCnt }) => fCnt)).toEqual(network.uplinks.map((_, at) => at));
    expect(network.uplinks.every(({ micValid }) => micValid)).toBe(true);
    expect(network.uplinks[4]?.payloadHex).toBe('00000004');
    simulator.stop();
    const before = network.uplinks.length;
    await clock.advance(3_600_000);
    expect(network.uplinks).toHaveLength(before);
  });

  it('confirms the share of uplinks it is told to', async () => {
    const { simulator, network, clock } = await createBench(
      deviceConfig({ intervalS: 120, confirmedRatio: 0.5 }),
    );
    network.joinAnswer = EU_JOIN_RX1;
    simulator.start();
    await clock.advance(24 * 3_600_000);
    const counters = new Map(network.uplinks.map((uplink) => [uplink.fCnt, uplink.confirmed]));
    const confirmed = [...counters.values()].filter(Boolean).length;
    expect(confirmed / counters.size).toBeGreaterThan(0.4);
    expect(confirmed / counters.size).toBeLessThan(0.6);
  });

  it('holds one timer while a device rests, and none for one that sends on demand', async () => {
    const bench = await joinedBench();
    expect(bench.clock.pending).toBe(0);
    bench.simulator.start('probe');
    bench.simulator.setInterval('probe', 3600);
    await bench.clock.advance(60_000);
    expect(bench.clock.pending).toBe(1);
    bench.simulator.removeDevice('probe');
    expect(bench.clock.pending).toBe(0);
  });

  it('runs the same way from the same seed', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      const { simulator, network, clock } = await createBench(
        deviceConfig({ intervalS: 30, payload: 'temperature' }),
        { seed },
      );
      network.joinAnswer = EU_JOIN_RX1;
      simulator.start();
      await clock.advance(600_000);
      return network.uplinks.map(
        ({ reception, payloadHex }) =>
          `${reception.concentratorTimestampUs} ${reception.frequencyHz} ${reception.antennas[0]?.channelRssiDbm} ${payloadHex}`,
      );
    };
    const first = await run(1);
    expect(first.length).toBeGreaterThan(10);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  it('sends waiting uplinks one after another, each after the windows of the last', async () => {
    const bench = await joinedBench();
    for (const byte of [1, 2, 3]) bench.simulator.sendUplink('probe', uplinkOf(byte));
    await bench.clock.advance(20_000);
    const { uplinks } = bench.network;
    expect(uplinks.map(({ payloadHex }) => payloadHex)).toEqual(['01', '02', '03']);
    const ends = uplinks.map(({ reception }) => reception.concentratorTimestampUs);
    expect((ends[1] ?? 0) - (ends[0] ?? 0)).toBeGreaterThan(2_000_000);
  });

  it('injects a bad MIC, a replay and a gap in the counters', async () => {
    const bench = await joinedBench();
    const { simulator, network, clock } = bench;
    await sendOne(bench, '01');
    simulator.sendUplink('probe', { ...uplinkOf(2), fault: { kind: 'bad_mic' } });
    simulator.sendUplink('probe', { ...uplinkOf(3), fault: { kind: 'replay' } });
    simulator.sendUplink('probe', { ...uplinkOf(4), fault: { kind: 'skip_counters', count: 10 } });
    await clock.advance(30_000);
    expect(network.uplinks.map(({ fCnt, micValid }) => [fCnt, micValid])).toEqual([
      [0, true],
      [1, false],
      [1, false],
      [12, true],
    ]);
    expect(network.uplinks[2]?.reception.phyPayload).toEqual(
      network.uplinks[1]?.reception.phyPayload,
    );
    expect(simulator.device('probe').fCntUp).toBe(12);
  });

  it('signs uplinks beyond counter 65535 with the full counter', async () => {
    const bench = await joinedBench();
    const { simulator, network, clock } = bench;
    simulator.sendUplink('probe', {
      ...uplinkOf(1),
      fault: { kind: 'skip_counters', count: 65_536 },
    });
    network.fCntUpHigh = 1;
    await clock.advance(10_000);
    expect(network.uplinks).toMatchObject([{ fCnt: 0, micValid: true, payloadHex: '01' }]);
    expect(simulator.device('probe').fCntUp).toBe(65_536);
  });

  it('tells listeners of changes, downlinks and removal', async () => {
    const { simulator, network, clock } = await createBench();
    network.joinAnswer = EU_JOIN_RX1;
    const events: SimulatorEvent[] = [];
    const unsubscribe = simulator.onEvent((event) => events.push(event));
    simulator.addDevice(deviceConfig({ id: 'second' }));
    simulator.join('second');
    await clock.advance(8000);
    simulator.removeDevice('second');
    unsubscribe();
    simulator.join('probe');
    const states = events.map((event) =>
      event.kind === 'changed' || event.kind === 'added' ? event.device.state : event.kind,
    );
    expect(states[0]).toBe('idle');
    expect(states).toContain('joining');
    expect(states).toContain('joined');
    expect(states.at(-1)).toBe('removed');
    expect(() => simulator.device('second')).toThrow('no simulated device second');
  });

  it('refuses what cannot work and says why', async () => {
    const bench = await joinedBench({ dataRateIndex: 0 });
    const { simulator } = bench;
    const text = (run: () => unknown) => expect(run);
    text(() => simulator.addDevice(deviceConfig())).toThrow('exists already');
    text(() => simulator.addDevice(deviceConfig({ id: 'x', bandId: 'CN_779_787' }))).toThrow(
      'do not know the band CN_779_787',
    );
    text(() => simulator.addDevice(deviceConfig({ id: 'x', fPort: 0 }))).toThrow('FPort');
    text(() =>
      simulator.addDevice(
        deviceConfig({ id: 'x', activation: { kind: 'otaa', appKey: new Uint8Array(3) } }),
      ),
    ).toThrow('16 bytes');
    text(() => simulator.sendUplink('probe', { fPort: 1, payload: new Uint8Array(52) })).toThrow(
      'at most 51 bytes',
    );
    text(() =>
      simulator.sendUplink('probe', { ...uplinkOf(1), fault: { kind: 'replay' } }),
    ).toThrow('has not sent an uplink');
    simulator.addDevice(deviceConfig({ id: 'fresh' }));
    text(() => simulator.sendUplink('fresh', uplinkOf(1))).toThrow('has no session yet');
    text(() => {
      for (let count = 0; count < 40; count += 1) simulator.sendUplink('probe', uplinkOf(1));
    }).toThrow('uplinks waiting');
  });

  it('lets two gateways hear the same uplink', async () => {
    const clock = virtualClock();
    const simulator = createSimulator({
      clock,
      logger: silentLogger(),
      random: seededRandom(3),
    });
    const heard: string[] = [];
    const ignore = (): void => undefined;
    for (const [id, xM] of [
      ['AA555A0000000001', 0],
      ['AA555A0000000002', 400],
    ] as const) {
      const gateway = simulator.addGateway({ id, gatewayEui: id, position: { xM, yM: 0 } });
      await gateway.start({
        uplink: (uplink) => heard.push(uplink.gatewayEui),
        status: ignore,
        connected: ignore,
        disconnected: ignore,
        state: ignore,
        malformed: ignore,
      });
    }
    simulator.addDevice(deviceConfig());
    simulator.join('probe');
    await clock.advance(1000);
    expect(heard).toEqual(['AA555A0000000001', 'AA555A0000000002']);
  });
});

describe('payloads', () => {
  it('encodes temperature and humidity as Cayenne LPP that changes slowly', () => {
    const produce = payloadProducer('temperature', seededRandom(5));
    let previous: number | undefined;
    for (let count = 0; count < 200; count += 1) {
      const payload = produce();
      expect([payload.length, payload[0], payload[1], payload[4], payload[5]]).toEqual([
        7, 1, 0x67, 2, 0x68,
      ]);
      const celsius = new DataView(payload.buffer).getInt16(2) / 10;
      expect(celsius).toBeGreaterThanOrEqual(-10);
      expect(celsius).toBeLessThanOrEqual(40);
      if (previous !== undefined) expect(Math.abs(celsius - previous)).toBeLessThanOrEqual(0.4);
      previous = celsius;
    }
  });

  it('counts and watches a door', () => {
    const count = payloadProducer('counter', seededRandom(5));
    expect([...count(), ...count()]).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    const door = payloadProducer('door', seededRandom(5));
    const seen = new Set(Array.from({ length: 50 }, () => door()[2]));
    expect([...seen].sort()).toEqual([0, 1]);
  });
});
