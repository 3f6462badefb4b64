import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationSchema } from '../api/gen/ttn/lorawan/v3/application_pb.js';
import {
  type EndDevice,
  EndDeviceSchema,
  MACStateSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { GatewaySchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { GatehouseError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { type VirtualClock, virtualClock } from '../base/virtual-clock.ts';
import type { GatewayEui, JoinEui } from '../lorawan/index.ts';
import { createStore, type Store } from '../store/index.ts';
import { createRegistry, newApplication, type Registry, type RegistryChange } from './index.ts';

type Init = Exclude<Parameters<typeof create<typeof EndDeviceSchema>>[1], undefined | EndDevice>;

let clock: VirtualClock;
let store: Store;
let registry: Registry;

beforeEach(async () => {
  clock = virtualClock();
  const logger = silentLogger();
  store = await createStore({ directory: ':memory:', clock, logger });
  registry = createRegistry({
    store,
    clock,
    logger,
    publish: () => undefined,
    newMacState: () => create(MACStateSchema, { lorawanVersion: MACVersion.MAC_V1_0_3 }),
  });
  await registry.applications.create(newApplication('lab'));
});
afterEach(() => store.close());

const key = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);
const joinEui = new Uint8Array(8);
const devEui = (last: number): Uint8Array =>
  Uint8Array.of(0x70, 0xb3, 0xd5, 0x7e, 0xd0, 0, 0, last);

function device(number: number, init: Init = {}): EndDevice {
  const ids = {
    deviceId: `device-${number}`,
    applicationIds: { applicationId: 'lab' },
    devEui: devEui(number),
    joinEui,
  };
  return create(EndDeviceSchema, { ids, ...init });
}
const idsOf = (number: number) =>
  create(EndDeviceIdentifiersSchema, {
    deviceId: `device-${number}`,
    applicationIds: { applicationId: 'lab' },
  });

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error: unknown) => {
      const { code, attributes } = error as GatehouseError;
      return attributes.field === undefined ? code : `${code} ${attributes.field}`;
    },
  );
}

test('the identity registry keeps its own fields only and answers the implicit ones', async () => {
  const created = await registry.identity.create(
    device(1, { name: 'Door', supportsJoin: true, rootKeys: { appKey: { key: key(1) } } }),
  );
  expect(created.name).toBe('Door');
  expect(created.supportsJoin).toBe(false);
  expect(created.rootKeys).toBeUndefined();
  const read = await registry.identity.get(idsOf(1), []);
  expect(read.name).toBe('');
  expect(read.ids?.devEui).toEqual(devEui(1));
  expect(read.createdAt).toBeDefined();
  expect(read.updatedAt).toEqual(read.createdAt);
});

test('an update takes masked fields, moves the time and cannot change identifiers', async () => {
  await registry.identity.create(device(1, { name: 'Door', attributes: { a: '1' } }));
  await clock.advance(1_000);
  const changed = await registry.identity.update(
    device(1, { name: 'Gate', description: 'ignored', attributes: { b: '2' } }),
    ['name', 'attributes', 'ids', 'activated_at'],
  );
  expect(changed).toMatchObject({ name: 'Gate', attributes: { b: '2' }, description: '' });
  expect(changed.updatedAt).not.toEqual(changed.createdAt);
  const moved = device(1, { name: 'x' });
  if (moved.ids) moved.ids.devEui = devEui(9);
  expect(await codeOf(registry.identity.update(moved, ['name']))).toBe(
    'pkg/identityserver/store:end_device_not_found',
  );
});

test('ids and EUI pairs are taken once, and the owner of a pair is named', async () => {
  await registry.identity.create(device(1));
  expect(await codeOf(registry.identity.create(device(1)))).toBe('pkg/util/store:id_taken');
  const twin = device(2);
  if (twin.ids) twin.ids.devEui = devEui(1);
  await expect(registry.identity.create(twin)).rejects.toMatchObject({
    code: 'pkg/identityserver:end_device_euis_taken',
    attributes: {
      join_eui: '0000000000000000',
      dev_eui: '70B3D57ED0000001',
      device_id: 'device-1',
      application_id: 'lab',
    },
  });
});

