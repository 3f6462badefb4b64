import { create, toBinary } from '@bufbuild/protobuf';
import Database from 'better-sqlite3';
import { afterEach, expect, test } from 'vitest';
import {
  type Frame,
  FrameSchema,
  Outcome,
  VerdictSchema,
} from '../api/gen/gatehouse/v1/frames_pb.js';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { migrate } from './database.ts';
import { runsOf } from './frame-batch.ts';
import { createFrameStore, MOST_RECEPTIONS } from './frame-store.ts';
import { FRAMES_MIGRATIONS } from './frames-schema.ts';
import { createStore, type Store } from './store.ts';
import { sampleFrame, sampleReception, sampleUplink } from './testing/samples.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

async function open(directory = ':memory:'): Promise<Store> {
  const store = await createStore({ directory, clock: systemClock(), logger: silentLogger() });
  stores.push(store);
  return store;
}

const deviceIds = (frames: readonly Frame[]): string[] =>
  frames.map(({ endDeviceIds }) => endDeviceIds?.deviceId ?? '');

test('a frame is stored with its receptions and read back as it was', async () => {
  const directory = temporaryDirectory();
  const store = await open(directory);
  const heard: bigint[] = [];
  store.frames.onFrame((frame) => heard.push(frame.id));
  const first = store.frames.addReception(sampleReception());
  const second = store.frames.addReception(sampleReception({ gatewayId: 'roof' }));
  expect(second).toBe(first + 1);
  const frame = sampleFrame('door');
  const id = store.frames.addFrame(frame, [first, second]);
  expect(heard).toEqual([BigInt(id)]);
  expect(frame.receptions.map(({ gatewayId }) => gatewayId)).toEqual([
    'eui-0016c001f156a1b2',
    'roof',
  ]);
  expect(store.frames.total()).toBe(1);
  await store.frames.flush();
  const bytes = toBinary(FrameSchema, frame);
  await store.close();
  const again = await open(directory);
  const stored = again.frames.get(id);
  expect(stored && toBinary(FrameSchema, stored)).toEqual(bytes);
  expect(stored?.receptions[0]?.antennas[0]?.snrDb).toBeCloseTo(9.5);
  expect(again.frames.addFrame(sampleFrame('door'), [])).toBe(id + 1);
  expect(again.frames.addReception(sampleReception())).toBe(second + 1);
});

test('pages come newest first and go on below an id', async () => {
  const store = await open();
  for (let number = 0; number < 25; number += 1) {
    store.frames.addFrame(sampleFrame(`d${number}`), []);
  }
  const first = await store.frames.list({ limit: 10 });
  expect(deviceIds(first.frames)[0]).toBe('d24');
  expect(first).toMatchObject({ total: 25, more: true });
  const last = await store.frames.list({ limit: 10, beforeId: 6 });
  expect(deviceIds(last.frames)).toEqual(['d4', 'd3', 'd2', 'd1', 'd0']);
  expect(last.more).toBe(false);
  const newer = await store.frames.list({ limit: 2, afterId: 20 });
  expect(deviceIds(newer.frames)).toEqual(['d20', 'd21']);
});

test('filters look in device, EUI, address, gateway, type and cause', async () => {
  const store = await open();
  store.frames.addFrame(sampleFrame('door'), [store.frames.addReception(sampleReception())]);
  store.frames.addFrame(sampleFrame('window', Outcome.DROPPED, 'mic_mismatch'), []);
  const matching = async (filter: string): Promise<string[]> =>
    deviceIds((await store.frames.list({ limit: 10, filter })).frames);
  expect(await matching('DOOR')).toEqual(['door']);
  expect(await matching('0016c001')).toEqual(['door']);
  expect(await matching('mic_')).toEqual(['window']);
  expect(await matching('26012e3f')).toEqual(['window', 'door']);
  expect(await matching('70b3d57ed0')).toEqual(['window', 'door']);
  expect(await matching('unconfirmed')).toEqual(['window', 'door']);
  expect(await matching('100%_')).toEqual([]);
  const ofDevice = await store.frames.list({ limit: 5, applicationId: 'lab', deviceId: 'door' });
  expect(deviceIds(ofDevice.frames)).toEqual(['door']);
  const ofApplication = await store.frames.list({ limit: 5, applicationId: 'lab' });
  expect(ofApplication.frames).toHaveLength(2);
  expect((await store.frames.list({ limit: 5, applicationId: 'other' })).frames).toEqual([]);
});

