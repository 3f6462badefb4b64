import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type EndDevice,
  EndDeviceSchema,
  MACStateSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { GatehouseError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { createStore, type Store } from '../store/index.ts';
import { MOST_NEW_GATEWAYS } from './gateways.ts';
import { createRegistry, newApplication, type Registry } from './index.ts';

let store: Store;
let registry: Registry;
const published: string[] = [];

beforeEach(async () => {
  const clock = virtualClock();
  const logger = silentLogger();
  store = await createStore({ directory: ':memory:', clock, logger });
  registry = createRegistry({
    store,
    clock,
    logger,
    publish: (event) => published.push(event.name),
    newMacState: () => create(MACStateSchema, { lorawanVersion: MACVersion.MAC_V1_0_3 }),
  });
  published.length = 0;
  await registry.applications.create(newApplication('shop'));
});
afterEach(() => store.close());

const eui = (last: number): Uint8Array => new Uint8Array([0, 4, 163, 11, 0, 28, 5, last]);
const key = (fill: number): Uint8Array => new Uint8Array(16).fill(fill);

type Init = Exclude<MessageInitShape<typeof EndDeviceSchema>, EndDevice>;

const shop = { applicationId: 'shop' };
const idsInit = {
  deviceId: 'door-7',
  applicationIds: shop,
  devEui: eui(0x30),
  joinEui: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1]),
};
const ids = create(EndDeviceIdentifiersSchema, { deviceId: 'door-7', applicationIds: shop });
const otaaInit: Init = {
  ids: idsInit,
  name: 'Back door',
  supportsJoin: true,
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
  rootKeys: { appKey: { key: key(0x2b) } },
};
const abpInit: Init = {
  ...otaaInit,
  supportsJoin: false,
  session: {
    devAddr: new Uint8Array([2, 1, 2, 3]),
    keys: { fNwkSIntKey: { key: key(1) }, appSKey: { key: key(2) } },
  },
};
const device = (init: Init = {}) => create(EndDeviceSchema, { ids: idsInit, ...init });
const otaa = (init: Init = {}) => create(EndDeviceSchema, { ...otaaInit, ...init });
const abp = (init: Init = {}) => create(EndDeviceSchema, { ...abpInit, ...init });
const OTAA_PATHS = ['supports_join', 'frequency_plan_id', 'lorawan_version', 'lorawan_phy_version'];
const ABP_PATHS = [...OTAA_PATHS, 'session.dev_addr', 'session.keys.f_nwk_s_int_key.key'];
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    (error: unknown) => (error as GatehouseError).code,
  );

test('one call registers a device in all four registries, and one deletes it', async () => {
  await registry.registerEverywhere(otaa());
  expect((await registry.identity.get(ids, ['name'])).name).toBe('Back door');
  expect((await registry.join.get(ids, ['root_keys'])).rootKeys?.appKey?.key).toEqual(key(0x2b));
  expect((await registry.network.get(ids, ['frequency_plan_id'])).frequencyPlanId).toBe(
    'EU_863_870',
  );
  await registry.application.get(ids, []);
  expect(published).toContain('end_device.create');
  await registry.deleteEverywhere(ids);
  expect(await codeOf(registry.join.get(ids, []))).toBe('pkg/joinserver:device_not_found');
  expect(await codeOf(registry.network.get(ids, []))).toBe('pkg/redis:not_found');
});

test('a registration that one registry refuses leaves nothing behind', async () => {
  const bad = otaa();
  bad.frequencyPlanId = 'MOON_1';
  expect(await codeOf(registry.registerEverywhere(bad))).toBe('pkg/frequencyplans:not_found');
  expect(await codeOf(registry.identity.get(ids, []))).toBe(
    'pkg/identityserver/store:end_device_not_found',
  );
  expect(await codeOf(registry.join.get(ids, []))).toBe('pkg/joinserver:device_not_found');
});

test('an ABP device gets a MAC state, and its session reads back', async () => {
  await registry.network.set(abp(), ABP_PATHS);
  const stored = await registry.network.get(ids, ['session', 'mac_state', 'ids']);
  expect(stored.session?.devAddr).toEqual(new Uint8Array([2, 1, 2, 3]));
  expect(stored.session?.keys?.fNwkSIntKey?.key).toEqual(key(1));
  expect(stored.macState?.lorawanVersion).toBe(MACVersion.MAC_V1_0_3);
});

test('counters of a session can be set and are kept by other changes', async () => {
  await registry.network.set(abp(), ABP_PATHS);
  await registry.network.set(device({ session: { lastFCntUp: 41 } }), ['session.last_f_cnt_up']);
  await registry.network.set(device({ supportsClassC: true }), ['supports_class_c']);
  const stored = await registry.network.get(ids, ['session', 'supports_class_c']);
  expect(stored.session?.lastFCntUp).toBe(41);
  expect(stored.supportsClassC).toBe(true);
});

test('a factory reset of an ABP device keeps address and keys and forgets counters', async () => {
  await registry.network.set(abp(), ABP_PATHS);
  await registry.network.set(device({ session: { lastFCntUp: 41 } }), ['session.last_f_cnt_up']);
  const reset = await registry.network.resetFactoryDefaults(ids, ['session']);
  expect(reset.session?.lastFCntUp).toBe(0);
  expect(reset.session?.devAddr).toEqual(new Uint8Array([2, 1, 2, 3]));
  const stored = await registry.network.get(ids, ['session']);
  expect(stored.session?.lastFCntUp).toBe(0);
});