test('a server address has to be the one of the application', async () => {
  await registry.applications.update(
    create(ApplicationSchema, {
      ids: { applicationId: 'lab' },
      networkServerAddress: 'localhost:8884',
    }),
    ['network_server_address'],
  );
  expect(await codeOf(registry.identity.create(device(1, { networkServerAddress: 'other' })))).toBe(
    'pkg/identityserver:network_server_address_mismatch',
  );
  expect(
    await codeOf(registry.identity.create(device(1, { networkServerAddress: 'localhost:1885' }))),
  ).toBe('ok');
});

test('a claim code does not end before it begins', async () => {
  const code = { value: 'A1', validFrom: timestampFromMs(2_000), validTo: timestampFromMs(1_000) };
  expect(await codeOf(registry.identity.create(device(1, { claimAuthenticationCode: code })))).toBe(
    'pkg/identityserver:claim_authentication_code',
  );
});

test('lists are ordered, cut into pages and counted', async () => {
  for (const [number, name] of [
    [1, 'c'],
    [2, 'a'],
    [3, 'b'],
  ] as const) {
    await registry.identity.create(device(number, { name }));
    await clock.advance(10);
  }
  const names = async (order: string, page = 1): Promise<string[]> => {
    const request = { applicationId: 'lab', order, limit: 2, page };
    const { devices, total } = await registry.identity.list(request, ['name']);
    expect(total).toBe(3);
    return devices.map(({ name }) => name);
  };
  expect(await names('name')).toEqual(['a', 'b']);
  expect(await names('name', 2)).toEqual(['c']);
  expect(await names('-created_at')).toEqual(['b', 'a']);
  expect(await names('-description')).toEqual(['c', 'a']);
  expect(await registry.identity.getByEuis(joinEui, devEui(2))).toMatchObject({
    deviceId: 'device-2',
  });
  expect(await codeOf(registry.identity.getByEuis(joinEui, devEui(8)))).toBe(
    'pkg/identityserver/store:end_device_not_found',
  );
});

test('the join registry keeps nonces and keys, and clears what is masked and absent', async () => {
  const paths = ['root_keys', 'last_dev_nonce', 'used_dev_nonces', 'last_join_nonce'];
  await registry.join.set(
    device(1, {
      rootKeys: { appKey: { key: key(1) }, nwkKey: { key: key(2) }, rootKeyId: 'k' },
      lastDevNonce: 5,
      usedDevNonces: [4, 5],
      lastJoinNonce: 9,
    }),
    paths,
  );
  expect(await registry.join.get(idsOf(1), paths)).toMatchObject({
    rootKeys: { appKey: { key: key(1) }, nwkKey: { key: key(2) }, rootKeyId: 'k' },
    usedDevNonces: [4, 5],
    lastJoinNonce: 9,
  });
  await registry.join.set(device(1), ['root_keys.nwk_key.key', 'last_join_nonce']);
  const read = await registry.join.get(idsOf(1), paths);
  expect(read.rootKeys?.nwkKey).toBeUndefined();
  expect(read).toMatchObject({ lastJoinNonce: 0, lastDevNonce: 5 });
  const found = registry.joinDeviceByEuis(
    '0000000000000000' as JoinEui,
    '70B3D57ED0000001' as JoinEui,
  );
  expect(found).toMatchObject({ rootKeyId: 'k', rootKeys: { appKey: key(1) } });
  expect(found?.rootKeys.nwkKey).toBeUndefined();
});

test('the join registry names what cannot be changed', async () => {
  const set = (init: Init, paths: string[]) => codeOf(registry.join.set(device(1, init), paths));
  expect(await set({ provisionerId: 'chip' }, ['provisioner_id'])).toBe(
    'pkg/joinserver/redis:provisioner_not_found',
  );
  await registry.join.set(device(1), ['ids']);
  expect(await set({}, ['ids'])).toBe('pkg/joinserver:field_mask');
  expect(await set({ provisionerId: 'chip' }, ['provisioner_id'])).toBe(
    'pkg/joinserver/redis:read_only_field provisioner_id',
  );
  expect(await codeOf(registry.join.delete(idsOf(2)))).toBe('pkg/joinserver:device_not_found');
});

