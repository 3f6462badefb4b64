/**
 * The published JavaScript SDK of The Things Stack, as it is: npm's `ttn-lw`, pointed at the program's HTTP address.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import type { Json } from './support/program-api.ts';

interface Stream {
  on(event: 'start' | 'chunk' | 'error' | 'close', handle: (value: Json) => void): Stream;
}
type Selector = readonly (readonly string[])[];

/** What the test uses of the SDK, which has no types of its own. */
interface Sdk {
  readonly Applications: {
    create(user: string, application: Json): Promise<Json>;
    getAll(params: Json, selector: Selector): Promise<Json>;
    openStream(applicationIds: readonly string[], tail?: number): Promise<Stream>;
    readonly Devices: {
      create(applicationId: string, device: Json): Promise<Json>;
      getById(applicationId: string, deviceId: string, selector: Selector): Promise<Json>;
      getAll(applicationId: string, params: Json, selector: Selector): Promise<Json>;
      search(applicationId: string, params: Json, selector: Selector): Promise<Json>;
      updateById(applicationId: string, deviceId: string, patch: Json): Promise<Json>;
      deleteById(applicationId: string, deviceId: string): Promise<Json>;
      readonly DownlinkQueue: {
        list(applicationId: string, deviceId: string): Promise<Json>;
        push(applicationId: string, deviceId: string, downlinks: readonly Json[]): Promise<Json>;
      };
    };
  };
}

const HOST = '127.0.0.1';
const addresses = {
  network_server_address: HOST,
  application_server_address: HOST,
  join_server_address: HOST,
};
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-sdk-'));
let program: HeadlessProcess;
let sdk: Sdk;
let devices: Sdk['Applications']['Devices'];

