/** The join server as its clients see it: JoinEUIs, joins asked for over gRPC, and keys of sessions. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppJs } from '../main/api/gen/ttn/lorawan/v3/joinserver_pb.js';
import type { Caller } from '../main/rpc/call.ts';
import { type GrpcCall, grpcClient } from './support/grpc-client.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { openInProcessApp } from './support/in-process-app.ts';
import { type Json, programApi } from './support/program-api.ts';
import { joinRequest, openJoinAccept } from './support/radio-fleet.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-join-'));
const APP_KEY = Buffer.from('8AFE71A145B253E49C3031AD068277A1', 'hex');
const OTAA = { joinEui: '70B3D57ED0000001', devEui: '0004A30B001C0530' };
const DEVICE = {
  ids: {
    device_id: 'door-7',
    application_ids: { application_id: 'lab' },
    dev_eui: OTAA.devEui,
    join_eui: OTAA.joinEui,
  },
  root_keys: { app_key: { key: APP_KEY.toString('hex') } },
};
const DEVICE_IDS = { ids: { ...DEVICE.ids, device_id: 'door-8', dev_eui: '0004A30B001C0538' } };
let program: HeadlessProcess;
let ns: GrpcCall;

beforeAll(async () => {
  program = await startHeadless(directory, [
    '--join-eui-prefix',
    '70B3D57ED0000000/36',
    '--join-eui-prefix',
    'AC00000000000000/8',
  ]);
  ns = grpcClient(program, 'joinserver.proto', 'NsJs');
  const api = programApi(program);
  await api('PUT', '/js/applications/lab/devices/door-7', {
    end_device: DEVICE,
    field_mask: { paths: ['root_keys.app_key.key'] },
  });
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

const question = (devNonce: number, change: Json = {}): Json => ({
  raw_payload: joinRequest(OTAA, APP_KEY, devNonce),
  selected_mac_version: 'MAC_V1_0_3',
  dev_addr: Buffer.from('02AB0001', 'hex'),
  net_id: Buffer.from('000001', 'hex'),
  downlink_settings: { rx2_dr: 'DATA_RATE_3' },
  rx_delay: 'RX_DELAY_5',
  ...change,
});

const session = (answer: Json) => answer.session_keys as Record<string, { key: Buffer } & Buffer>;

const euis = {
  join_eui: Buffer.from(OTAA.joinEui, 'hex'),
  dev_eui: Buffer.from(OTAA.devEui, 'hex'),
};

test('anybody learns which JoinEUIs this network answers', async () => {
  const get = async (path: string) => {
    const answer = await fetch(`http://${program.addresses.http}/api/v3${path}`);
    return [answer.status, await answer.json()];
  };
  expect(await get('/js/join_eui_prefixes')).toEqual([
    200,
    {
      prefixes: [
        { join_eui: '70B3D57ED0000000', length: 36 },
        { join_eui: 'AC00000000000000', length: 8 },
      ],
    },
  ]);
  expect(await get('/js/default_join_eui')).toEqual([200, { join_eui: '70B3D57ED0000000' }]);
});

test('a join asked for over gRPC gives the keys the device derives, and hands them out again', async () => {
  const channels = { type: 'FREQUENCIES', freq: [8671000, 8673000] };
  const answer = await ns('HandleJoin', question(1, { cf_list: channels }));
  const joinAccept = answer.raw_payload as Buffer;
  expect(joinAccept.length).toBe(33);
  const keys = openJoinAccept(joinAccept, APP_KEY, 1);
  if (!keys) throw new Error('the device could not read the join-accept');
  expect(keys.devAddr.toUpperCase()).toBe('02AB0001');
  const { f_nwk_s_int_key, s_nwk_s_int_key, app_s_key, session_key_id } = session(answer);
  expect(f_nwk_s_int_key?.key).toEqual(keys.nwkSKey);
  expect(s_nwk_s_int_key).toBeUndefined();
  expect(app_s_key?.key).toEqual(keys.appSKey);
  expect(session_key_id).toHaveLength(16);

  const which = { ...euis, session_key_id };
  for (const service of ['AsJs', 'AppJs']) {
    const call = grpcClient(program, 'joinserver.proto', service);
    expect(await call('GetAppSKey', which)).toMatchObject({ app_s_key: { key: keys.appSKey } });
  }
  const networkKey = { key: keys.nwkSKey };
  expect(await ns('GetNwkSKeys', which)).toMatchObject({
    f_nwk_s_int_key: networkKey,
    s_nwk_s_int_key: networkKey,
    nwk_s_enc_key: networkKey,
  });
});

const foreign = { joinEui: 'BC00000000000000', devEui: OTAA.devEui };
const stranger = { joinEui: OTAA.joinEui, devEui: '0004A30B001C0531' };
const withMhdr = (mhdr: number): Buffer => {
  const frame = Buffer.from(joinRequest(OTAA, APP_KEY, 9));
  frame[0] = mhdr;
  return frame;
};
test.each([
  [{ selected_mac_version: 'MAC_UNKNOWN' }, 3, 'mac_version'],
  [{ raw_payload: withMhdr(0x01) }, 3, 'lorawan_major_version'],
  [{ raw_payload: withMhdr(0x40) }, 3, 'payload_type'],
  [
    { raw_payload: joinRequest({ ...OTAA, devEui: '0000000000000000' }, APP_KEY, 9) },
    3,
    'no_dev_eui',
  ],
  [{ raw_payload: joinRequest(foreign, APP_KEY, 9) }, 3, 'unknown_join_eui'],
  [{ raw_payload: joinRequest(stranger, APP_KEY, 9) }, 5, 'registry_operation'],
  [{ raw_payload: joinRequest(OTAA, Buffer.alloc(16, 1), 9) }, 3, 'mic_mismatch'],
  [{ selected_mac_version: 'MAC_V1_1' }, 9, 'no_nwk_key'],
])('a join that cannot be granted is refused by name: %j', async (change, code, name) => {
  await expect(ns('HandleJoin', question(9, change))).rejects.toMatchObject({
    code,
    details: expect.stringContaining(`error:pkg/joinserver:${name} `),
  });
});

test('a DevNonce counts once, also over gRPC', async () => {
  await ns('HandleJoin', question(21));
  await expect(ns('HandleJoin', question(21))).rejects.toMatchObject({
    code: 3,
    details: expect.stringContaining('error:pkg/joinserver:reuse_dev_nonce '),
  });
});

test('keys of sessions and devices nobody knows are not found; without credentials nothing is told', async () => {
  const app = grpcClient(program, 'joinserver.proto', 'AppJs');
  const notFound = {
    code: 5,
    details: expect.stringContaining('error:pkg/joinserver:registry_operation '),
  };
  await expect(app('GetAppSKey', { ...euis, session_key_id: Buffer.of(1) })).rejects.toMatchObject(
    notFound,
  );
  const other = { ...euis, dev_eui: Buffer.from(stranger.devEui, 'hex') };
  await expect(app('GetAppSKey', other)).rejects.toMatchObject(notFound);
  await expect(app('GetAppSKey', euis, '')).rejects.toMatchObject({ code: 16 });
  await expect(ns('GetNwkSKeys', euis, '')).rejects.toMatchObject({ code: 16 });
});

test('devices of a provisioner are refused: there is none', async () => {
  const answer = await fetch(
    `http://${program.addresses.http}/api/v3/js/applications/lab/provision-devices`,
    {
      method: 'PUT',
      headers: { authorization: `Bearer ${API_KEY}` },
      body: JSON.stringify({ provisioner_id: 'microchip' }),
    },
  );
  expect(await answer.text()).toContain('error:pkg/joinserver:provisioner_not_found ');
});

test('when a device was heard only moves forward, whoever tells it', async () => {
  const api = programApi(program);
  await api('POST', '/applications/lab/devices', { end_device: DEVICE_IDS });
  const call = grpcClient(program, 'end_device_services.proto', 'EndDeviceRegistry');
  const ids = { device_id: 'door-8', application_ids: { application_id: 'lab' } };
  const nobody = { ...ids, device_id: 'nobody' };
  for (const seconds of [1_900_000_000, 1_800_000_000]) {
    const last_seen_at = { seconds };
    await call('BatchUpdateLastSeen', {
      updates: [ids, nobody].map((one) => ({ ids: one, last_seen_at })),
    });
  }
  const path = '/applications/lab/devices/door-8?field_mask=last_seen_at,activated_at';
  const device = await api('GET', path);
  expect(device.last_seen_at).toBe(new Date(1_900_000_000_000).toISOString().replace('.000', ''));
  expect(device).not.toHaveProperty('activated_at');
});

test('an application key reads the keys of its own devices if it has the right to', async () => {
  const lab = await openInProcessApp();
  const key = (rights: string[], applicationId = 'lab'): Caller => ({
    kind: 'api_key',
    keyId: 'KEY',
    name: 'mine',
    rights: new Set(rights),
    admin: false,
    applicationId,
  });
  const as = (caller: Caller): Client<typeof AppJs> =>
    createClient(
      AppJs,
      createConnectTransport({
        baseUrl: 'http://127.0.0.1',
        fetch: (input, init) => lab.app.handle(new Request(input, init), caller),
      }),
    );
  await lab.call('PUT', '/js/applications/lab/devices/door-7', {
    end_device: DEVICE,
    field_mask: { paths: ['root_keys.app_key.key'] },
  });
  const which = {
    joinEui: new Uint8Array(euis.join_eui),
    devEui: new Uint8Array(euis.dev_eui),
    sessionKeyId: Uint8Array.of(1),
  };
  const readKeys = 'RIGHT_APPLICATION_DEVICES_READ_KEYS';
  const refusedWith = (name: string) => ({ rawMessage: expect.stringContaining(`:${name} `) });
  await expect(as(key([readKeys])).getAppSKey(which)).rejects.toMatchObject(
    refusedWith('registry_operation'),
  );
  await expect(as(key(['RIGHT_APPLICATION_INFO'])).getAppSKey(which)).rejects.toMatchObject(
    refusedWith('insufficient_application_rights'),
  );
  await expect(as(key([readKeys], 'other')).getAppSKey(which)).rejects.toMatchObject(
    refusedWith('no_application_rights'),
  );
  const unknown = { ...which, devEui: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) };
  await expect(as(key([readKeys])).getAppSKey(unknown)).rejects.toMatchObject(
    refusedWith('no_application_rights'),
  );
  expect(lab.log.join('\n')).not.toContain(API_KEY);
  await lab.close();
});