test('the application registry keeps sessions by their leaves', async () => {
  const session = {
    devAddr: Uint8Array.of(2, 1, 2, 3),
    keys: { appSKey: { key: key(3) }, sessionKeyId: Uint8Array.of(1) },
    lastAFCntDown: 4,
  };
  const paths = [
    'session.dev_addr',
    'session.keys.app_s_key.key',
    'session.keys.session_key_id',
    'session.last_a_f_cnt_down',
  ];
  await registry.application.set(device(1, { session }), paths);
  const read = await registry.application.get(idsOf(1), ['session']);
  expect(read.session).toMatchObject(session);
  expect(read.ids?.devAddr).toEqual(session.devAddr);
  await registry.application.set(device(1, { session: { lastAFCntDown: 9 } }), [
    'session.last_a_f_cnt_down',
  ]);
  const after = await registry.application.get(idsOf(1), ['session']);
  expect(after.session).toMatchObject({ ...session, lastAFCntDown: 9 });
});

test('the application registry refuses with the stack’s own errors', async () => {
  const set = (init: Init, paths: string[]) =>
    codeOf(registry.application.set(device(1, init), paths));
  expect(await set({}, ['session.dev_addr'])).toBe(
    'pkg/applicationserver:field_value session.dev_addr',
  );
  expect(
    await set({ session: { keys: { appSKey: { key: new Uint8Array(16) } } } }, [
      'session.keys.app_s_key.key',
    ]),
  ).toBe('pkg/applicationserver:field_value session.keys.app_s_key.key');
  const script = { upFormatterParameter: 'x'.repeat(40_961) };
  expect(await set({ formatters: script }, ['formatters'])).toBe(
    'pkg/applicationserver:field_value formatters.up_formatter_parameter',
  );
  await registry.application.set(device(1), []);
  expect(await set({}, ['ids'])).toBe('pkg/applicationserver:field_mask');
  expect(await codeOf(registry.application.get(idsOf(2), []))).toBe('pkg/redis:not_found');
  expect(await codeOf(registry.application.delete(idsOf(2)))).toBe(
    'pkg/applicationserver:device_not_found',
  );
});

const ABP: Init = {
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
  versionIds: { brandId: 'acme' },
  session: {
    devAddr: Uint8Array.of(2, 1, 2, 3),
    keys: { fNwkSIntKey: { key: key(1) }, appSKey: { key: key(2) } },
    lastFCntUp: 12,
    lastAFCntDown: 3,
  },
};

test('one call hands every server its part and answers with all of them', async () => {
  const registered = await registry.registerEverywhere(device(1, { ...ABP, name: 'Door' }));
  expect(registered).toMatchObject({
    name: 'Door',
    frequencyPlanId: 'EU_863_870',
    versionIds: { brandId: 'acme' },
    session: { lastFCntUp: 12, lastAFCntDown: 3 },
  });
  expect(registered.ids?.devAddr).toEqual(Uint8Array.of(2, 1, 2, 3));
  const network = await registry.network.get(idsOf(1), ['session', 'version_ids']);
  expect(network.session?.lastFCntUp).toBe(12);
  expect(network.versionIds?.brandId).toBe('acme');
  expect((await registry.application.get(idsOf(1), ['session'])).session?.lastAFCntDown).toBe(3);
  expect(await codeOf(registry.join.get(idsOf(1), []))).toBe('pkg/joinserver:device_not_found');
});

test('servers read a device from memory until it changes', async () => {
  await registry.registerEverywhere(device(1, ABP));
  const first = registry.networkDeviceByIds('lab', 'device-1');
  expect(registry.networkDeviceById(first?.row ?? 0)).toBe(first);
  expect(
    registry.networkDeviceByEuis('0000000000000000' as JoinEui, '70B3D57ED0000001' as JoinEui),
  ).toBe(first);
  const changes: RegistryChange[] = [];
  const stop = registry.onChange((change) => changes.push(change));
  await registry.network.set(device(1, { supportsClassC: true }), ['supports_class_c']);
  expect(registry.networkDeviceByIds('lab', 'device-1')?.message.supportsClassC).toBe(true);
  expect(registry.networkDeviceById(first?.row ?? 0)?.message.supportsClassC).toBe(true);
  expect(changes).toEqual([
    { registry: 'network', applicationId: 'lab', deviceId: 'device-1', kind: 'set' },
  ]);
  stop();
  await registry.deleteEverywhere(idsOf(1));
  expect(registry.networkDeviceById(first?.row ?? 0)).toBeUndefined();
  expect(changes).toHaveLength(1);
});

