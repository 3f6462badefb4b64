import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { DevAddr, DevEui, JoinEui } from '../lorawan/index.ts';
import { keyFileWrapper, passphraseWrapper } from './key-wrapper.ts';
import { createStore, type Store, type StoreOptions } from './store.ts';
import { keyOf, sampleDevice, sampleSession } from './testing/samples.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function open(options: Partial<StoreOptions> = {}): Promise<Store> {
  const store = await createStore({
    directory: ':memory:',
    clock: systemClock(),
    logger: silentLogger(),
    ...options,
  });
  stores.push(store);
  return store;
}

const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  );

test('what was stored is there after opening again', async () => {
  const directory = temporaryDirectory();
  const first = await open({ directory });
  await first.unit(() => {
    first.settings.put('name', 'lab');
    first.links.put({ id: 'udp', message: Uint8Array.of(1, 2) });
    first.simulatedDevices.put({ id: 's1', message: Uint8Array.of(3), secrets: keyOf(9) });
    first.apiKeys.put({
      id: 'KEY',
      name: 'ci',
      hash: keyOf(1),
      rights: ['RIGHT_APPLICATION_ALL'],
      applicationId: 'lab',
      createdAtMs: 5,
      updatedAtMs: 6,
    });
  });
  await first.close();
  const second = await open({ directory });
  expect(second.settings.getText('name')).toBe('lab');
  expect(second.links.get('udp')).toEqual({ id: 'udp', message: Uint8Array.of(1, 2) });
  expect(second.simulatedDevices.list()).toEqual([
    { id: 's1', message: Uint8Array.of(3), secrets: keyOf(9) },
  ]);
  expect(second.apiKeys.list({ applicationId: 'lab' })).toMatchObject({
    rows: [{ id: 'KEY', rights: ['RIGHT_APPLICATION_ALL'], createdAtMs: 5, updatedAtMs: 6 }],
    total: 1,
  });
  expect(second.apiKeys.list()).toEqual({ rows: [], total: 0 });
});

test('sessions are found by address, and a pending one takes over with an empty queue', async () => {
  const store = await open();
  await store.unit(() => {
    const row = store.networkDevices.put(sampleDevice('door'));
    const current = store.networkSessions.put(sampleSession(row));
    store.networkSessions.put(
      sampleSession(row, { kind: 'pending', sessionKeyId: Uint8Array.of(9) }),
    );
    expect(store.networkSessions.byDevAddr('26012E3F' as DevAddr)).toHaveLength(2);
    expect(current.lastFCntUp).toBeUndefined();
    store.networkSessions.updateCounters(current.id, { lastFCntUp: 0, lastNFCntDown: 7 });
    store.networkSessions.updateMacState(current.id, Uint8Array.of(4, 5));
    const stored = store.networkSessions.byDevice(row).current;
    expect(stored).toMatchObject({ lastFCntUp: 0, lastNFCntDown: 7, devAddr: '26012E3F' });
    expect(stored?.macState).toEqual(Uint8Array.of(4, 5));
    expect(stored?.keys.sNwkSIntKey).toEqual(keyOf(0x22));
    store.networkSessions.promotePending(row, 2_000);
    const after = store.networkSessions.byDevice(row);
    expect(after.pending).toBeUndefined();
    expect(after.current?.sessionKeyId).toEqual(Uint8Array.of(9));
    expect(after.current?.startedAtMs).toBe(2_000);
    store.networkDevices.delete(row);
    expect(store.networkSessions.byDevAddr('26012E3F' as DevAddr)).toEqual([]);
  });
});

test('replaced session keys are not served from memory', async () => {
  const store = await open();
  await store.unit(() => {
    const row = store.networkDevices.put(sampleDevice('door'));
    store.networkSessions.put(sampleSession(row));
    store.networkSessions.byDevice(row);
    const keys = { fNwkSIntKey: keyOf(4), sNwkSIntKey: keyOf(5), nwkSEncKey: keyOf(6) };
    store.networkSessions.put(sampleSession(row, { keys }));
    expect(store.networkSessions.byDevice(row).current?.keys).toEqual(keys);
  });
});

test('devices are found by ids and by EUIs, and an EUI pair is taken once', async () => {
  const store = await open();
  const put = (id: string, number: number): Promise<number> =>
    store.unit(() => store.joinDevices.put({ ...sampleDevice(id, number), keys: keyOf(7) }));
  const row = await put('door', 1);
  expect(store.joinDevices.getByIds('lab', 'door')?.keys).toEqual(keyOf(7));
  expect(
    store.joinDevices.getByEuis('0000000000000001' as JoinEui, '70B3D57ED0000001' as DevEui)?.row,
  ).toBe(row);
  await expect(put('window', 1)).rejects.toThrow();
  expect(store.joinDevices.count('lab')).toBe(1);
  await store.unit(() => {
    store.joinState.put(row, { usedDevNonces: [1, 65_535], lastJoinNonce: 3 });
  });
  expect(store.joinState.get(row)).toEqual({ usedDevNonces: [1, 65_535], lastJoinNonce: 3 });
  expect(store.joinState.get(99)).toEqual({ usedDevNonces: [] });
});

