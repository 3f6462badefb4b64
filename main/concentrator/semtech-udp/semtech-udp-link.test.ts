import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createUdpForwarder,
  type UdpForwarderOptions,
} from '../../../test/support/udp-forwarder.ts';
import { createRecordingSink } from '../../../test/support/udp-recording-sink.ts';
import type { TxRequest } from '../../base/gateway-link.ts';
import { silentLogger } from '../../base/logger.ts';
import { type VirtualClock, virtualClock } from '../../base/virtual-clock.ts';
import { createSemtechUdpLink, type SemtechUdpLinkOptions } from './semtech-udp-link.ts';

const EUI = 'AA555A000000010B';
const PACKET = {
  tmst: 1_000,
  freq: 868.1,
  stat: 1,
  modu: 'LORA',
  datr: 'SF7BW125',
  codr: '4/5',
  rssi: -35,
  lsnr: 5,
  size: 4,
  data: 'QAECAw==',
};
const REQUEST: TxRequest = {
  gatewayEui: EUI,
  phyPayload: Uint8Array.of(0x60, 1, 2, 3),
  frequencyHz: 868_100_000,
  modulation: { kind: 'lora', spreadingFactor: 7, bandwidthHz: 125_000, codingRate: '4/5' },
  eirpDbm: 16,
  antennaIndex: 0,
  invertPolarization: true,
  payloadCrc: false,
  time: { kind: 'timestamp', concentratorTimestampUs: 1_001_000 },
};

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startLink(change: Partial<SemtechUdpLinkOptions> = {}) {
  const clock: VirtualClock = virtualClock();
  const link = createSemtechUdpLink({
    id: 'udp',
    host: '127.0.0.1',
    port: 0,
    explicitPort: false,
    clock,
    logger: silentLogger(),
    ...change,
  });
  const sink = createRecordingSink();
  await link.start(sink);
  cleanUps.push(() => link.stop());
  const port = Number(sink.states.at(-1)?.address?.split(':')[1]);
  const forwarder = async (options: Partial<UdpForwarderOptions> = {}) => {
    const created = await createUdpForwarder({ gatewayEui: EUI, serverPort: port, ...options });
    cleanUps.push(() => created.close());
    return created;
  };
  return { link, sink, clock, port, forwarder };
}

describe('listening', () => {
  test('tells the address really bound and the receive buffer granted', async () => {
    const { link, sink, port } = await startLink();
    expect(sink.states.map((state) => state.phase)).toEqual(['starting', 'running']);
    expect(port).toBeGreaterThan(1023);
    expect(link.receiveBufferBytes).toBeGreaterThan(100_000);
    expect(link.capabilities).toEqual({ leadTimeMs: 300, singleChannel: false });
  });

  test('a port in use leaves the link failed with its cause', async () => {
    const { port } = await startLink();
    const { sink } = await startLink({ port, explicitPort: true });
    expect(sink.states.at(-1)).toMatchObject({
      phase: 'failed',
      causeCode: 'gatehouse/link:port_busy',
      address: `127.0.0.1:${port}`,
    });
    expect(sink.states.at(-1)?.causeText).toContain(`127.0.0.1:${port}`);
  });

  test('an address this computer does not have is told apart', async () => {
    const { sink } = await startLink({ host: '192.0.2.1' });
    expect(sink.states.at(-1)?.causeCode).toBe('gatehouse/link:address_unavailable');
  });

  test('can be stopped and started again', async () => {
    const { link, sink } = await startLink();
    await link.stop();
    await link.start(sink);
    expect(sink.states.map((state) => state.phase)).toEqual([
      'starting',
      'running',
      'stopped',
      'starting',
      'running',
    ]);
  });
});

