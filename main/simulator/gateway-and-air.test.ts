import { describe, expect, it } from 'vitest';
import type { GatewayUplink, LinkSink, TxRequest } from '../base/gateway-link.ts';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { type AirOptions, createAir, type Emission, type UplinkFate } from './air.ts';
import { createBench, deviceConfig, GATEWAY_EUI } from './testing/bench.ts';
import { lora } from './testing/lora-packet-network.ts';
import { createVirtualGateway, type VirtualGatewayOptions } from './virtual-gateway.ts';

const REQUEST: Omit<TxRequest, 'time'> = {
  gatewayEui: GATEWAY_EUI,
  phyPayload: new Uint8Array(20),
  frequencyHz: 868_100_000,
  modulation: lora(7),
  eirpDbm: 14,
  antennaIndex: 0,
  invertPolarization: true,
  payloadCrc: false,
};

const at = (concentratorTimestampUs: number): TxRequest => ({
  ...REQUEST,
  time: { kind: 'timestamp', concentratorTimestampUs },
});

function emission(changes: Partial<Emission> = {}): Emission {
  return {
    phyPayload: Uint8Array.of(0x40),
    frequencyHz: 868_100_000,
    modulation: lora(7),
    invertPolarization: false,
    startUs: 0,
    endUs: 50_000,
    eirpDbm: 14,
    from: { xM: 300, yM: 0 },
    ...changes,
  };
}

/** A gateway alone on the air. */
async function gatewayOnAir(
  options: Partial<AirOptions> = {},
  gatewayOptions: Partial<VirtualGatewayOptions> = {},
) {
  const clock = virtualClock();
  const air = createAir({ clock, fadingDb: 0, ...options });
  const gateway = createVirtualGateway({
    id: 'g',
    gatewayEui: GATEWAY_EUI,
    clock,
    logger: silentLogger(),
    air,
    ...gatewayOptions,
  });
  const heard: GatewayUplink[] = [];
  const ignore = (): void => undefined;
  const sink: LinkSink = {
    uplink: (uplink) => heard.push(uplink),
    status: ignore,
    connected: ignore,
    disconnected: ignore,
    state: ignore,
    malformed: ignore,
  };
  await gateway.start(sink);
  return { clock, air, gateway, heard };
}

async function hearing(
  emissions: readonly Emission[],
  options: Partial<AirOptions> = {},
): Promise<readonly GatewayUplink[]> {
  const { clock, air, heard } = await gatewayOnAir(options);
  for (const sent of emissions) air.sendUplink(sent);
  await clock.advance(1000);
  return heard;
}

