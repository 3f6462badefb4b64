import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Direction } from '../main/api/gen/gatehouse/v1/frames_pb.js';
import { ApplicationAccess } from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import { ApplicationUpStorage } from '../main/api/gen/ttn/lorawan/v3/applicationserver_integrations_storage_pb.js';
import { Right } from '../main/api/gen/ttn/lorawan/v3/rights_pb.js';
import { type AbpDevice, registerAbpDevice } from './support/abp-device.ts';
import { type InProcessApp, openInProcessApp } from './support/in-process-app.ts';
import { CARRIERS, refusalOf, type ServedApi, serveApp } from './support/served-app.ts';

const applicationIds = { applicationId: 'lab' };
const SCRIPT = `function decodeUplink(input) { return { data: { first: input.bytes[0] } } }`;
const MINUTE_MS = 60_000;
const WINDOW_MS = 250;
let program: InProcessApp;
let api: ServedApi;
let startMs: number;

/** Two devices say their numbers in turn, a minute apart: odd ones the first, even ones the other. */
beforeAll(async () => {
  program = await openInProcessApp();
  api = await serveApp(program.app);
  startMs = program.clock.now();
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await program.call(method, path, body);
    expect(answer.status, JSON.stringify(answer.json)).toBe(200);
    return answer.json;
  };
  const register = (deviceId: string, devAddr: string, script?: string): Promise<AbpDevice> =>
    registerAbpDevice(call, {
      applicationId: 'lab',
      deviceId,
      devAddr,
      ...(script !== undefined && { script }),
    });
  const odd = await register('odd', '02000001', SCRIPT);
  const even = await register('even', '02000002');
  const decided = new Set<bigint>();
  program.store.frames.onFrame(({ direction, id }) => {
    if (direction === Direction.UPLINK) decided.add(id);
  });
  for (let number = 1; number <= 6; number += 1) {
    const device = number % 2 === 1 ? odd : even;
    await program.hear(device.uplink({ payload: Uint8Array.of(number), confirmed: number === 6 }));
    // The frame is decided after the window in which its receptions are collected; its formatter needs real time.
    await program.clock.advance(WINDOW_MS);
    await vi.waitFor(() => expect(decided.size).toBe(number), { timeout: 15_000 });
    await program.clock.advance(MINUTE_MS - WINDOW_MS);
  }
  await program.store.frames.flush();
});
afterAll(async () => {
  await api.stop();
  await program.close();
});