beforeAll(async () => {
  program = await startHeadless(directory);
  const { default: TTN } = createRequire(import.meta.url)('ttn-lw') as {
    default: new (key: string, options: Json) => Sdk;
  };
  const base = `http://${program.addresses.http}/api/v3`;
  sdk = new TTN(API_KEY, {
    stackConfig: { is: base, ns: base, as: base, js: base, gs: base, edtc: base, qrg: base },
    connectionType: 'http',
    defaultUserId: 'admin',
  });
  devices = sdk.Applications.Devices;
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

const shop = { ids: { application_id: 'shop' } };
const appKey = { key: '8AFE71A145B253E49C3031AD068277A1' };
const otaa = {
  ids: { device_id: 'door-7', dev_eui: '0004A30B001C0530', join_eui: '0000000000000001' },
  name: 'Back door',
  attributes: { floor: '2' },
  ...addresses,
  supports_join: true,
  frequency_plan_id: 'EU_863_870',
  lorawan_version: '1.0.3',
  lorawan_phy_version: '1.0.3-a',
  root_keys: { app_key: appKey },
};
const session = {
  dev_addr: '260B1234',
  keys: {
    f_nwk_s_int_key: { key: '00112233445566778899AABBCCDDEEFF' },
    app_s_key: { key: 'FFEEDDCCBBAA99887766554433221100' },
  },
};
const abp = {
  ids: { device_id: 'meter-1' },
  network_server_address: HOST,
  application_server_address: HOST,
  supports_join: false,
  frequency_plan_id: 'EU_863_870',
  lorawan_version: '1.0.2',
  lorawan_phy_version: '1.0.2-b',
  session,
};
const everything: Selector = [
  ['name'],
  ['attributes'],
  ['network_server_address'],
  ['application_server_address'],
  ['join_server_address'],
  ['supports_join'],
  ['frequency_plan_id'],
  ['lorawan_version'],
  ['lorawan_phy_version'],
  ['root_keys'],
  ['session'],
];

test('an application is created and listed', async () => {
  const created = await sdk.Applications.create('admin', {
    ...shop,
    name: 'Shop',
  });
  expect(created).toMatchObject({ ...shop, name: 'Shop' });
  const { applications } = await sdk.Applications.getAll({ limit: 10, page: 1 }, [['name']]);
  expect(applications).toContainEqual(expect.objectContaining({ ...shop, name: 'Shop' }));
});

test('an OTAA device is created on every server and read back', async () => {
  await devices.create('shop', otaa);
  expect(await devices.getById('shop', 'door-7', everything)).toMatchObject({
    ...otaa,
    lorawan_version: 'MAC_V1_0_3',
    lorawan_phy_version: 'PHY_V1_0_3_REV_A',
  });
});

test('an ABP device is created with its session and read back', async () => {
  await devices.create('shop', abp);
  const { supports_join: _default, ...written } = abp;
  expect(await devices.getById('shop', 'meter-1', everything)).toMatchObject({
    ...written,
    ids: { device_id: 'meter-1', dev_addr: session.dev_addr },
    lorawan_version: 'MAC_V1_0_2',
    lorawan_phy_version: 'PHY_V1_0_2_REV_B',
  });
});

test('devices are listed page by page and searched', async () => {
  const first = await devices.getAll('shop', { limit: 1, page: 1 }, [['name']]);
  const second = await devices.getAll('shop', { limit: 1, page: 2 }, [['name']]);
  expect([first.totalCount, second.totalCount]).toEqual([2, 2]);
  const listed = [first, second].flatMap(({ end_devices }) => end_devices as Json[]);
  expect(listed.map(({ ids }) => (ids as Json).device_id).sort()).toEqual(['door-7', 'meter-1']);
  const found = await devices.search('shop', { id_contains: 'door', limit: 10 }, [
    ['name'],
    ['attributes'],
  ]);
  expect(found).toMatchObject({
    end_devices: [{ ids: otaa.ids, name: 'Back door', attributes: { floor: '2' } }],
    totalCount: 1,
  });
});

test('an update reaches the servers that hold its fields', async () => {
  await devices.updateById('shop', 'door-7', {
    name: 'Front door',
    mac_settings: { rx1_delay: 'RX_DELAY_5' },
    formatters: { up_formatter: 'FORMATTER_CAYENNELPP' },
    root_keys: { app_key: { key: '000102030405060708090A0B0C0D0E0F' } },
  });
  const selector = [...everything, ['mac_settings'], ['formatters']];
  expect(await devices.getById('shop', 'door-7', selector)).toMatchObject({
    ...otaa,
    name: 'Front door',
    lorawan_version: 'MAC_V1_0_3',
    lorawan_phy_version: 'PHY_V1_0_3_REV_A',
    mac_settings: { rx1_delay: 5 },
    formatters: { up_formatter: 'FORMATTER_CAYENNELPP' },
    root_keys: { app_key: { key: '000102030405060708090A0B0C0D0E0F' } },
  });
});

test('downlinks are queued', async () => {
  const downlink = { f_port: 15, frm_payload: 'AQID', priority: 'HIGH', confirmed: true };
  await devices.DownlinkQueue.push('shop', 'meter-1', [downlink]);
  expect(await devices.DownlinkQueue.list('shop', 'meter-1')).toMatchObject({
    downlinks: [downlink],
    totalCount: 1,
  });
});

/** Everything that a stream of the application's events hands on. */
async function follow(tail?: number): Promise<readonly Json[]> {
  const events: Json[] = [];
  const stream = await sdk.Applications.openStream(['shop'], tail);
  stream.on('chunk', (event) => void events.push(event));
  await vi.waitFor(() => expect(events.map(({ name }) => name)).toContain('events.stream.start'));
  return events;
}

test('events are streamed as they happen, and from before if asked', async () => {
  const update = expect.objectContaining({
    name: 'end_device.update',
    identifiers: [{ device_ids: { ...otaa.ids, application_ids: shop.ids } }],
  });
  const live = await follow();
  expect(live).not.toContainEqual(update);
  await devices.updateById('shop', 'door-7', { description: 'On the street' });
  await vi.waitFor(() => expect(live).toContainEqual(update));
  const repeated = await follow(20);
  await vi.waitFor(() => expect(repeated).toContainEqual(update));
});

test('a deleted device is nowhere, and a refusal is handed on as the API says it', async () => {
  for (const { ids } of [otaa, abp]) {
    expect(await devices.deleteById('shop', ids.device_id)).toEqual({});
    await expect(devices.getById('shop', ids.device_id, everything)).rejects.toMatchObject({
      code: 5,
      details: [{ name: 'end_device_not_found' }],
    });
  }
  const left = await devices.getAll('shop', { limit: 10, page: 1 }, [['name']]);
  expect(left).toEqual({ end_devices: [], totalCount: 0 });
});
