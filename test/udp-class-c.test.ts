import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, createClient, type Interceptor } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gs } from '../main/api/gen/ttn/lorawan/v3/gatewayserver_pb.js';
import { registerAbpDevice } from './support/abp-device.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { programApi } from './support/program-api.ts';
import { rxpkOf } from './support/udp-conversation.ts';
import { createUdpForwarder, type UdpForwarder } from './support/udp-forwarder.ts';

const GATEWAY_EUI = 'AA555A0000000C01';
const GATEWAY_ID = 'eui-aa555a0000000c01';
const QUEUE = '/as/applications/lab/devices/lamp-1/down';
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-class-c-'));
let program: HeadlessProcess;
let forwarder: UdpForwarder;

beforeAll(async () => {
  program = await startHeadless(directory);
  const serverPort = Number(program.addresses.udp?.split(':')[1]);
  forwarder = await createUdpForwarder({ gatewayEui: GATEWAY_EUI, serverPort });
});
afterAll(async () => {
  await forwarder.close();
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('a class C device is reached through a chosen gateway, before its first uplink and after', async () => {
  const api = programApi(program);
  const lamp = await registerAbpDevice(api, {
    applicationId: 'lab',
    deviceId: 'lamp-1',
    devAddr: '02ABCC01',
    supportsClassC: true,
  });
  await forwarder.pull();
  const send = async (text: string) => {
    const downlink = forwarder.nextDownlink(({ data }) => {
      const opened = lamp.open(Buffer.from(String(data), 'base64'));
      return opened?.payload.toString() === text;
    });
    await api('POST', `${QUEUE}/push`, {
      downlinks: [
        {
          f_port: 5,
          frm_payload: Buffer.from(text).toString('base64'),
          class_b_c: { gateways: [{ gateway_ids: { gateway_id: GATEWAY_ID }, antenna_index: 1 }] },
        },
      ],
    });
    const { token, body } = await downlink;
    forwarder.acknowledge(token);
    return body?.txpk;
  };
  // Nothing of the gateway's counter is known yet.
  expect(await send('on')).toMatchObject({
    imme: true,
    freq: 869.525,
    datr: 'SF12BW125',
    ant: 1,
    ipol: true,
  });

  await forwarder.push({ rxpk: [rxpkOf(lamp.uplink(), 50_000_000)] });
  const txpk = await send('off');
  expect(txpk).toMatchObject({ freq: 869.525, datr: 'SF12BW125', ant: 1 });
  // Not in the windows of the uplink, the last of which opens 2 s after it.
  const afterMs = Number(txpk?.tmst) / 1_000 - 50_000;
  expect(afterMs).toBeGreaterThanOrEqual(2_000);
  await expect.poll(async () => (await api('GET', QUEUE)).downlinks ?? []).toEqual([]);
});

test('the connection of that gateway in numbers, over REST and gRPC', async () => {
  const api = programApi(program);
  const stats = await api('GET', `/gs/gateways/${GATEWAY_ID}/connection/stats`);
  expect(stats).toMatchObject({
    protocol: 'udp',
    gateway_remote_address: { ip: '127.0.0.1' },
    uplink_count: '1',
    round_trip_times: { median: expect.stringMatching(/^0\.\d+s$/) },
  });
  expect(Number(stats.downlink_count)).toBeGreaterThanOrEqual(2);
  const used = (stats.sub_bands as { min_frequency: string; downlink_utilization?: number }[]).find(
    ({ min_frequency }) => min_frequency === '869400000',
  );
  expect(used?.downlink_utilization).toBeGreaterThan(0);

  const many = await api('POST', '/gs/gateways/connection/stats', {
    gateway_ids: [{ gateway_id: GATEWAY_ID }, { gateway_id: 'nobody' }],
    field_mask: { paths: ['protocol', 'uplink_count'] },
  });
  expect(many).toEqual({ entries: { [GATEWAY_ID]: { protocol: 'udp', uplink_count: '1' } } });

  const authorize: Interceptor = (next) => (request) => {
    request.header.set('authorization', `Bearer ${API_KEY}`);
    return next(request);
  };
  const baseUrl = `http://${program.addresses.grpc}`;
  const gateways = createClient(Gs, createGrpcTransport({ baseUrl, interceptors: [authorize] }));
  const answer = await gateways.getGatewayConnectionStats({ gatewayId: GATEWAY_ID });
  expect(answer).toMatchObject({ protocol: 'udp', uplinkCount: 1n });
  await expect(gateways.getGatewayConnectionStats({ gatewayId: 'nobody' })).rejects.toMatchObject({
    code: Code.NotFound,
  });
  const stranger = createClient(Gs, createGrpcTransport({ baseUrl }));
  await expect(stranger.getGatewayConnectionStats({ gatewayId: GATEWAY_ID })).rejects.toMatchObject(
    { code: Code.PermissionDenied },
  );
});