test.each([
  ['ABP without session', () => otaa({ supportsJoin: false }), OTAA_PATHS, 'session.dev_addr'],
  [
    'OTAA without DevEUI',
    () => otaa({ ids: { deviceId: 'door-7', applicationIds: shop } }),
    OTAA_PATHS,
    'ids.dev_eui',
  ],
  [
    'a 1.1 session that lacks a key',
    () =>
      abp({ lorawanVersion: MACVersion.MAC_V1_1, lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B }),
    ABP_PATHS,
    'session.keys.s_nwk_s_int_key.key',
  ],
  [
    'a band that is not the plan’s',
    () => otaa({ versionIds: { bandId: 'US_902_928' } }),
    [...OTAA_PATHS, 'version_ids.band_id'],
    'version_ids.band_id',
  ],
])('the network registry refuses %s', async (_, make, paths, field) => {
  const error = await registry.network.set(make(), paths).catch((thrown: unknown) => thrown);
  expect((error as GatehouseError).code).toBe('pkg/networkserver:field_value');
  expect((error as GatehouseError).attributes.field).toBe(field);
});

test('supports_join cannot be changed later', async () => {
  await registry.network.set(otaa(), OTAA_PATHS);
  expect(await codeOf(registry.network.set(abp(), ABP_PATHS))).toBe(
    'pkg/networkserver:field_value',
  );
});

test.each([
  ['no JoinEUI', () => create(EndDeviceSchema, { ids }), 'pkg/joinserver:no_join_eui'],
  [
    'no DevEUI',
    () => device({ ids: { ...idsInit, devEui: new Uint8Array(8) } }),
    'pkg/joinserver:no_dev_eui',
  ],
  [
    'a zero AppKey',
    () => device({ rootKeys: { appKey: { key: new Uint8Array(16) } } }),
    'pkg/joinserver:field_value',
  ],
])('the join registry refuses %s', async (_, make, code) => {
  expect(await codeOf(registry.join.set(make(), ['root_keys.app_key.key']))).toBe(code);
});

test('EUIs cannot change and cannot be taken twice', async () => {
  await registry.join.set(otaa(), ['root_keys.app_key.key']);
  const moved = otaa();
  if (moved.ids) moved.ids.devEui = eui(0x31);
  expect(await codeOf(registry.join.set(moved, ['root_keys.app_key.key']))).toBe(
    'pkg/joinserver/redis:read_only_field',
  );
  const other = otaa();
  if (other.ids) other.ids.deviceId = 'door-8';
  expect(await codeOf(registry.join.set(other, ['root_keys.app_key.key']))).toBe(
    'pkg/internal/registry:end_device_euis_taken',
  );
});

test('an application with devices is not deleted', async () => {
  await registry.identity.create(otaa());
  expect(await codeOf(registry.applications.delete('shop'))).toBe(
    'pkg/identityserver:application_has_devices',
  );
});

test('a gateway heard for the first time is registered under its EUI and marked new', async () => {
  const id = registry.gateways.ensureHeard('0016C001F156A1B2' as never);
  expect(id).toBe('eui-0016c001f156a1b2');
  await store.unit(() => undefined);
  expect(registry.gateways.isNew(id)).toBe(true);
  expect((await registry.gateways.get(id, ['name'])).ids?.gatewayId).toBe(id);
});

test('only so many gateways are registered by being heard, until the user looks at one or deletes it', async () => {
  const { gateways } = registry;
  const euiOf = (number: number): never =>
    `FF00${number.toString(16).toUpperCase().padStart(12, '0')}` as never;
  for (let number = 0; number < MOST_NEW_GATEWAYS; number += 1) {
    expect(gateways.mayRegisterHeard()).toBe(true);
    gateways.ensureHeard(euiOf(number));
  }
  expect(gateways.mayRegisterHeard()).toBe(false);
  const [one, other] = [euiOf(0), euiOf(1)];
  expect(gateways.isKnown(one)).toBe(true);
  await gateways.delete(gateways.ensureHeard(one));
  expect(gateways.mayRegisterHeard()).toBe(true);
  expect(gateways.isKnown(one)).toBe(false);
  gateways.ensureHeard(one);
  expect(gateways.mayRegisterHeard()).toBe(false);
  const looked = await gateways.get(gateways.ensureHeard(other), ['name']);
  await gateways.update({ ...looked, name: 'Roof' }, ['name']);
  expect(gateways.mayRegisterHeard()).toBe(true);
});

test('a device that was read stays at hand while others are registered, until it changes', async () => {
  await registry.registerEverywhere(otaa());
  const read = registry.networkDeviceByIds('shop', 'door-7');
  const row = read?.row ?? 0;
  const other = { ...idsInit, deviceId: 'door-8', devEui: eui(0x31) };
  await registry.registerEverywhere(otaa({ ids: other }));
  expect(registry.networkDeviceByIds('shop', 'door-7')).toBe(read);
  expect(registry.networkDeviceById(row)).toBe(read);
  expect(registry.networkDeviceByIds('shop', 'door-8')?.deviceId).toBe('door-8');
  await registry.network.set(device({ supportsClassC: true }), ['supports_class_c']);
  expect(registry.networkDeviceById(row)?.message.supportsClassC).toBe(true);
  expect(registry.networkDeviceByIds('shop', 'door-7')?.message.supportsClassC).toBe(true);
  await registry.deleteEverywhere(ids);
  expect(registry.networkDeviceById(row)).toBeUndefined();
  expect(registry.networkDeviceByIds('shop', 'door-7')).toBeUndefined();
});