describe('virtual gateway', () => {
  it('stamps uplinks with its counter at their end, across the wrap', async () => {
    const bench = await createBench(deviceConfig(), { timestampOffsetUs: 2 ** 32 - 20_000 });
    bench.simulator.join('probe');
    await bench.clock.advance(1000);
    const [request] = bench.network.joinRequests;
    expect(request?.reception.phyPayload).toHaveLength(23);
    expect(request?.reception.concentratorTimestampUs).toBe(61_696 - 20_000);
  });

  it('refuses what comes too late, too early, or on top of another downlink', async () => {
    const { gateway, clock } = await createBench();
    await clock.advance(10_000);
    const now = gateway.concentratorTimestampUs();
    expect(await gateway.transmit(at(now + 42_000))).toMatchObject({ result: 'too_late' });
    expect(await gateway.transmit(at(now - 1))).toMatchObject({ result: 'too_late' });
    expect(await gateway.transmit(at(now + 600_000_000))).toMatchObject({ result: 'too_early' });
    expect(await gateway.transmit(at(now + 1_000_000))).toMatchObject({ result: 'success' });
    expect(await gateway.transmit(at(now + 1_020_000))).toMatchObject({
      result: 'collision_packet',
    });
    expect(await gateway.transmit(at(now + 1_200_000))).toMatchObject({ result: 'success' });
  });

  it('refuses GPS time and frequencies its radio cannot reach, and limits power', async () => {
    const { gateway } = await gatewayOnAir({}, { hasGps: false });
    expect(
      await gateway.transmit({ ...REQUEST, time: { kind: 'gps', gpsTimeMs: 1 } }),
    ).toMatchObject({ result: 'gps_unlocked' });
    expect(
      await gateway.transmit({
        ...REQUEST,
        frequencyHz: 1_500_000_000,
        time: { kind: 'immediate' },
      }),
    ).toMatchObject({ result: 'tx_freq' });
    expect(
      await gateway.transmit({ ...REQUEST, eirpDbm: 36, time: { kind: 'immediate' } }),
    ).toMatchObject({ result: 'success', transmittedEirpDbm: 30 });
  });

  it('transmits at a GPS time, with the limits of its queue', async () => {
    const { gateway, clock, air } = await gatewayOnAir();
    await clock.advance(10_000);
    // GPS counts from 1980-01-06 without leap seconds, 18 of which were inserted until 2017.
    const gpsNowMs = clock.now() - Date.UTC(1980, 0, 6) + 18_000;
    const inMs = (ms: number): TxRequest => ({
      ...REQUEST,
      time: { kind: 'gps', gpsTimeMs: gpsNowMs + ms },
    });
    expect(await gateway.transmit(inMs(42))).toMatchObject({ result: 'too_late' });
    expect(await gateway.transmit(inMs(600_000))).toMatchObject({ result: 'too_early' });
    expect(await gateway.transmit(inMs(2_000))).toMatchObject({ result: 'success' });
    await clock.advance(3_000);
    const opensUs = 12_000_000;
    const window = { opensUs, closesUs: opensUs + 20_000, frequencyHz: REQUEST.frequencyHz };
    const place = { modulation: REQUEST.modulation, position: { xM: 10, yM: 0 } };
    expect(air.receive({ ...window, ...place })?.emission.startUs).toBe(opensUs);
  });

  it('tells the GPS time of an uplink at its end', async () => {
    const [heard] = await hearing([emission()]);
    expect(heard?.gpsTimeMs).toBe(Date.UTC(2026, 0, 1) - Date.UTC(1980, 0, 6) + 18_000 + 50);
  });

  it('stays silent where it has to listen first and hears somebody', async () => {
    const { gateway, clock, air } = await gatewayOnAir();
    const listenBeforeTalk = { rssiTargetDbm: -80, rssiOffsetDb: -4, scanTimeUs: 5_000 };
    const send = (timestampUs: number) =>
      gateway.transmit({ ...at(timestampUs), listenBeforeTalk });
    const caughtAt = (opensUs: number) =>
      air.receive({
        opensUs,
        closesUs: opensUs + 20_000,
        frequencyHz: REQUEST.frequencyHz,
        modulation: REQUEST.modulation,
        position: { xM: 10, yM: 0 },
      });
    // Ends 1 ms before the second transmission, within its scan.
    air.sendUplink(emission({ startUs: 1_950_000, endUs: 1_999_000, from: { xM: 5, yM: 0 } }));
    const now = gateway.concentratorTimestampUs();
    await send(now + 1_000_000);
    await send(now + 2_000_000);
    await send(now + 2_100_000);
    await clock.advance(3_000);
    expect([1_000_000, 2_000_000, 2_100_000].map((us) => caughtAt(us)?.emission.startUs)).toEqual([
      1_000_000,
      undefined,
      2_100_000,
    ]);
  });

  it('puts out what is wanted less the gain of its antenna, up to its limit', async () => {
    const { gateway } = await gatewayOnAir();
    const send = (eirpDbm: number, antennaGainDbi: number) =>
      gateway.transmit({ ...REQUEST, eirpDbm, antennaGainDbi, time: { kind: 'immediate' } });
    expect(await send(36, 6)).toEqual({ result: 'success', roundTripMs: 0 });
    const next = await gatewayOnAir();
    const lowered = await next.gateway.transmit({
      ...REQUEST,
      eirpDbm: 38,
      antennaGainDbi: 6,
      time: { kind: 'immediate' },
    });
    expect(lowered).toMatchObject({ transmittedEirpDbm: 36 });
  });

  it('reports its life and its counts, and says nothing after it stopped', async () => {
    const { gateway, network, clock, simulator } = await createBench(deviceConfig(), {
      statusIntervalMs: 30_000,
    });
    simulator.join('probe');
    await clock.advance(31_000);
    await simulator.removeGateway('virtual');
    await clock.advance(600_000);
    expect(network.states.map((state) => state.phase)).toEqual(['running', 'stopped']);
    expect(network.log).toEqual(['connected virtual', 'status 2/0', 'disconnected']);
    expect(await gateway.transmit(at(0))).toMatchObject({ result: 'no_acknowledgment' });
    expect(network.joinRequests).toHaveLength(2);
  });
});