describe.each(CARRIERS)('over %s', (carrier) => {
  const storage = (token?: string) =>
    createClient(ApplicationUpStorage, api.transport(carrier, token));

  async function read(request: object, token?: string) {
    let header = new Headers();
    const options = {
      onHeader(headers: Headers) {
        header = headers;
      },
    };
    const ups = [];
    for await (const up of storage(token).getStoredApplicationUp(request, options)) ups.push(up);
    const numbers = ups.map(({ up }) =>
      up.case === 'uplinkMessage' ? up.value.frmPayload[0] : up.case,
    );
    return { ups, numbers, header };
  }

  test('uplinks are there with payload, radio and what the formatter made of them', async () => {
    const { ups, numbers } = await read({ applicationIds, type: 'uplink_message' });
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ups[0]).toMatchObject({
      endDeviceIds: { deviceId: 'odd', applicationIds, devAddr: Uint8Array.of(2, 0, 0, 1) },
      receivedAt: expect.anything(),
      up: {
        case: 'uplinkMessage',
        value: {
          fPort: expect.any(Number),
          fCnt: 0,
          decodedPayload: { first: 1 },
          confirmed: false,
          rxMetadata: [{ gatewayIds: { gatewayId: 'eui-aa555a0000000101' } }],
          settings: { dataRate: { modulation: { case: 'lora' } } },
        },
      },
    });
    const last = ups.at(-1)?.up;
    expect(last).toMatchObject({ value: { confirmed: true, fCnt: 2 } });
    expect(last?.case === 'uplinkMessage' && last.value.consumedAirtime?.nanos).toBeGreaterThan(0);
  });

  test('device, port, times and order narrow and turn the answer', async () => {
    const endDeviceIds = { applicationIds, deviceId: 'even' };
    expect((await read({ endDeviceIds })).numbers).toEqual([2, 4, 6]);
    expect((await read({ endDeviceIds, order: '-received_at' })).numbers).toEqual([6, 4, 2]);
    const after = timestampFromMs(startMs + 2.5 * MINUTE_MS);
    const before = timestampFromMs(startMs + 4.5 * MINUTE_MS);
    expect((await read({ applicationIds, after, before })).numbers).toEqual([4, 5]);
    expect((await read({ applicationIds, before, order: '-received_at' })).numbers).toEqual([
      5, 4, 3, 2, 1,
    ]);
    const last = { seconds: 2n * 60n + 30n, nanos: 0 };
    expect((await read({ applicationIds, last })).numbers).toEqual([5, 6]);
    expect((await read({ applicationIds, fPort: 200 })).numbers).toEqual([]);
    const fPort = (await read({ applicationIds, limit: 1 })).ups[0]?.up;
    const port = fPort?.case === 'uplinkMessage' ? fPort.value.fPort : 0;
    expect((await read({ applicationIds, fPort: port })).numbers).toHaveLength(6);
  });

  test.each(['received_at', '-received_at'])(
    'a token goes on where an answer ended, %s',
    async (order) => {
      const all = (await read({ applicationIds, order })).numbers;
      const first = await read({ applicationIds, order, limit: 4 });
      expect(first.numbers).toEqual(all.slice(0, 4));
      const continuationToken = first.header.get('x-continuation-token') ?? '';
      const rest = await read({ applicationIds, continuationToken });
      expect(rest.numbers).toEqual(all.slice(4));
      expect(rest.header.get('x-continuation-token')).toBeNull();
      const exact = await read({ applicationIds, order, limit: 6 });
      expect(exact.header.get('x-continuation-token')).toBeNull();
    },
  );

  test('a mask leaves the rest out', async () => {
    const fieldMask = { paths: ['up.uplink_message.frm_payload'] };
    const [up] = (await read({ applicationIds, limit: 1, fieldMask })).ups;
    expect(up).toMatchObject({ endDeviceIds: { deviceId: 'odd' } });
    expect(up?.up.value).toMatchObject({ frmPayload: Uint8Array.of(1), rxMetadata: [], fPort: 0 });
    const unknown = read({ applicationIds, fieldMask: { paths: ['payload'] } });
    expect(await refusalOf(unknown)).toMatchObject({ name: 'field_mask_paths' });
  });

  test('what frames cannot give is said', async () => {
    const { numbers, header } = await read({ applicationIds, type: 'downlink_ack' });
    expect(numbers).toEqual([]);
    expect(header.get('warning')).toContain('uplink_message and join_accept');
  });

  test('messages are counted by type', async () => {
    const counted = (request: object) => storage().getStoredApplicationUpCount(request);
    expect((await counted({ applicationIds })).count).toEqual({ uplink_message: 6 });
    const endDeviceIds = { applicationIds, deviceId: 'odd' };
    const after = timestampFromMs(startMs + MINUTE_MS);
    expect((await counted({ endDeviceIds, after })).count).toEqual({ uplink_message: 2 });
    expect((await counted({ applicationIds, type: 'join_accept' })).count).toEqual({});
  });

  test('they are for those who may read traffic', async () => {
    expect(await refusalOf(read({}))).toMatchObject({ name: 'no_identifiers', code: 3 });
    const bad = read({ applicationIds, continuationToken: 'bm9uc2Vuc2U' });
    expect(await refusalOf(bad)).toMatchObject({ name: 'continuation_token', code: 3 });
    const access = createClient(ApplicationAccess, api.transport(carrier));
    const { key } = await access.createAPIKey({ applicationIds, rights: [Right.APPLICATION_INFO] });
    expect(await refusalOf(read({ applicationIds }, key))).toMatchObject({
      name: 'insufficient_application_rights',
      attributes: { missing: ['RIGHT_APPLICATION_TRAFFIC_READ'] },
    });
    const count = storage(key).getStoredApplicationUpCount({ applicationIds });
    expect(await refusalOf(count)).toMatchObject({ code: 7 });
  });
});

test('every REST binding', async () => {
  const of = '/as/applications/lab';
  const { lines, headers } = await api.restStream(`${of}/packages/storage/uplink_message?limit=2`);
  expect(lines).toMatchObject([
    { result: { end_device_ids: { device_id: 'odd' }, uplink_message: { frm_payload: 'AQ==' } } },
    { result: { end_device_ids: { device_id: 'even' }, uplink_message: { frm_payload: 'Ag==' } } },
  ]);
  const token = headers.get('x-continuation-token') ?? '';
  const next = await api.restStream(
    `${of}/packages/storage/uplink_message?continuation_token=${token}`,
  );
  expect(next.lines).toMatchObject([
    { result: { uplink_message: { frm_payload: 'Aw==' } } },
    { result: { uplink_message: { frm_payload: 'BA==' } } },
  ]);
  const device = await api.restStream(
    `${of}/devices/even/packages/storage/uplink_message?order=-received_at&limit=1`,
  );
  expect(device.lines).toMatchObject([{ result: { uplink_message: { frm_payload: 'Bg==' } } }]);
  const counted = await api.rest('GET', `${of}/packages/storage/uplink_message/count`);
  expect(counted.json).toEqual({ count: { uplink_message: 6 } });
  const ofDevice = await api.rest('GET', `${of}/devices/odd/packages/storage/uplink_message/count`);
  expect(ofDevice.json).toEqual({ count: { uplink_message: 3 } });
  const unknown = await api.rest('GET', `${of}/packages/storage/everything/count`);
  expect(unknown).toMatchObject({ status: 400, json: { details: [{ name: 'validation' }] } });
});