test('a changed verdict is told and stored', async () => {
  const directory = temporaryDirectory();
  const store = await open(directory);
  const id = store.frames.addFrame(sampleFrame('door', Outcome.SCHEDULED), []);
  await store.frames.flush();
  const outcomes: (Outcome | undefined)[] = [];
  store.frames.onFrame(({ verdict }) => outcomes.push(verdict?.outcome));
  store.frames.updateFrame(id, {
    verdict: create(VerdictSchema, { outcome: Outcome.TRANSMITTED }),
  });
  expect(outcomes).toEqual([Outcome.TRANSMITTED]);
  await store.close();
  const again = await open(directory);
  expect(again.frames.get(id)?.verdict?.outcome).toBe(Outcome.TRANSMITTED);
  expect(again.frames.total()).toBe(1);
});

test('receptions nobody decided become frames that say so, one for all gateways', async () => {
  const directory = temporaryDirectory();
  const store = await open(directory);
  store.frames.addReception(sampleReception({ gatewayId: 'one' }));
  store.frames.addReception(sampleReception({ gatewayId: 'two' }));
  const joinRequest = Uint8Array.from({ length: 23 }, (_, index) => index);
  store.frames.addReception(sampleReception({ uplink: sampleUplink({ phyPayload: joinRequest }) }));
  await store.frames.flush();
  await store.close();
  const again = await open(directory);
  const { frames, total } = await again.frames.list({ limit: 10 });
  expect(total).toBe(2);
  expect(frames.map(({ fType }) => fType)).toEqual(['JOIN_REQUEST', 'UNCONFIRMED_UP']);
  expect(frames[1]?.receptions.map(({ gatewayId }) => gatewayId)).toEqual(['one', 'two']);
  expect(frames[1]?.verdict).toMatchObject({
    outcome: Outcome.NOT_PROCESSED,
    cause: 'not_processed',
  });
  await again.close();
  const third = await open(directory);
  expect(third.frames.total()).toBe(2);
});

test('a reader that fails harms nobody', async () => {
  const store = await open();
  store.frames.onFrame(() => {
    throw new Error('reader');
  });
  store.frames.addFrame(sampleFrame('door'), []);
  await store.frames.flush();
  expect(store.frames.total()).toBe(1);
});

test('old frames go when there are more than the setting allows', async () => {
  const store = await open();
  await store.unit(() => store.settings.put('frames.max', '100'));
  for (let number = 0; number < 1_500; number += 1) {
    store.frames.addFrame(sampleFrame(`d${number}`), []);
  }
  await store.frames.flush();
  await expect.poll(() => store.frames.total(), { timeout: 5_000 }).toBe(100);
  const { frames, more } = await store.frames.list({ limit: 200 });
  expect(frames).toHaveLength(100);
  expect(deviceIds(frames)[0]).toBe('d1499');
  expect(more).toBe(false);
});

/** A frame store over a database in memory. */
function openAlone(rowsPerCommit: number) {
  const db = new Database(':memory:');
  const path = 'frames.db';
  migrate(db, {
    path,
    synchronous: 'OFF',
    migrations: FRAMES_MIGRATIONS,
    copyBeforeMigration: false,
    busyTimeoutMs: 0,
    checkpointPages: 0,
    exclusive: false,
  });
  const clock = virtualClock();
  const states: (string | undefined)[] = [];
  const frames = createFrameStore({
    db,
    path,
    clock,
    logger: silentLogger(),
    worker: { call: () => Promise.reject(new Error('no worker')), close: async () => undefined },
    rowsPerCommit,
    onCommit: () => undefined,
    onFailure: (failure) => states.push(failure?.code),
  });
  const stored = (): unknown => db.prepare('SELECT count(*) AS n FROM frames').get();
  return { db, clock, frames, states, stored };
}