describe('air', () => {
  it('gives weaker signals from farther away and loses the farthest', async () => {
    const [near] = await hearing([emission({ from: { xM: 100, yM: 0 } })]);
    const [far] = await hearing([emission({ from: { xM: 900, yM: 0 } })]);
    const nearRssi = near?.antennas[0]?.channelRssiDbm ?? 0;
    const farRssi = far?.antennas[0]?.channelRssiDbm ?? 0;
    expect(nearRssi - farRssi).toBeGreaterThan(20);
    expect(await hearing([emission({ from: { xM: 50_000, yM: 0 } })])).toEqual([]);
  });

  it('hears SF12 where SF7 is lost', async () => {
    const from = { xM: 3_000, yM: 0 };
    expect(await hearing([emission({ from })])).toEqual([]);
    expect(await hearing([emission({ from, modulation: lora(12) })])).toHaveLength(1);
  });

  it('destroys overlapping frames of equal strength on one channel and spreading factor', async () => {
    const overlapping = [emission(), emission({ startUs: 20_000, endUs: 70_000 })];
    expect(await hearing(overlapping)).toEqual([]);
    expect(await hearing(overlapping, { collisions: false })).toHaveLength(2);
  });

  it.each<[string, Partial<Emission>]>([
    ['one after the other', { startUs: 50_000, endUs: 100_000 }],
    ['on two channels', { frequencyHz: 868_300_000 }],
    ['with two spreading factors', { modulation: lora(8) }],
  ])('keeps frames %s', async (_, changes) => {
    expect(await hearing([emission(), emission(changes)])).toHaveLength(2);
  });

  it('tells an observer what became of every uplink', async () => {
    const fates: string[] = [];
    const observer = {
      uplink: (ended: Emission, fate: UplinkFate) => fates.push(`${ended.phyPayload[0]} ${fate}`),
    };
    const far = { from: { xM: 50_000, yM: 0 }, frequencyHz: 868_500_000 };
    await hearing(
      [
        emission({ phyPayload: Uint8Array.of(1) }),
        emission({ phyPayload: Uint8Array.of(2), startUs: 20_000, endUs: 70_000 }),
        emission({ phyPayload: Uint8Array.of(3), frequencyHz: 868_300_000, endUs: 80_000 }),
        emission({ phyPayload: Uint8Array.of(4), ...far, endUs: 90_000 }),
      ],
      { observer },
    );
    expect(fates).toEqual(['1 collision', '2 collision', '3 heard', '4 too_weak']);

    const clock = virtualClock();
    const alone = createAir({ clock, observer });
    alone.sendUplink(emission({ phyPayload: Uint8Array.of(5) }));
    await clock.advance(1000);
    expect(fates.at(-1)).toBe('5 not_listening');
  });

  it('tells an observer which uplinks a gateway missed while it transmitted or by its channels', async () => {
    const fates: UplinkFate[] = [];
    const downlinks: Emission[] = [];
    const observer = {
      uplink: (_: Emission, fate: UplinkFate) => fates.push(fate),
      downlink: (sent: Emission) => downlinks.push(sent),
    };
    const clock = virtualClock();
    const air = createAir({ clock, fadingDb: 0, observer });
    const gateway = createVirtualGateway({
      id: 'g',
      gatewayEui: GATEWAY_EUI,
      clock,
      logger: silentLogger(),
      air,
      receiveFrequenciesHz: [868_100_000],
    });
    const ignore = (): void => undefined;
    await gateway.start({
      uplink: ignore,
      status: ignore,
      connected: ignore,
      disconnected: ignore,
      state: ignore,
      malformed: ignore,
    });
    await gateway.transmit({ ...REQUEST, time: { kind: 'immediate' } });
    expect(downlinks.map(({ frequencyHz }) => frequencyHz)).toEqual([868_100_000]);
    air.sendUplink(emission());
    air.sendUplink(emission({ frequencyHz: 868_300_000 }));
    await clock.advance(1000);
    air.sendUplink(emission({ startUs: 1_000_000, endUs: 1_050_000 }));
    await clock.advance(1000);
    expect(fates).toEqual(['gateway_transmitting', 'not_listening', 'heard']);
  });

  it('lets a much stronger frame survive', async () => {
    const strong = emission({ from: { xM: 50, yM: 0 }, phyPayload: Uint8Array.of(0x80) });
    const heard = await hearing([emission(), strong]);
    expect(heard.map((uplink) => uplink.phyPayload[0])).toEqual([0x80]);
  });

  it('keeps a downlink without inverted polarization away from devices', () => {
    const clock = virtualClock();
    const air = createAir({ clock, fadingDb: 0 });
    const window = {
      opensUs: -10_000,
      closesUs: 20_000,
      frequencyHz: 868_100_000,
      modulation: lora(7),
      position: { xM: 0, yM: 0 },
    };
    air.sendDownlink(emission());
    expect(air.receive(window)).toBeUndefined();
    air.sendDownlink(emission({ invertPolarization: true }));
    expect(air.receive(window)).toBeDefined();
  });
});