test('keys never stand in the files in the clear', async () => {
  const directory = temporaryDirectory();
  const store = await open({ directory });
  const secret = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
  await store.unit(() => {
    const keys = { fNwkSIntKey: secret, sNwkSIntKey: secret, nwkSEncKey: secret };
    store.joinDevices.put({ ...sampleDevice('door'), keys: secret });
    const row = store.networkDevices.put(sampleDevice('door'));
    store.networkSessions.put(sampleSession(row, { keys }));
    const other = store.applicationDevices.put(sampleDevice('door'));
    store.applicationSessions.put({
      deviceRow: other,
      kind: 'current',
      sessionKeyId: Uint8Array.of(1),
      appSKey: secret,
      startedAtMs: 1,
    });
    store.simulatedDevices.put({ id: 's', message: Uint8Array.of(), secrets: secret });
  });
  const holdsKey = (): boolean[] =>
    readdirSync(directory).map((name) =>
      readFileSync(join(directory, name)).includes(Buffer.from(secret)),
    );
  expect(holdsKey()).not.toContain(true);
  await store.close();
  expect(holdsKey()).not.toContain(true);
});

test('a workspace stays closed without the protection its keys were stored with', async () => {
  const directory = temporaryDirectory();
  const store = await open({ directory, dataKeyWrapper: passphraseWrapper('right') });
  expect(store.keyProtection.openedWith).toBe('passphrase');
  await store.close();
  const wrong = open({ directory, dataKeyWrapper: passphraseWrapper('wrong') });
  expect(await failure(wrong)).toBe('gatehouse/store:keys_locked');
  const other = open({ directory, dataKeyWrapper: keyFileWrapper(join(directory, 'data.key')) });
  expect(await failure(other)).toBe('gatehouse/store:keys_locked');
  const again = await open({ directory, dataKeyWrapper: passphraseWrapper('right') });
  await again.keyProtection.add(keyFileWrapper(join(directory, 'data.key')));
  expect(await again.keyProtection.remove('passphrase')).toBe(true);
  expect(await again.keyProtection.remove('key_file')).toBe(false);
  await again.close();
  const byFile = await open({ directory });
  expect(byFile.keyProtection.kinds()).toEqual(['key_file']);
});

test('a file of a newer program is refused and left alone', async () => {
  const directory = temporaryDirectory();
  await (await open({ directory })).close();
  const db = new Database(join(directory, 'gatehouse.db'));
  db.pragma('user_version = 99');
  db.close();
  expect(await failure(open({ directory }))).toBe('gatehouse/store:newer_file');
  expect(await failure(open({ directory }))).toBe('gatehouse/store:newer_file');
});

test('a second opener is told who holds the folder', async () => {
  const directory = temporaryDirectory();
  const store = await open({ directory });
  store.publishUrl('http://127.0.0.1:1885');
  await expect(open({ directory })).rejects.toMatchObject({
    code: 'gatehouse/store:locked',
    attributes: { pid: process.pid, url: 'http://127.0.0.1:1885' },
  });
});

test('a damaged file is named', async () => {
  const directory = temporaryDirectory();
  await (await open({ directory })).close();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(directory, 'gatehouse.db'), 'this is not a database'.repeat(500));
  expect(await failure(open({ directory }))).toBe('gatehouse/store:damaged');
});

test('lists of identity devices are ordered and cut', async () => {
  const store = await open();
  const names = ['Blue door', 'alarm', 'Cellar 100%'];
  await store.unit(() => {
    names.forEach((name, index) => {
      store.identityDevices.put({
        ...sampleDevice(`d${index}`, index + 1),
        name,
        description: index === 1 ? 'rings loudly' : '',
        attributes: index === 0 ? { floor: 'first' } : {},
        createdAtMs: 10 - index,
        updatedAtMs: index,
      });
    });
  });
  const ids = (
    filter: Parameters<Store['identityDevices']['list']>[0],
    orderBy: 'device_id' | 'name' | 'created_at' = 'device_id',
  ): string[] =>
    store.identityDevices
      .list(filter, { orderBy, descending: false, limit: 100, offset: 0 })
      .rows.map(({ deviceId }) => deviceId);
  expect(ids({ applicationId: 'lab' }, 'created_at')).toEqual(['d2', 'd1', 'd0']);
  expect(ids({ applicationId: 'lab' }, 'name')).toEqual(['d0', 'd2', 'd1']);
  expect(ids({ updatedSinceMs: 1 })).toEqual(['d1', 'd2']);
  expect(
    store.identityDevices.list({}, { orderBy: 'device_id', descending: true, limit: 1, offset: 1 }),
  ).toMatchObject({ total: 3, rows: [{ deviceId: 'd1' }] });
});

test('a backup can be opened', async () => {
  const directory = temporaryDirectory();
  const target = temporaryDirectory();
  const store = await open({ directory });
  await store.unit(() => store.settings.put('name', 'lab'));
  await store.backup(target);
  const copy = await open({
    directory: target,
    dataKeyWrapper: keyFileWrapper(join(directory, 'data.key')),
  });
  expect(copy.settings.getText('name')).toBe('lab');
});

test('the log of a temporary folder stays small', async () => {
  const store = await open();
  for (let at = 0; at < 2_000; at += 1)
    await store.unit(() => store.settings.put(`key ${at}`, 'x'.repeat(2_000)));
  expect(store.diagnostics().registryBytes).toBeLessThan(20_000_000);
});
