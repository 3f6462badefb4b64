import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { TxSchedulePriority } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
  DownlinkQueueOperationErrorDetailsSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { defineError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import type { DevAddr } from '../lorawan/index.ts';
import { createStore, type Store } from '../store/index.ts';
import { keyOf, sampleDevice } from '../store/testing/samples.ts';
import { createApplicationQueue } from './downlink-queue.ts';

const unknownSession = defineError('pkg/networkserver:unknown_session', 'NOT_FOUND', 'No.');
const OLD = Uint8Array.of(1);
const NEW = Uint8Array.of(2);

const openStore = () =>
  createStore({ directory: ':memory:', clock: virtualClock(), logger: silentLogger() });

/** A queue of the device in that row, over the store alone. */
const optionsFor = (store: Store, row: number) => ({
  store,
  findDevice: () => ({ row, message: create(EndDeviceSchema) }),
  findIdentity: () => undefined,
  recordLocation: async () => undefined,
  recordSeen: async () => undefined,
  findAppSKey: () => undefined,
  linkOf: () => undefined,
  onRegistryChange: () => undefined,
  formatters: {} as never,
  events: { publish: () => undefined },
  clock: virtualClock(),
  logger: silentLogger(),
});

test('a push right after the network server promoted a session follows it', async () => {
  const store = await openStore();
  const device = await store.unit(() => {
    const row = store.applicationDevices.put(sampleDevice('door-7'));
    for (const [kind, sessionKeyId] of [['current', OLD] as const, ['pending', NEW] as const])
      store.applicationSessions.put({
        deviceRow: row,
        kind,
        devAddr: '02AB0001' as DevAddr,
        sessionKeyId,
        appSKey: keyOf(sessionKeyId[0] ?? 0),
        startedAtMs: 0,
      });
    return { row, message: create(EndDeviceSchema) };
  });
  const taken: number[][] = [];
  let last: readonly ApplicationDownlink[] = [];
  const queue = createApplicationQueue({
    ...optionsFor(store, device.row),
    networkQueue: {
      async push(_, items) {
        last = items;
        taken.push(items.map(({ sessionKeyId }) => sessionKeyId[0] ?? 0));
        if (!items.some(({ sessionKeyId }) => sessionKeyId[0] === OLD[0])) return;
        const devAddr = Uint8Array.of(0x02, 0xab, 0, 1);
        const about = { sessionKeyId: NEW, devAddr };
        const details = [create(DownlinkQueueOperationErrorDetailsSchema, about)];
        throw unknownSession({}, { details });
      },
      replace: () => Promise.resolve(),
      list: () => [],
      sessionKeyId: () => NEW,
    },
  });
  const ref = { applicationId: 'lab', deviceId: 'door-7' };
  const downlink = create(ApplicationDownlinkSchema, {
    fPort: 1,
    frmPayload: Uint8Array.of(1),
    priority: TxSchedulePriority.HIGH,
    correlationIds: ['order:77'],
    classBC: { gateways: [{ gatewayIds: { gatewayId: 'roof' }, antennaIndex: 1 }] },
  });
  await queue.push(ref, [downlink]);
  expect(taken).toEqual([[1, 2], [2]]);
  // What the application wants of the network goes with each copy.
  expect(last).toMatchObject([
    {
      priority: TxSchedulePriority.HIGH,
      correlationIds: ['order:77', expect.stringMatching(/^as:downlink:/)],
      classBC: { gateways: [{ gatewayIds: { gatewayId: 'roof' }, antennaIndex: 1 }] },
    },
  ]);
  await store.close();
});

test('an attempt the network server does not take any more is told as failed and lost', async () => {
  const store = await openStore();
  const row = await store.unit(() => store.applicationDevices.put(sampleDevice('door-7')));
  await store.unit(() =>
    store.applicationSessions.put({
      deviceRow: row,
      kind: 'current',
      devAddr: '02AB0001' as DevAddr,
      sessionKeyId: OLD,
      appSKey: keyOf(1),
      startedAtMs: 0,
    }),
  );
  const published: [string, string | undefined][] = [];
  const refuse = () => Promise.reject(unknownSession());
  const queue = createApplicationQueue({
    ...optionsFor(store, row),
    events: { publish: ({ name, causeCode }) => void published.push([name, causeCode]) },
    networkQueue: { push: refuse, replace: refuse, list: () => [], sessionKeyId: () => undefined },
  });
  const downlink = create(ApplicationDownlinkSchema, { fPort: 1, frmPayload: Uint8Array.of(1) });
  await queue.pushAgain({ applicationId: 'lab', deviceId: 'door-7' }, downlink);
  expect(published).toEqual([
    ['as.down.data.failed.forward', undefined],
    ['as.down.data.drop', 'unknown_session'],
  ]);
  await store.close();
});