test('frames of a temporary folder wait for each other, or for somebody who waits for them', async () => {
  const { clock, frames, stored } = openAlone(3);
  frames.addFrame(sampleFrame('d0'), [frames.addReception(sampleReception())]);
  frames.addFrame(sampleFrame('d1'), []);
  await clock.advance(0);
  expect(stored()).toEqual({ n: 0 });
  expect(frames.get(2)?.endDeviceIds?.deviceId).toBe('d1');
  frames.addFrame(sampleFrame('d2'), []);
  await clock.advance(0);
  expect(stored()).toEqual({ n: 3 });
  frames.addFrame(sampleFrame('d3'), []);
  await frames.flush();
  expect(stored()).toEqual({ n: 4 });
  frames.addFrame(sampleFrame('d4'), []);
  frames.close();
  expect(stored()).toEqual({ n: 5 });
});

test('frames wait while the disk is full and are stored when there is room again', async () => {
  const { db, clock, frames, states, stored } = openAlone(1);
  db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`);
  for (let number = 0; number < 200; number += 1) frames.addFrame(sampleFrame(`d${number}`), []);
  await expect(frames.flush()).rejects.toMatchObject({ code: 'gatehouse/store:full' });
  expect(stored()).toEqual({ n: 0 });
  expect(frames.get(1)?.endDeviceIds?.deviceId).toBe('d0');
  db.pragma('max_page_count = 100000');
  await clock.advance(1_000);
  expect(stored()).toEqual({ n: 200 });
  expect(states).toEqual(['gatehouse/store:full', undefined]);
});

test('a frame that cannot be encoded is counted as lost and keeps no other from being stored', async () => {
  const directory = temporaryDirectory();
  const store = await open(directory);
  const poisoned = sampleFrame('poisoned');
  poisoned.frequencyHz = -1n;
  store.frames.addFrame(poisoned, []);
  const id = store.frames.addFrame(sampleFrame('door'), []);
  await store.frames.flush();
  expect([store.frames.total(), store.frames.lostCount()]).toEqual([1, 1]);
  await store.close();
  const again = await open(directory);
  expect(again.frames.get(id)?.endDeviceIds?.deviceId).toBe('door');
  expect(again.frames.total()).toBe(1);
});

test('a frame keeps a bounded number of receptions, and none of the others is left undecided', async () => {
  const directory = temporaryDirectory();
  const store = await open(directory);
  const heard = Array.from({ length: MOST_RECEPTIONS - 1 }, () =>
    store.frames.addReception(sampleReception()),
  );
  const id = store.frames.addFrame(sampleFrame('door'), heard);
  const told: number[] = [];
  store.frames.onFrame(({ receptions }) => told.push(receptions.length));
  for (let copy = 0; copy < 3; copy += 1) {
    const receptionIds = [store.frames.addReception(sampleReception())];
    store.frames.updateFrame(id, { receptionIds });
  }
  expect(told).toEqual([MOST_RECEPTIONS]);
  await store.close();
  const again = await open(directory);
  expect(again.frames.get(id)?.receptions).toHaveLength(MOST_RECEPTIONS);
  // What is undecided becomes a frame of its own when the store is opened.
  expect(again.frames.total()).toBe(1);
});

test('ids in any order become runs without gaps', () => {
  expect(runsOf([])).toEqual([]);
  expect(runsOf([7, 3, 4, 9, 5, 8, 4, 1])).toEqual([
    [1, 1],
    [3, 5],
    [7, 9],
  ]);
});
