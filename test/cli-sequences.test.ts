/**
 * The calls of The Things Stack's command line for devices, in its order and with its metadata. Messages are built
 * from published field numbers, so a wrong number, type or mask on our side does not read back right here.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import type { Json } from './support/program-api.ts';
import { refusalOf, type StackClient, stackClient } from './support/stack-client.ts';
import {
  addresses,
  addressPaths,
  application_ids,
  codeOf,
  HOST,
  hex,
  masked,
  pump,
  pumpIdentity,
  pumpNetwork,
  STATUS_NOT_FOUND,
  stamped,
  time,
} from './support/stack-commands.ts';
import getPaths from './testdata/stack-get-paths.json' with { type: 'json' };

const APP_KEY = hex('2B7E151628AED2A6ABF7158809CF4F3C');

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
let program: HeadlessProcess;
let stack: StackClient;

beforeAll(async () => {
  program = await startHeadless(directory);
  stack = stackClient(program.addresses.grpc ?? '');
});
afterAll(async () => {
  stack.close();
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

const call = async (service: string, method: string, request: Json = {}): Promise<Json> =>
  (await stack.call(service, method, request)).message;

/** Reads a device from the servers in the order of `get`, and puts their answers together. */
async function getFromAll(end_device_ids: Json, servers: readonly (keyof typeof getPaths)[]) {
  let device: Json = {};
  for (const server of servers) {
    const request = { end_device_ids, ...masked(...getPaths[server]) };
    device = { ...device, ...stamped(await call(server, 'Get', request)) };
  }
  return device;
}

const EVERY_SERVER = [
  'EndDeviceRegistry',
  'JsEndDeviceRegistry',
  'AsEndDeviceRegistry',
  'NsEndDeviceRegistry',
] as const;

test('auth-info says what the key may do', async () => {
  const info = await call('EntityAccess', 'AuthInfo');
  expect(info).toMatchObject({
    access_method: 'api_key',
    api_key: { api_key: { id: 'TESTKEY' } },
    is_admin: true,
  });
  const { rights } = info.universal_rights as { rights: string[] };
  expect(rights).toContain('RIGHT_ALL');
  expect(JSON.stringify(info)).not.toContain('TESTSECRET');
});

test('applications create stores what the command line fills in', async () => {
  const application = { ids: application_ids, name: 'Plant', ...addresses };
  const created = await call('ApplicationRegistry', 'Create', {
    application,
    collaborator: { user_ids: { user_id: 'admin' } },
  });
  expect(stamped(created)).toEqual(application);
});

test('create --request-dev-eui of an OTAA device', async () => {
  const { message } = await stack.call('Js', 'GetDefaultJoinEUI');
  expect(message).toEqual({ join_eui: expect.any(Buffer) });
  const application = await call('ApplicationRegistry', 'Get', {
    application_ids,
    ...masked(...addressPaths),
  });
  expect(stamped(application)).toEqual({ ids: application_ids, ...addresses });
  const issued = await call('ApplicationRegistry', 'IssueDevEUI', application_ids);
  expect(issued).toEqual({ dev_eui: expect.any(Buffer) });
  expect((issued.dev_eui as Buffer).length).toBe(8);
});

test('create --with-root-keys writes IS, JS, NS and AS of an OTAA device', async () => {
  const device = { ids: pump, ...pumpIdentity };
  expect(stamped(await call('EndDeviceRegistry', 'Create', { end_device: device }))).toEqual(
    device,
  );
  const rootKeys = { root_key_id: 'ttn-lw-cli-generated', app_key: { key: APP_KEY } };
  const servers = { network_server_address: HOST, application_server_address: HOST };
  const joined = await call('JsEndDeviceRegistry', 'Set', {
    end_device: { ids: pump, ...servers, root_keys: rootKeys },
    ...masked(
      ...Object.keys(servers),
      'root_keys.root_key_id',
      'root_keys.app_key.key',
      'root_keys.nwk_key.key',
    ),
  });
  expect(stamped(joined)).toEqual({ ids: pump, ...servers, root_keys: rootKeys });
  const settings = { rx1_delay: { value: 'RX_DELAY_5' }, status_count_periodicity: { value: 20 } };
  const network = await call('NsEndDeviceRegistry', 'Set', {
    end_device: { ids: pump, ...pumpNetwork, mac_settings: settings },
    ...masked(
      ...Object.keys(pumpNetwork),
      'mac_settings.rx1_delay',
      'mac_settings.status_count_periodicity',
    ),
  });
  expect(stamped(network)).toEqual({ ids: pump, ...pumpNetwork, mac_settings: settings });
  const served = await call('AsEndDeviceRegistry', 'Set', { end_device: { ids: pump } });
  expect(stamped(served)).toEqual({ ids: pump });
});