describe('uplinks', () => {
  test('are acknowledged with version and token, and handed on with the gateway', async () => {
    const { sink, forwarder } = await startLink();
    const gateway = await forwarder({ version: 1 });
    const answer = await gateway.push({ rxpk: [PACKET], stat: { rxnb: 3 } }, 0xabcd);
    expect(answer).toMatchObject({ version: 1, token: 0xabcd, type: 1, body: undefined });
    await sink.until(() => sink.statuses.length === 1);
    expect(sink.uplinks).toHaveLength(1);
    expect(sink.statuses[0]).toEqual({ gatewayEui: EUI, receivedCount: 3 });
    expect(sink.connections).toEqual([
      { gatewayEui: EUI, protocol: 'udp', remoteAddress: '127.0.0.1', downlinkReady: false },
    ]);
  });

  test('of many gateways arrive over one link', async () => {
    const { sink, link, forwarder } = await startLink();
    for (let count = 1; count <= 20; count += 1) {
      const gatewayEui = `AA555A00000001${count.toString(16).padStart(2, '0').toUpperCase()}`;
      const gateway = await forwarder({ gatewayEui });
      await gateway.push({ rxpk: [PACKET] });
    }
    await sink.until(() => sink.uplinks.length === 20);
    expect(new Set(sink.uplinks.map((uplink) => uplink.gatewayEui)).size).toBe(20);
    expect(link.gatewayCount).toBe(20);
  });

  test('that cannot be read are acknowledged, counted and shown', async () => {
    const { sink, link, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.push({ rxpk: [{ ...PACKET, data: '%' }, PACKET] });
    await sink.until(() => sink.uplinks.length === 1);
    expect(sink.malformedReports.map((report) => report.code)).toEqual(['gatehouse/udp:bad_data']);
    expect(link.counters()).toMatchObject({ datagrams: 1, uplinks: 1, malformed: 1, refused: 0 });
  });

  test('of a gateway that is not allowed get no answer', async () => {
    const { sink, forwarder, link } = await startLink({ allowlist: ['aa555a000000010b'] });
    const stranger = await forwarder({ gatewayEui: 'AA555A00000001FF' });
    const known = await forwarder();
    stranger.pushOnly({ rxpk: [PACKET] });
    await known.push({ rxpk: [PACKET] });
    await sink.until(() => sink.uplinks.length === 1 && sink.malformedReports.length === 1);
    expect(sink.malformedReports[0]?.code).toBe('gatehouse/udp:not_allowed');
    expect(link.gatewayCount).toBe(1);
  });
});

test('a gateway that has to authenticate itself is not served, and no longer once it is registered so', async () => {
  const { sink, clock, forwarder } = await startLink();
  const needy = new Set(['AA555A00000001AA']);
  sink.needsAuthentication = (eui) => needy.has(eui);
  const refused = await forwarder({ gatewayEui: 'AA555A00000001AA' });
  await refused.push({ rxpk: [PACKET] });
  await refused.pull();
  const served = await forwarder();
  await served.push({ rxpk: [PACKET] });
  await sink.until(() => sink.uplinks.length === 1);
  expect(sink.malformedReports.map(({ code }) => code)).toEqual([
    'gatehouse/udp:unauthenticated_gateway',
    'gatehouse/udp:unauthenticated_gateway',
  ]);
  expect(sink.connections.map(({ gatewayEui }) => gatewayEui)).toEqual([EUI]);
  needy.add(EUI);
  await clock.advance(10_000);
  expect(sink.disconnections).toMatchObject([{ gatewayEui: EUI }]);
  await served.push({ rxpk: [PACKET] });
  await sink.until(() => sink.malformedReports.length === 3);
  expect(sink.uplinks).toHaveLength(1);
});

describe('downlinks', () => {
  test('go to the source and version of the newest PULL_DATA, and their answer has a round trip', async () => {
    const { sink, link, clock, forwarder } = await startLink();
    const gateway = await forwarder();
    expect(await gateway.pull(7)).toMatchObject({ version: 2, token: 7, type: 4 });
    await sink.until(() => sink.connections.at(-1)?.downlinkReady === true);
    expect(sink.connections).toHaveLength(1);
    await gateway.push({ rxpk: [PACKET] });
    const coming = gateway.nextDownlink();
    const result = link.transmit(REQUEST);
    const downlink = await coming;
    expect(downlink).toMatchObject({ version: 2, type: 3 });
    expect(downlink.body?.txpk).toMatchObject({ tmst: 1_001_000, freq: 868.1, powe: 13 });
    await clock.advance(12);
    gateway.acknowledge(downlink.token);
    expect(await result).toEqual({ result: 'success', roundTripMs: 12 });
  });

  test('carry the power that the antenna needs, and answers tell what it radiated', async () => {
    const { link, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.pull();
    const coming = gateway.nextDownlink();
    const result = link.transmit({ ...REQUEST, eirpDbm: 29.15, antennaGainDbi: 6 });
    const { body, token } = await coming;
    // 29.15 dBm of EIRP less 6 dBi and the 2.15 dB between EIRP and ERP.
    expect(body?.txpk).toMatchObject({ powe: 21 });
    gateway.acknowledge(token, { txpk_ack: { warn: 'TX_POWER', value: 14 } });
    expect(await result).toMatchObject({ result: 'success', transmittedEirpDbm: 22.15 });
  });

  test('follow a gateway that moved', async () => {
    const { link, forwarder } = await startLink();
    const before = await forwarder();
    await before.pull();
    const after = await forwarder({ version: 1 });
    await after.pull();
    const coming = after.nextDownlink();
    const result = link.transmit(REQUEST);
    const downlink = await coming;
    expect(downlink.version).toBe(1);
    after.acknowledge(downlink.token, { txpk_ack: { error: 'TOO_LATE' } });
    expect(await result).toMatchObject({ result: 'too_late', detail: 'TOO_LATE' });
  });

  test('without an answer end after five seconds', async () => {
    const { link, clock, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.pull();
    const result = link.transmit(REQUEST);
    await clock.advance(5_000);
    expect(await result).toEqual({
      result: 'no_acknowledgment',
      detail: 'no TX_ACK came within 5 s',
    });
  });

  test('only the newest sixteen can be acknowledged', async () => {
    const { link, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.pull();
    const results = Array.from({ length: 17 }, () => link.transmit(REQUEST));
    expect(await results[0]).toMatchObject({ result: 'no_acknowledgment' });
    await link.stop();
    expect(await results[16]).toMatchObject({ detail: 'the link was stopped' });
  });

  test('to a gateway that never pulled have no path', async () => {
    const { link, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.push({});
    expect(await link.transmit(REQUEST)).toMatchObject({ result: 'no_acknowledgment' });
  });

  test('acknowledged with an unknown token are told', async () => {
    const { sink, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.pull();
    gateway.acknowledge(99);
    await sink.until(() => sink.malformedReports.length === 1);
    expect(sink.malformedReports[0]?.code).toBe('gatehouse/udp:unmatched_tx_ack');
  });
});

describe('silence', () => {
  test('of 90 s closes the downlink path, of 3 min the connection', async () => {
    const { sink, link, clock, forwarder } = await startLink();
    const gateway = await forwarder();
    await gateway.pull();
    await clock.advance(89_000);
    expect(sink.connections.at(-1)?.downlinkReady).toBe(true);
    await clock.advance(2_000);
    expect(sink.connections.at(-1)?.downlinkReady).toBe(false);
    expect(await link.transmit(REQUEST)).toMatchObject({ result: 'no_acknowledgment' });
    await clock.advance(90_000);
    expect(sink.disconnections.map((gone) => gone.gatewayEui)).toEqual([EUI]);
    await gateway.pull();
    expect(sink.connections.at(-1)?.downlinkReady).toBe(true);
  });
});

describe('two gateways with one EUI', () => {
  test('at two addresses are told once a minute', async () => {
    const { sink, forwarder } = await startLink();
    const one = await forwarder();
    const two = await forwarder({ from: '127.0.0.2' });
    for (let count = 0; count < 3; count += 1) {
      await one.push({ rxpk: [PACKET] });
      await two.push({ rxpk: [PACKET] });
    }
    await sink.until(() => sink.uplinks.length === 6);
    const collisions = sink.malformedReports.filter(
      (report) => report.code === 'gatehouse/udp:eui_collision',
    );
    expect(collisions).toHaveLength(1);
    expect(collisions[0]?.detail).toContain('127.0.0.2');
  });

  test('that take turns at one address are told; one that restarted is not', async () => {
    const { sink, forwarder } = await startLink();
    const one = await forwarder();
    const two = await forwarder();
    await one.pull();
    await two.pull();
    expect(sink.malformedReports).toEqual([]);
    await one.pull();
    expect(sink.malformedReports.map((report) => report.code)).toEqual([
      'gatehouse/udp:eui_collision',
    ]);
  });
});

describe('a flood of invented gateways', () => {
  test('does not keep a real one out', { timeout: 60_000 }, async () => {
    const { sink, link, forwarder } = await startLink();
    const flood = await forwarder();
    for (let number = 1; number <= 5_000; number += 1) {
      const pull = Buffer.alloc(12);
      pull.set([2, 0, 0, 2]);
      pull.writeUInt32BE(number, 8);
      flood.sendRaw(pull);
      if (number % 16 === 0) await turn();
    }
    const isFull = () => sink.malformedReports.at(-1)?.code === 'gatehouse/udp:too_many_gateways';
    await sink.until(isFull);
    const gateway = await forwarder({ gatewayEui: 'AA555A00000001FF' });
    await gateway.push({ rxpk: [PACKET] });
    await sink.until(() => sink.uplinks.length === 1);
    expect(sink.disconnections).toHaveLength(1);
    expect(link.gatewayCount).toBe(4096);
  });
});

describe('a hundred thousand hostile datagrams', () => {
  test('leave the link working and its memory bounded', { timeout: 120_000 }, async () => {
    const { sink, link, forwarder } = await startLink();
    const gateway = await forwarder();
    const pool = fc.sample(fc.uint8Array({ maxLength: 200 }), 500).map((bytes, index) => {
      // Half of them look like a gateway at first sight.
      if (index % 2 === 0) return bytes;
      return Uint8Array.of(1 + (index % 2), 0, 0, [0, 2, 5, 3][index % 4] ?? 0, ...bytes);
    });
    const keep = sink.malformed;
    let reports = 0;
    sink.malformed = () => {
      reports += 1;
    };
    for (let sent = 0; sent < 100_000; sent += 1) {
      const bytes = Uint8Array.from(pool[sent % pool.length] ?? []);
      if (bytes.length > 12) bytes.set([sent & 0xff, (sent >> 8) & 0xff, sent >> 16], 5);
      gateway.sendRaw(bytes);
      if (sent % 16 === 0) await turn();
    }
    sink.malformed = keep;
    globalThis.gc?.();
    const usedBefore = process.memoryUsage().heapUsed;
    expect((await gateway.push({ rxpk: [PACKET] }, 0x7777)).token).toBe(0x7777);
    await sink.until(() => sink.uplinks.length === 1);
    expect(link.counters().datagrams).toBeGreaterThan(90_000);
    expect(reports).toBeGreaterThan(70_000);
    expect(link.gatewayCount).toBeLessThanOrEqual(4096);
    expect(usedBefore).toBeLessThan(200 * 1024 * 1024);
  });
});
