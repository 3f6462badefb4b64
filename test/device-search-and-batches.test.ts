/** Searching, reading and deleting several devices, over every carrier of the whole program. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AsEndDeviceBatchRegistry } from '../main/api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import {
  EndDeviceBatchRegistry,
  EndDeviceRegistry,
} from '../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { JsEndDeviceBatchRegistry } from '../main/api/gen/ttn/lorawan/v3/joinserver_pb.js';
import {
  NsEndDeviceBatchRegistry,
  NsEndDeviceRegistry,
} from '../main/api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { EndDeviceRegistrySearch } from '../main/api/gen/ttn/lorawan/v3/search_services_pb.js';
import { CARRIERS, clientOver, refusalOf, rest, restRefusal } from './support/api-carriers.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-device-search-'));
const applicationIds = { applicationId: 'lab' };
let program: HeadlessProcess;

const pad = (index: number): string => String(index).padStart(2, '0');

async function register(index: number): Promise<void> {
  const answer = await rest(program, 'POST', '/gatehouse/applications/lab/devices', {
    end_device: {
      ids: {
        device_id: `meter-${pad(index)}`,
        dev_eui: `0004A30B001C05${pad(index)}`,
        join_eui: '70B3D57ED0000001',
      },
      name: `Meter ${index} in ${index % 2 === 0 ? 'Köln' : 'Bonn'}`,
      description: index === 7 ? 'behind the old PUMP' : '',
      attributes: { floor: `level ${index % 3}` },
      supports_join: true,
      frequency_plan_id: 'EU_863_870',
      lorawan_version: '1.0.3',
      lorawan_phy_version: '1.0.3-a',
      root_keys: { app_key: { key: `8AFE71A145B253E49C3031AD068277${pad(index)}` } },
    },
  });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  program = await startHeadless(directory);
  for (let index = 0; index < 30; index += 1) await register(index);
}, 60_000);
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe.each(CARRIERS)('over %s', (carrier) => {
  const search = () => clientOver(program, carrier, EndDeviceRegistrySearch);
  const found = async (filter: object): Promise<{ ids: string[]; total: string | null }> => {
    let total: string | null = null;
    const { endDevices } = await search().searchEndDevices(
      { applicationIds, ...filter },
      {
        onHeader: (headers) => {
          total = headers.get('x-total-count');
        },
      },
    );
    return { ids: endDevices.map(({ ids }) => ids?.deviceId ?? ''), total };
  };

  test('devices are found by each filter, and the number of all that fit is told', async () => {
    const seven = { ids: ['meter-07'], total: '1' };
    expect(await found({ query: 'a30b001c0507' })).toEqual(seven);
    expect(await found({ query: 'old pump' })).toEqual(seven);
    expect(await found({ descriptionContains: 'Pump' })).toEqual(seven);
    expect(await found({ idContains: 'R-07' })).toEqual(seven);
    expect(await found({ devEuiContains: '0507' })).toEqual(seven);
    expect(await found({ nameContains: 'ter 7 in' })).toEqual(seven);
    expect(await found({ joinEuiContains: 'D0000002' })).toEqual({ ids: [], total: '0' });
    expect(await found({ joinEuiContains: 'D0000001', limit: 2, page: 15 })).toEqual({
      ids: ['meter-28', 'meter-29'],
      total: '30',
    });
    expect(
      await found({
        nameContains: 'KÖLN',
        attributesContain: { floor: 'EL 1' },
        order: '-device_id',
        limit: 2,
      }),
    ).toEqual({ ids: ['meter-28', 'meter-22'], total: '5' });
  });

  test('fields that were searched are answered beside those of the mask', async () => {
    const { endDevices } = await search().searchEndDevices({
      applicationIds,
      descriptionContains: 'pump',
      fieldMask: { paths: ['attributes'] },
    });
    expect(endDevices[0]).toMatchObject({
      ids: { deviceId: 'meter-07' },
      description: 'behind the old PUMP',
      attributes: { floor: 'level 1' },
      name: '',
    });
  });

  test('searches are refused as the contract says', async () => {
    const long = found({ query: 'x'.repeat(51) });
    expect(await refusalOf(long)).toBe('pkg/errors:validation 3');
    const mask = found({ fieldMask: { paths: ['root_keys'] } });
    expect(await refusalOf(mask)).toBe('pkg/rpcmiddleware/validator:field_mask_paths 3');
    const anonymous = clientOver(program, carrier, EndDeviceRegistrySearch, {});
    expect(await refusalOf(anonymous.searchEndDevices({ applicationIds }))).toBe(
      'pkg/auth/rights:no_application_rights 7',
    );
  });

  test('several devices are read at once, and those that do not exist are skipped', async () => {
    const batch = clientOver(program, carrier, EndDeviceBatchRegistry);
    const { endDevices } = await batch.get({
      applicationIds,
      deviceIds: ['meter-03', 'nobody', 'meter-01', 'meter-03'],
      fieldMask: { paths: ['name'] },
    });
    expect(endDevices.map(({ name }) => name)).toEqual(['Meter 3 in Bonn', 'Meter 1 in Bonn']);
    expect(await refusalOf(batch.get({ applicationIds, deviceIds: [] }))).toBe(
      'pkg/errors:validation 3',
    );
    const many = Array.from({ length: 21 }, (_, at) => `meter-${pad(at)}`);
    expect(await refusalOf(batch.get({ applicationIds, deviceIds: many }))).toBe(
      'pkg/errors:validation 3',
    );
  });

  test('several devices are deleted from each registry on its own', async () => {
    const at = 10 + 3 * CARRIERS.indexOf(carrier);
    const deviceIds = [`meter-${pad(at)}`, `meter-${pad(at + 1)}`, 'nobody'];
    const states = async (): Promise<number[]> =>
      Promise.all(
        ['', '/js', '/ns', '/as'].map(
          async (server) =>
            (await rest(program, 'GET', `${server}/applications/lab/devices/${deviceIds[1]}`))
              .status,
        ),
      );
    expect(await states()).toEqual([200, 200, 200, 200]);
    await clientOver(program, carrier, JsEndDeviceBatchRegistry).delete({
      applicationIds,
      deviceIds,
    });
    expect(await states()).toEqual([200, 404, 200, 200]);
    await clientOver(program, carrier, NsEndDeviceBatchRegistry).delete({
      applicationIds,
      deviceIds,
    });
    await clientOver(program, carrier, AsEndDeviceBatchRegistry).delete({
      applicationIds,
      deviceIds,
    });
    expect(await states()).toEqual([200, 404, 404, 404]);
    await clientOver(program, carrier, EndDeviceBatchRegistry).delete({
      applicationIds,
      deviceIds,
    });
    expect(await states()).toEqual([404, 404, 404, 404]);
    expect(await found({ idContains: deviceIds[0] })).toEqual({ ids: [], total: '0' });
    await register(at);
    await register(at + 1);
  });

  test('when a device was seen moves forward only', async () => {
    const registry = clientOver(program, carrier, EndDeviceRegistry);
    const ids = { applicationIds, deviceId: `meter-0${CARRIERS.indexOf(carrier)}` };
    const seen = async (...times: number[]): Promise<number> => {
      await registry.batchUpdateLastSeen({
        updates: [
          ...times.map((ms) => ({ ids, lastSeenAt: timestampFromMs(ms) })),
          { ids: { ...ids, deviceId: 'nobody' }, lastSeenAt: timestampFromMs(1) },
        ],
      });
      const request = { endDeviceIds: ids, fieldMask: { paths: ['last_seen_at'] } };
      const { lastSeenAt } = await registry.get(request);
      return lastSeenAt ? timestampMs(lastSeenAt) : 0;
    };
    expect(await seen(5_000, 9_000, 7_000)).toBe(9_000);
    expect(await seen(8_000)).toBe(9_000);
    const anonymous = clientOver(program, carrier, EndDeviceRegistry, {});
    expect(await refusalOf(anonymous.batchUpdateLastSeen({}))).toBe(
      'pkg/auth/cluster:no_cluster_key 16',
    );
  });

  test('a device that joins goes back to factory defaults, keys and settings stay', async () => {
    const registry = clientOver(program, carrier, NsEndDeviceRegistry);
    const endDeviceIds = { applicationIds, deviceId: 'meter-05' };
    const fieldMask = { paths: ['frequency_plan_id', 'session', 'mac_state'] };
    const device = await registry.resetFactoryDefaults({ endDeviceIds, fieldMask });
    expect(device.frequencyPlanId).toBe('EU_863_870');
    expect(device.session).toBeUndefined();
    const unknown = { endDeviceIds: { applicationIds, deviceId: 'nobody' }, fieldMask };
    expect(await refusalOf(registry.resetFactoryDefaults(unknown))).toBe(
      'pkg/networkserver:device_not_found 5',
    );
  });
});

describe('over REST', () => {
  const names = ({ json }: { json: Record<string, unknown> }): (string | undefined)[] =>
    ((json.end_devices ?? []) as { name?: string }[]).map(({ name }) => name);

  test('a search takes its filters from the query, attributes too', async () => {
    const path = '/search/applications/lab/devices';
    const answer = await rest(
      program,
      'GET',
      `${path}?name_contains=k%C3%B6ln&attributes_contain[floor]=level%202&order=-name&limit=1`,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-total-count')).toBe('5');
    expect(names(answer)).toEqual(['Meter 8 in Köln']);
    const address = await rest(program, 'GET', `${path}?id_contains=er-09&dev_addr_contains=26`);
    expect(address.headers.get('x-warning')).toContain('dev_addr_contains');
    expect(address.headers.get('x-total-count')).toBe('1');
    expect((await rest(program, 'GET', `${path}?query=no-such-device`)).json).toEqual({});
    expect(restRefusal(await rest(program, 'GET', `${path}?limit=1001`))).toBe(
      'pkg/errors:validation 3 400',
    );
    expect(restRefusal(await rest(program, 'GET', path, undefined, {}))).toBe(
      'pkg/auth/rights:no_application_rights 7 403',
    );
  });

  test('batches are literal paths beside devices', async () => {
    const path = '/applications/lab/devices/batch';
    const query = 'device_ids=meter-25&device_ids=meter-26';
    expect(names(await rest(program, 'GET', `${path}?${query}&field_mask=name`))).toEqual([
      'Meter 25 in Bonn',
      'Meter 26 in Köln',
    ]);
    for (const server of ['/js', '/ns', '/as', '']) {
      const answer = await rest(program, 'DELETE', `${server}${path}?${query}`);
      expect(answer).toMatchObject({ status: 200, json: {} });
      const device = await rest(program, 'GET', `${server}/applications/lab/devices/meter-26`);
      expect(device.status).toBe(404);
    }
    expect(restRefusal(await rest(program, 'DELETE', path))).toBe('pkg/errors:validation 3 400');
  });

  test('factory defaults have a path of their own', async () => {
    const path = '/ns/applications/lab/devices/meter-05';
    const answer = await rest(program, 'PATCH', path, { field_mask: 'supports_join' });
    expect(answer).toMatchObject({ status: 200, json: { supports_join: true } });
    const unknown = await rest(program, 'PATCH', '/ns/applications/lab/devices/nobody', {});
    expect(restRefusal(unknown)).toBe('pkg/networkserver:device_not_found 5 404');
  });

  test('subscribers hear of a batch once, with every device that went', async () => {
    const query = 'device_ids=meter-27&device_ids=meter-28&device_ids=nobody';
    await rest(program, 'DELETE', `/applications/lab/devices/batch?${query}`);
    const response = await fetch(`http://${program.addresses.http}/api/v3/events`, {
      method: 'POST',
      headers: { authorization: 'Bearer NNSXS.TESTKEY.TESTSECRET' },
      body: JSON.stringify({
        identifiers: [{ application_ids: { application_id: 'lab' } }],
        tail: 1,
        names: ['end_device.batch.delete'],
      }),
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes('meter-28'))
      text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    expect(text).toContain('"device_id":"meter-27"');
    expect(text).not.toContain('nobody');
  });
});