test('get --all reads every field of the OTAA device back', async () => {
  expect(await getFromAll(pump, EVERY_SERVER)).toEqual({
    ids: pump,
    ...pumpIdentity,
    ...pumpNetwork,
    root_keys: { root_key_id: 'ttn-lw-cli-generated', app_key: { key: APP_KEY } },
    mac_settings: {
      rx1_delay: { value: 'RX_DELAY_5' },
      status_count_periodicity: { value: 20 },
    },
  });
});

const meter: { device_id: string; application_ids: Json; dev_addr?: Buffer } = {
  device_id: 'meter',
  application_ids,
};
const NWK_S_KEY = hex('00112233445566778899AABBCCDDEEFF');
const APP_S_KEY = hex('FFEEDDCCBBAA99887766554433221100');
const meterNetwork = {
  frequency_plan_id: 'EU_863_870',
  lorawan_version: 'MAC_V1_0_2',
  lorawan_phy_version: 'RP001_V1_0_2_REV_B',
};

test('create --abp --with-session', async () => {
  const { dev_addr } = (await call('Ns', 'GenerateDevAddr')) as { dev_addr: Buffer };
  expect(dev_addr.length).toBe(4);
  const ids = { ...meter };
  meter.dev_addr = dev_addr;
  const servers = { network_server_address: HOST, application_server_address: HOST };
  const created = await call('EndDeviceRegistry', 'Create', { end_device: { ids, ...servers } });
  expect(stamped(created)).toEqual({ ids, ...servers });
  const network = await call('NsEndDeviceRegistry', 'Set', {
    end_device: {
      ids: { ...ids, dev_addr },
      ...meterNetwork,
      session: { dev_addr, keys: { f_nwk_s_int_key: { key: NWK_S_KEY } } },
    },
    ...masked(
      'supports_join',
      ...Object.keys(meterNetwork),
      'session.dev_addr',
      'session.keys.f_nwk_s_int_key.key',
      'session.keys.session_key_id',
    ),
  });
  expect(network).toMatchObject({
    ids: { ...ids, dev_addr },
    ...meterNetwork,
    session: { dev_addr, keys: { f_nwk_s_int_key: { key: NWK_S_KEY } } },
  });
  const served = await call('AsEndDeviceRegistry', 'Set', {
    end_device: {
      ids: { ...ids, dev_addr },
      session: { dev_addr, keys: { app_s_key: { key: APP_S_KEY } } },
    },
    ...masked('session.dev_addr', 'session.keys.app_s_key.key', 'session.keys.session_key_id'),
  });
  expect(served).toMatchObject({
    ids: { ...ids, dev_addr },
    session: { dev_addr, keys: { app_s_key: { key: APP_S_KEY } } },
  });
});

test('get --all reads every field of the ABP device back', async () => {
  const { dev_addr } = meter;
  const device = await getFromAll({ device_id: 'meter', application_ids }, [
    'EndDeviceRegistry',
    'AsEndDeviceRegistry',
    'NsEndDeviceRegistry',
  ]);
  expect(device).toEqual({
    ids: { ...meter, dev_addr },
    network_server_address: HOST,
    application_server_address: HOST,
    ...meterNetwork,
    session: {
      dev_addr,
      keys: { f_nwk_s_int_key: { key: NWK_S_KEY } },
      started_at: time,
    },
  });
});

