import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlValue } from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { DevEui, JoinEui } from '../lorawan/index.ts';
import { openDatabase } from './database.ts';
import type { DeviceSearch, DeviceSearchFilter } from './device-search.ts';
import type { DeviceRow, IdentityColumns } from './device-tables.ts';
import { REGISTRY_MIGRATIONS } from './registry-schema.ts';
import { createStore, type Store } from './store.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

type Device = Omit<DeviceRow, 'row'> & IdentityColumns;

/** More than the index is asked for before it counts as no help. */
const DEVICES = 6_000;
const WORDS = ['Halle Süd', 'CELLAR', 'roof "top"', 'a_b%c', 'Straße', 'ÅNGSTRÖM', 'x', 'Tür-7'];
const word = (at: number): string => WORDS[at % WORDS.length] ?? '';
const hex = (value: number): string => value.toString(16).toUpperCase().padStart(16, '0');

/** Every tenth device is another application's, every fifth has no EUIs. */
function device(at: number, change = 0): Device {
  return {
    applicationId: at % 10 === 0 ? 'shop' : 'lab',
    deviceId: `sensor-${at}`,
    ...(at % 5 !== 0 && {
      devEui: hex(0x0004a30b00000000 + at) as DevEui,
      joinEui: hex(1 + (at % 3)) as JoinEui,
    }),
    name: `Sensor ${word(at + change)}`,
    description: at % 4 === 0 ? `next to ${word(at + 3)}\0${word(at + 5 + change)}` : '',
    attributes: {
      ...(at % 2 === 0 && { floor: word(at + change) }),
      ...(at % 7 === 0 && { 'in-use': 'Yes' }),
    },
    createdAtMs: DEVICES - at,
    updatedAtMs: at,
    ...(at % 3 === 0 && { lastSeenAtMs: at % 100 }),
    message: Uint8Array.of(at % 256),
  };
}

const bytes = (text: string): Buffer => Buffer.from(text);
const fold = (text: string): string => text.toLowerCase().replaceAll('\0', ' ');
const has = (value: string | undefined, text: string): boolean =>
  fold(value ?? '').includes(fold(text));

/** The same search without any database. */
function fits(one: Device, filter: DeviceSearchFilter): boolean {
  const { query, idContains, nameContains, descriptionContains } = filter;
  const texts = [one.deviceId, one.name, one.description, one.devEui, one.joinEui];
  return (
    one.applicationId === filter.applicationId &&
    (!query || texts.some((text) => has(text, query))) &&
    (!idContains || has(one.deviceId, idContains)) &&
    (!nameContains || has(one.name, nameContains)) &&
    (!descriptionContains || has(one.description, descriptionContains)) &&
    (!filter.devEuiContains || has(one.devEui, filter.devEuiContains)) &&
    (!filter.joinEuiContains || has(one.joinEui, filter.joinEuiContains)) &&
    Object.entries(filter.attributesContain ?? {}).every(
      ([key, text]) => key in one.attributes && has(one.attributes[key], text),
    )
  );
}

function compare(a: Device, b: Device, { orderBy }: DeviceSearch): number {
  const byId = Buffer.compare(bytes(a.deviceId), bytes(b.deviceId));
  if (orderBy === 'name') return Buffer.compare(bytes(a.name), bytes(b.name)) || byId;
  if (orderBy === 'created_at') return a.createdAtMs - b.createdAtMs || byId;
  if (orderBy === 'last_seen_at') {
    return (a.lastSeenAtMs ?? -1) - (b.lastSeenAtMs ?? -1) || byId;
  }
  return byId;
}

function lookThrough(devices: readonly Device[], search: DeviceSearch) {
  const found = devices.filter((one) => fits(one, search));
  found.sort((a, b) => compare(a, b, search) * (search.descending ? -1 : 1));
  const page = found.slice(search.offset, search.offset + search.limit);
  return { ids: page.map(({ deviceId }) => deviceId), total: found.length };
}

let store: Store;
let devices: Device[];
let directory: string;

beforeAll(async () => {
  // Not a temporary workspace: that one is searched by its own connection, without the worker.
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-search-'));
  store = await createStore({
    directory,
    clock: systemClock(),
    logger: silentLogger(),
  });
  devices = Array.from({ length: DEVICES }, (_, at) => device(at));
  await store.unit(() => {
    for (const applicationId of ['lab', 'shop']) {
      store.applications.put({
        applicationId,
        name: '',
        createdAtMs: 0,
        message: new Uint8Array(),
      });
    }
    for (const one of devices) store.identityDevices.put(one);
  });
});
afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

async function searchStore(search: DeviceSearch) {
  const { rows, total } = await store.searchDevices(search);
  return { ids: rows.map((row) => store.identityDevices.get(row)?.deviceId), total };
}

const FIRST_PAGE = { orderBy: 'device_id', descending: false, limit: 100, offset: 0 } as const;
const TEXTS = [
  ...['s', 'or', 'sen', 'SENSOR', 'sensor-12', '7', '99', '1234', '0004A30B', '0000000000000001'],
  ...['0b000', 'süd', 'SÜD', 'straße', 'Å', 'ångström', 'top', 'f "t', '"', '%', '_b%', 'Tür-7'],
  ...['next to', 'nothing has this', 'r\0a', 'R a', 'CELLAR', 'e', '*', 'a AND b', 'x'],
];

