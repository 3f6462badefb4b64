/** The application server finds its sessions again when it and the network server do not know the same ones. */
import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type EndDeviceIdentifiers,
  EndDeviceIdentifiersSchema,
} from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { ApplicationDownlinkSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import {
  DEV_EUI,
  type DeviceKeys,
  hex,
  JOIN_EUI,
  joinRequest,
  openJoin,
  readDownlink,
  uplink,
} from '../network-server/testing/frames.ts';
import { type HandGateway, handGateway, otaaDevice } from '../network-server/testing/lab.ts';
import { type ApplicationLab, createApplicationLab } from './testing/application-lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const IDS: EndDeviceIdentifiers = create(EndDeviceIdentifiersSchema, {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
  devEui: hex(DEV_EUI),
  joinEui: hex(JOIN_EUI),
});

let near: HandGateway;
let network: ApplicationLab;
let heard: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
  heard = 0;
  await network.lab.registry.registerEverywhere(otaaDevice());
});
afterEach(() => network.close());

async function hear(frame: Uint8Array): Promise<Uint8Array | undefined> {
  const before = near.sent.length;
  near.hear(frame, { timestampUs: heard * 8_000_000 });
  heard += 1;
  await network.lab.clock.advance(8_000);
  return near.sent[before]?.phyPayload;
}
async function join(devNonce: number): Promise<DeviceKeys> {
  return openJoin((await hear(joinRequest(devNonce))) ?? new Uint8Array(), devNonce);
}
async function push(payload: string): Promise<string> {
  const item = create(ApplicationDownlinkSchema, { fPort: 2, frmPayload: hex(payload) });
  const pushed = network.server.push(REF, [item]).then(
    () => 'taken',
    (error: { reason: string }) => error.reason,
  );
  await network.lab.clock.advance(50);
  return pushed;
}
/** The registration with the application server is deleted and made again: its sessions are gone. */
async function registerAgain(): Promise<void> {
  const { registry } = network.lab;
  await registry.application.delete(IDS);
  await registry.application.set(otaaDevice(), []);
}
const payloads = () =>
  network.lab.dataOf('as.up.data.forward').map((message) => {
    const { value } = (message as never as { up: { value: { frmPayload: Uint8Array } } }).up;
    return Buffer.from(value.frmPayload).toString();
  });

test('an uplink of a session that only the join server still knows is decrypted, and its device reached', async () => {
  const keys = await join(1);
  await hear(uplink(keys, 0, { payload: 'before' }));
  await registerAgain();
  await hear(uplink(keys, 1, { payload: 'after' }));
  expect(payloads()).toEqual(['before', 'after']);
  const { store, registry } = network.lab;
  const row = registry.applicationDeviceByIds('shop', 'door-7')?.row ?? -1;
  expect(store.applicationSessions.byDevice(row)).toMatchObject({
    current: { devAddr: keys.devAddr, lastAFCntDown: 0 },
  });
  expect(await push('c0ffee')).toBe('taken');
  const down = await hear(uplink(keys, 2));
  expect(readDownlink(down ?? new Uint8Array(), keys)).toMatchObject({
    payload: 'c0ffee',
    micValid: true,
  });
});

test('downlinks to such a device are queued for the sessions the network server has', async () => {
  const keys = await join(1);
  await hear(uplink(keys, 0));
  await registerAgain();
  // Nothing was heard since: there is no session to begin with.
  expect(await push('01')).toBe('no_device_session');
  const fresh = await join(2);
  expect(await push('02')).toBe('taken');
  const down = await hear(uplink(fresh, 0));
  expect(readDownlink(down ?? new Uint8Array(), fresh)).toMatchObject({ payload: '02' });
  expect(payloads()).toEqual(['hello', 'hello']);
});

test('an uplink whose key nobody has any more is dropped with its cause', async () => {
  const keys = await join(1);
  await registerAgain();
  await network.lab.registry.join.delete(IDS);
  await network.lab.registry.join.set(otaaDevice(), ['root_keys.app_key.key']);
  await hear(uplink(keys, 0));
  expect(network.lab.causesOf('as.up.data.drop')).toEqual(['unknown_session']);
  expect(network.lab.dataOf('as.up.data.drop')).toMatchObject([
    {
      namespace: 'pkg/applicationserver',
      name: 'unknown_session',
      code: 5,
      attributes: { device_uid: 'shop.door-7' },
    },
  ]);
  expect(payloads()).toEqual([]);
});

test('a session the network server no longer has goes, so that nothing is encrypted for it', async () => {
  const keys = await join(1);
  await hear(uplink(keys, 0));
  expect(await push('01')).toBe('taken');
  const { store, registry } = network.lab;
  await registry.network.resetFactoryDefaults(IDS, []);
  const row = registry.applicationDeviceByIds('shop', 'door-7')?.row ?? -1;
  expect(store.applicationSessions.byDevice(row).current).toBeDefined();
  expect(await push('02')).toBe('no_device_session');
  expect(store.applicationSessions.byDevice(row)).toEqual({});
  expect(network.lab.dataOf('as.down.data.drop')).toMatchObject([
    { namespace: 'pkg/applicationserver', name: 'no_device_session', code: 9 },
  ]);
});

test('a join of a device that the application server does not know is told as dropped', async () => {
  await network.lab.registry.application.delete(IDS);
  await join(1);
  expect(network.lab.causesOf('as.up.join.drop')).toEqual(['device_not_found']);
  expect(network.lab.published).not.toContain('as.up.join.forward');
});