test('create without a session is refused and rolled back', async () => {
  const ids = { device_id: 'half-made', application_ids };
  await call('EndDeviceRegistry', 'Create', { end_device: { ids, network_server_address: HOST } });
  const refused = call('NsEndDeviceRegistry', 'Set', {
    end_device: { ids, ...meterNetwork },
    ...masked('supports_join', ...Object.keys(meterNetwork)),
  });
  expect(await refusalOf(refused)).toMatchObject({
    namespace: 'pkg/networkserver',
    name: 'field_value',
    message_format: expect.stringContaining('{field}'),
    attributes: { fields: { field: { string_value: 'session.dev_addr' } } },
    correlation_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    code: 3,
  });
  expect(await codeOf(call('AsEndDeviceRegistry', 'Delete', ids))).toBe(STATUS_NOT_FOUND);
  expect(await codeOf(call('NsEndDeviceRegistry', 'Delete', ids))).toBe(STATUS_NOT_FOUND);
  await call('EndDeviceRegistry', 'Delete', ids);
  const gone = call('EndDeviceRegistry', 'Get', { end_device_ids: ids, ...masked('name') });
  expect(await codeOf(gone)).toBe(STATUS_NOT_FOUND);
});

test('list and search answer devices and how many there are', async () => {
  const listed = await stack.call('EndDeviceRegistry', 'List', {
    application_ids,
    limit: 50,
    page: 1,
    ...masked('name', 'ids'),
  });
  expect(listed.headers['x-total-count']).toBe('2');
  const listedDevices = (listed.message.end_devices as Json[]).map(stamped);
  expect(listedDevices).toHaveLength(2);
  expect(listedDevices).toContainEqual({ ids: pump, name: 'Pump' });
  expect(listedDevices).toContainEqual({ ids: { device_id: 'meter', application_ids } });
  const found = await stack.call('EndDeviceRegistrySearch', 'SearchEndDevices', {
    application_ids,
    attributes_contain: { floor: '1' },
    dev_eui_contains: '70B3D5',
    limit: 50,
    page: 1,
    ...masked('attributes'),
  });
  expect(found.headers['x-total-count']).toBe('1');
  expect((found.message.end_devices as Json[]).map(stamped)).toEqual([
    { ids: pump, attributes: { floor: '-1' } },
  ]);
});

test('set reads the addresses, then updates each server that has a changed field', async () => {
  const device = await call('EndDeviceRegistry', 'Get', {
    end_device_ids: { device_id: 'pump', application_ids },
    ...masked(...addressPaths),
  });
  expect(device).toMatchObject({ ids: pump, ...addresses });
  const updated = await call('EndDeviceRegistry', 'Update', {
    end_device: { ids: pump, name: 'Pump 2', network_server_address: HOST },
    ...masked('name', 'description', 'network_server_address'),
  });
  expect(stamped(updated)).toEqual({ ids: pump, name: 'Pump 2', network_server_address: HOST });
  const network = await call('NsEndDeviceRegistry', 'Set', {
    end_device: { ids: pump, mac_settings: { rx2_frequency: { value: 869525000 } } },
    ...masked('mac_settings.rx2_frequency.value', 'mac_settings.rx1_delay'),
  });
  expect(network).toMatchObject({ mac_settings: { rx2_frequency: { value: 869525000 } } });
  const formatters = {
    up_formatter: 'FORMATTER_JAVASCRIPT',
    up_formatter_parameter: 'function decodeUplink(input) { return { data: { n: 1 } } }',
  };
  await call('AsEndDeviceRegistry', 'Set', {
    end_device: { ids: pump, formatters },
    ...masked('formatters.up_formatter', 'formatters.up_formatter_parameter'),
  });
  const { description: _cleared, ...kept } = pumpIdentity;
  expect(await getFromAll(pump, EVERY_SERVER)).toEqual({
    ids: pump,
    ...kept,
    name: 'Pump 2',
    ...pumpNetwork,
    root_keys: { root_key_id: 'ttn-lw-cli-generated', app_key: { key: APP_KEY } },
    mac_settings: {
      rx2_frequency: { value: 869525000 },
      status_count_periodicity: { value: 20 },
    },
    formatters,
  });
});

test('reset of an ABP device keeps its session', async () => {
  await call('EndDeviceRegistry', 'Get', { end_device_ids: meter, ...masked(...addressPaths) });
  const reset = await call('NsEndDeviceRegistry', 'ResetFactoryDefaults', {
    end_device_ids: meter,
    ...masked('session.dev_addr', 'session.last_f_cnt_up', 'frequency_plan_id'),
  });
  expect(stamped(reset)).toEqual({
    ids: meter,
    frequency_plan_id: 'EU_863_870',
    session: { dev_addr: meter.dev_addr },
  });
  const session = masked('session.dev_addr', 'session.keys.app_s_key.key');
  const served = await call('AsEndDeviceRegistry', 'Get', { end_device_ids: meter, ...session });
  expect(served).toMatchObject({
    session: { dev_addr: meter.dev_addr, keys: { app_s_key: { key: APP_S_KEY } } },
  });
  const again = await call('AsEndDeviceRegistry', 'Set', { end_device: served, ...session });
  expect(again.session).toEqual(served.session);
});