const text = fc.constantFrom(...TEXTS);
const filters = fc.record(
  {
    query: text,
    idContains: text,
    nameContains: text,
    descriptionContains: text,
    devEuiContains: text,
    joinEuiContains: text,
    attributesContain: fc.dictionary(fc.constantFrom('floor', 'in-use', 'other'), text, {
      maxKeys: 2,
    }),
  },
  { requiredKeys: [] },
);
const pages = fc.record({
  applicationId: fc.constantFrom('lab', 'shop'),
  orderBy: fc.constantFrom('device_id', 'name', 'created_at', 'last_seen_at' as const),
  descending: fc.boolean(),
  limit: fc.constantFrom(1, 10, 1000),
  offset: fc.constantFrom(0, 0, 7, 4_000),
});

async function expectSameAsLookingThrough(runs: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.oneof(filters, fc.record({ query: text })), pages, async (filter, page) => {
      const search = { ...filter, ...page };
      expect(await searchStore(search)).toEqual(lookThrough(devices, search));
    }),
    { numRuns: runs, seed: 20 },
  );
}

describe('a search of devices', () => {
  test.each(TEXTS)('for %j finds what a look at every device finds', async (query) => {
    const search = { applicationId: 'lab', query, ...FIRST_PAGE };
    expect(await searchStore(search)).toEqual(lookThrough(devices, search));
  });

  test('with any filters, orders and pages gives the same as a look at every device', async () => {
    await expectSameAsLookingThrough(300);
  }, 60_000);

  test('follows changes, deletions and units that were undone', async () => {
    await store.unit(() => {
      for (let at = 0; at < DEVICES; at += 3) {
        const row = store.identityDevices.getByIds(
          device(at).applicationId,
          device(at).deviceId,
        )?.row;
        if (at % 2 === 0 && row !== undefined) store.identityDevices.delete(row);
        else store.identityDevices.put(device(at, 1));
      }
    });
    const undone = store.unit(() => {
      store.identityDevices.put(device(1, 4));
      throw new Error('changed my mind');
    });
    await expect(undone).rejects.toThrow('changed my mind');
    devices = devices.flatMap((one, at) =>
      at % 3 !== 0 ? [one] : at % 2 === 0 ? [] : [device(at, 1)],
    );
    await expectSameAsLookingThrough(200);
  }, 60_000);

  test.each([
    { floor: 'cellar' },
    { floor: '' },
    { 'in-use': 'Y' },
    { floor: 'x', 'in-use': 'yes' },
  ])('by attributes alone follows changes and deletions too: %j', async (attributesContain) => {
    for (const orderBy of ['device_id', 'name'] as const) {
      const search = { applicationId: 'lab', attributesContain, ...FIRST_PAGE, orderBy };
      expect(await searchStore(search)).toEqual(lookThrough(devices, search));
    }
  });

  test('of an application that does not exist finds nothing', async () => {
    const found = await searchStore({ applicationId: 'nobody', query: 'sensor', ...FIRST_PAGE });
    expect(found).toEqual({ ids: [], total: 0 });
  });
});

test('devices of a workspace from before there was a search are found', async () => {
  const directory = temporaryDirectory();
  const old = openDatabase({
    path: join(directory, 'gatehouse.db'),
    synchronous: 'OFF',
    migrations: REGISTRY_MIGRATIONS.slice(0, 2),
    copyBeforeMigration: false,
    busyTimeoutMs: 0,
    checkpointPages: 0,
    exclusive: false,
  });
  old.exec("INSERT INTO applications VALUES (5, 'lab', '', 0, x'')");
  const values: SqlValue[] = ['lab', 'door-7', 'ÄNGSTLICHE Tür', JSON.stringify({ site: 'Köln' })];
  old
    .prepare(
      `INSERT INTO is_devices(application_id, device_id, name, attributes, dev_eui, description, created_at_ms,
       updated_at_ms, message) VALUES (?, ?, ?, ?, x'0004A30B001C0530', '', 0, 0, x'')`,
    )
    .run(...values);
  old.close();
  const migrated = await createStore({ directory, clock: systemClock(), logger: silentLogger() });
  const total = async (filter: Omit<DeviceSearchFilter, 'applicationId'>): Promise<number> =>
    (await migrated.searchDevices({ applicationId: 'lab', ...filter, ...FIRST_PAGE })).total;
  expect(await total({ query: 'ängstliche tÜR' })).toBe(1);
  expect(await total({ devEuiContains: '4a30b001c' })).toBe(1);
  expect(await total({ attributesContain: { site: 'KÖLN' } })).toBe(1);
  expect(await total({ attributesContain: { site: 'Bonn' } })).toBe(0);
  await migrated.unit(() =>
    migrated.identityDevices.put({ ...device(1), deviceId: 'door-7', name: 'Gate' }),
  );
  expect(await total({ query: 'ängstliche tÜR' })).toBe(0);
  expect(await total({ nameContains: 'gate' })).toBe(1);
  await migrated.close();
});

test('a temporary workspace, which no other connection may open, is searched too', async () => {
  const temporary = await createStore({
    directory: ':memory:',
    clock: systemClock(),
    logger: silentLogger(),
  });
  await temporary.unit(() => temporary.identityDevices.put(device(7)));
  const found = await temporary.searchDevices({
    applicationId: 'lab',
    query: 'SENSOR-7',
    orderBy: 'device_id',
    descending: false,
    limit: 10,
    offset: 0,
  });
  expect(found).toEqual({ rows: [1], total: 1 });
  await temporary.close();
});
