import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AbpDevice, registerAbpDevice } from './support/abp-device.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { type Api, programApi, udpLinkStatus } from './support/program-api.ts';
import { rxpkOf } from './support/udp-conversation.ts';
import { createUdpForwarder, type UdpForwarder } from './support/udp-forwarder.ts';

const NEAR_EUI = 'AA555A0000000D01';
const FAR_EUI = 'AA555A0000000D02';
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-downlink-ways-'));
const forwarders: UdpForwarder[] = [];
let program: HeadlessProcess;
let api: Api;
let near: UdpForwarder;
let far: UdpForwarder;

async function startAll(): Promise<void> {
  program = await startHeadless(directory);
  api = programApi(program);
  const serverPort = Number(program.addresses.udp?.split(':')[1]);
  near = await createUdpForwarder({ gatewayEui: NEAR_EUI, serverPort });
  far = await createUdpForwarder({ gatewayEui: FAR_EUI, serverPort });
  forwarders.push(near, far);
}
beforeAll(startAll);
afterAll(async () => {
  await Promise.all(forwarders.map((forwarder) => forwarder.close()));
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

const isFor = (device: AbpDevice) => (txpk: Readonly<Record<string, unknown>>) =>
  device.open(Buffer.from(String(txpk.data), 'base64')) !== undefined;

test('what the best gateway does not transmit in RX1 and RX2 goes through another one', async () => {
  const device = await registerAbpDevice(api, {
    applicationId: 'lab',
    deviceId: 'ways-1',
    devAddr: '02ABDD01',
  });
  await Promise.all([near.pull(), far.pull()]);
  const wanted = isFor(device);
  const first = near.nextDownlink(wanted);
  const frame = device.uplink({ confirmed: true });
  far.pushOnly({ rxpk: [{ ...rxpkOf(frame, 70_000_000), rssi: -115, lsnr: -8 }] });
  // The time as in the example of the protocol, which GPS receivers make.
  const time = '2013-03-31T16:21:17.528002Z';
  near.pushOnly({ rxpk: [{ ...rxpkOf(frame, 50_000_000), time }] });
  const inRx1 = await first;
  expect(inRx1.body?.txpk).toMatchObject({ tmst: 51_000_000, freq: 868.1, datr: 'SF7BW125' });

  const second = near.nextDownlink(wanted);
  near.acknowledge(inRx1.token, { txpk_ack: { error: 'TOO_LATE' } });
  const inRx2 = await second;
  expect(inRx2.body?.txpk).toMatchObject({ tmst: 52_000_000, freq: 869.525, datr: 'SF12BW125' });

  const third = far.nextDownlink(wanted);
  near.acknowledge(inRx2.token, { txpk_ack: { error: 'COLLISION_PACKET' } });
  const elsewhere = await third;
  expect([71_000_000, 72_000_000]).toContain(elsewhere.body?.txpk?.tmst);
  far.acknowledge(elsewhere.token);

  await expect
    .poll(async () => JSON.stringify(await api('GET', '/gatehouse/frames?limit=20')))
    .toContain(`"gateway_time":"${time}"`);
  await expect
    .poll(async () => {
      const { frames } = (await api('GET', '/gatehouse/frames?limit=20')) as {
        frames: Record<string, Record<string, unknown>>[];
      };
      const downlink = frames.find(({ transmission }) => transmission !== undefined);
      return downlink && [downlink.transmission?.gateway_id, downlink.transmission?.result];
    })
    .toEqual(['eui-aa555a0000000d02', 'success']);
});

test('the gain of the antenna lowers the power that the forwarder is told', async () => {
  await api('PUT', '/gateways/eui-aa555a0000000d01', {
    gateway: { antennas: [{ gain: 6 }] },
    field_mask: { paths: ['antennas'] },
  });
  const device = await registerAbpDevice(api, {
    applicationId: 'lab',
    deviceId: 'ways-2',
    devAddr: '02ABDD02',
  });
  await near.pull();
  const coming = near.nextDownlink(isFor(device));
  near.pushOnly({ rxpk: [rxpkOf(device.uplink({ confirmed: true }), 150_000_000)] });
  const { body, token } = await coming;
  near.acknowledge(token);
  // 16.15 dBm of EIRP less 6 dBi and 2.15 dB.
  expect(body?.txpk).toMatchObject({ tmst: 151_000_000, powe: 8 });
});

test('a gateway registered as one that authenticates itself is not served by whoever sends its EUI', async () => {
  const gatewayEui = 'AA555A0000000D09';
  await api('POST', '/users/admin/gateways', {
    gateway: {
      ids: { gateway_id: 'vault', eui: gatewayEui },
      require_authenticated_connection: true,
    },
  });
  const serverPort = Number(program.addresses.udp?.split(':')[1]);
  const pretender = await createUdpForwarder({ gatewayEui, serverPort });
  forwarders.push(pretender);
  await pretender.push({ rxpk: [rxpkOf(Buffer.from('40010203040000000111223344', 'hex'), 1)] });
  await expect
    .poll(async () => (await udpLinkStatus(api)).malformed)
    .toEqual({ 'gatehouse/udp:unauthenticated_gateway': 1 });
  const { gateways } = await udpLinkStatus(api);
  expect(gateways.map(({ gateway_eui }) => gateway_eui)).not.toContain(gatewayEui);
});

test('a downlink for a class C device that was queued before a restart is sent without an uplink after it', async () => {
  const device = await registerAbpDevice(api, {
    applicationId: 'lab',
    deviceId: 'ways-3',
    devAddr: '02ABDD03',
    supportsClassC: true,
  });
  // Heard, but nothing can be sent: there was no PULL_DATA of this third gateway.
  const serverPort = Number(program.addresses.udp?.split(':')[1]);
  const gatewayEui = 'AA555A0000000D03';
  const mute = await createUdpForwarder({ gatewayEui, serverPort });
  forwarders.push(mute);
  await mute.push({ rxpk: [rxpkOf(device.uplink(), 10_000_000)] });
  await api('POST', '/as/applications/lab/devices/ways-3/down/push', {
    downlinks: [{ f_port: 5, frm_payload: Buffer.from('on').toString('base64') }],
  });
  const end = '/ns/applications/lab/devices/ways-3?field_mask=mac_state.recent_uplinks';
  await expect
    .poll(async () => JSON.stringify(await api('GET', end)))
    .toContain('eui-aa555a0000000d03');
  await program.stop();
  await startAll();
  const again = await createUdpForwarder({
    gatewayEui,
    serverPort: Number(program.addresses.udp?.split(':')[1]),
  });
  forwarders.push(again);
  const coming = again.nextDownlink(isFor(device));
  await again.pull();
  const { body, token } = await coming;
  again.acknowledge(token);
  expect(body?.txpk).toMatchObject({ imme: true, freq: 869.525, datr: 'SF12BW125' });
  const opened = device.open(Buffer.from(String(body?.txpk?.data), 'base64'));
  expect(opened?.payload.toString()).toBe('on');
});