test('reset of an OTAA device takes its nonces back', async () => {
  const nonces = masked('last_dev_nonce', 'used_dev_nonces', 'last_join_nonce');
  const set = (values: Json) =>
    call('JsEndDeviceRegistry', 'Set', { end_device: { ids: pump, ...values }, ...nonces });
  const used = { last_dev_nonce: 300, used_dev_nonces: [1, 300], last_join_nonce: 7 };
  expect(stamped(await set(used))).toEqual({ ids: pump, ...used });
  const reset = await call('NsEndDeviceRegistry', 'ResetFactoryDefaults', {
    end_device_ids: pump,
    ...masked('supports_join', 'session'),
  });
  expect(stamped(reset)).toEqual({ ids: pump, supports_join: true });
  const before = await call('JsEndDeviceRegistry', 'Get', { end_device_ids: pump, ...nonces });
  expect(stamped(before)).toEqual({ ids: pump, ...used });
  expect(stamped(await set({}))).toEqual({ ids: pump });
  const after = await call('JsEndDeviceRegistry', 'Get', { end_device_ids: pump, ...nonces });
  expect(stamped(after)).toEqual({ ids: pump });
});

/** Deletes as the command line does; what is not there on a server is no failure. */
async function deleteDevice(ids: Json, servers: readonly string[]): Promise<void> {
  for (const server of servers)
    expect([undefined, STATUS_NOT_FOUND]).toContain(await codeOf(call(server, 'Delete', ids)));
  expect(await call('EndDeviceRegistry', 'Delete', ids)).toEqual({});
  for (const server of ['EndDeviceRegistry', ...servers]) {
    const gone = call(server, 'Get', { end_device_ids: ids, ...masked('ids') });
    expect(await codeOf(gone)).toBe(STATUS_NOT_FOUND);
  }
}

test('delete of an OTAA device leaves no server with it', async () => {
  const ids = { device_id: 'pump', application_ids };
  const found = await call('EndDeviceRegistry', 'Get', {
    end_device_ids: ids,
    ...masked(...addressPaths),
  });
  expect(stamped(found)).toEqual({ ids: pump, ...addresses });
  await deleteDevice(pump, ['AsEndDeviceRegistry', 'NsEndDeviceRegistry', 'JsEndDeviceRegistry']);
});

test('delete of a device without a Join Server address asks first who may unclaim it', async () => {
  const ids = { ...pump, device_id: 'claimed' };
  await call('EndDeviceRegistry', 'Create', { end_device: { ids, network_server_address: HOST } });
  const { join_eui } = pump;
  const info = await call('EndDeviceClaimingServer', 'GetInfoByJoinEUI', { join_eui });
  expect(info.join_eui).toEqual(join_eui);
  await deleteDevice(ids, ['AsEndDeviceRegistry', 'NsEndDeviceRegistry']);
});

test('batch-delete', async () => {
  const device_ids = ['meter'];
  const batch = { application_ids, device_ids };
  const found = await call('EndDeviceBatchRegistry', 'Get', {
    ...batch,
    ...masked('ids', ...addressPaths),
  });
  expect((found.end_devices as Json[]).map(stamped)).toEqual([
    {
      ids: { device_id: 'meter', application_ids },
      network_server_address: HOST,
      application_server_address: HOST,
    },
  ]);
  const servers = ['JsEndDevice', 'NsEndDevice', 'AsEndDevice', 'EndDevice'];
  for (const server of servers)
    expect(await call(`${server}BatchRegistry`, 'Delete', batch)).toEqual({});
  const left = await stack.call('EndDeviceRegistry', 'List', {
    application_ids,
    limit: 50,
    page: 1,
  });
  expect(left.headers['x-total-count']).toBe('0');
  expect(left.message).toEqual({});
});