test('what was read inside a unit that is undone is read again', async () => {
  await registry.registerEverywhere(device(1, ABP));
  const refused = store.unit(() => {
    void registry.network
      .set(device(1, { supportsClassC: true }), ['supports_class_c'])
      .catch(() => undefined);
    expect(registry.networkDeviceByIds('lab', 'device-1')?.message.supportsClassC).toBe(true);
    throw new Error('no');
  });
  await expect(refused).rejects.toThrow('no');
  expect(registry.networkDeviceByIds('lab', 'device-1')?.message.supportsClassC).toBe(false);
});

test('no key stands in the clear in what is stored of a MAC state', async () => {
  const secret = Uint8Array.from({ length: 16 }, (_, index) => 0xb0 + index);
  const init: Init = {
    ...ABP,
    supportsJoin: true,
    session: {
      devAddr: Uint8Array.of(2, 1, 2, 3),
      keys: { fNwkSIntKey: { key: secret }, sessionKeyId: key(4) },
    },
    macState: {
      queuedJoinAccept: { keys: { appSKey: { key: secret } }, payload: key(5) },
      recentUplinks: [{}],
    },
    rootKeys: { appKey: { key: secret } },
  };
  await registry.join.set(device(1, init), ['root_keys.app_key.key']);
  await registry.network.set(device(1, init), [
    'supports_join',
    'frequency_plan_id',
    'lorawan_phy_version',
    'session.dev_addr',
    'session.keys',
    'mac_state.queued_join_accept',
    'mac_state.recent_uplinks',
  ]);
  const read = await registry.network.get(idsOf(1), ['mac_state', 'session']);
  expect(read.macState?.queuedJoinAccept?.payload).toEqual(key(5));
  expect(read.macState?.recentUplinks).toEqual([]);
  expect(read.session?.keys?.fNwkSIntKey?.key).toEqual(secret);
  for (const name of readdirSync(store.directory)) {
    const bytes = readFileSync(join(store.directory, name));
    expect(bytes.includes(Buffer.from(secret)), name).toBe(false);
  }
});

test('gateways are found by EUI, which is taken once, and a changed one is no longer new', async () => {
  const eui = '0016C001F156A1B2' as GatewayEui;
  const euiBytes = Uint8Array.of(0, 0x16, 0xc0, 1, 0xf1, 0x56, 0xa1, 0xb2);
  const gatewayId = registry.gateways.ensureHeard(eui);
  expect(registry.gateways.ensureHeard(eui)).toBe(gatewayId);
  const again = create(GatewaySchema, { ids: { gatewayId: 'roof', eui: euiBytes } });
  expect(await codeOf(registry.gateways.create(again))).toBe(
    'pkg/identityserver:gateway_eui_taken',
  );
  const changed = create(GatewaySchema, {
    ids: { gatewayId },
    name: 'Roof',
    lbsLnsSecret: { value: key(7) },
  });
  await registry.gateways.update(changed, ['name', 'lbs_lns_secret']);
  expect(registry.gateways.isNew(gatewayId)).toBe(false);
  const read = await registry.gateways.getByEui(euiBytes);
  expect(await codeOf(registry.gateways.getByEui(new Uint8Array()))).toBe(
    'pkg/identityserver/store:gateway_not_found_by_eui',
  );
  expect(read).toMatchObject({ name: 'Roof', lbsLnsSecret: { value: key(7) } });
  await registry.gateways.delete(gatewayId);
  expect(await codeOf(registry.gateways.get(gatewayId, []))).toBe(
    'pkg/identityserver/store:gateway_not_found',
  );
});
