import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, expect, test } from 'vitest';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { createSimulator } from '../simulator/index.ts';
import { createStore } from '../store/index.ts';
import { faultOf } from './simulated-device-config.ts';
import { createSimulatedDevices } from './simulated-devices.ts';

const APP_KEY = Uint8Array.from({ length: 16 }, (_, index) => 0xa0 + index);
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-simulated-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function open() {
  const clock = virtualClock();
  const logger = silentLogger();
  const store = await createStore({ directory, clock, logger });
  const simulator = createSimulator({ clock, logger });
  const devices = createSimulatedDevices({ simulator, store, clock, logger });
  return { store, devices };
}

type Init = Exclude<MessageInitShape<typeof EndDeviceSchema>, EndDevice>;
const device = (init: Init = {}) =>
  create(EndDeviceSchema, {
    ids: {
      deviceId: 'door-7',
      devEui: new Uint8Array([0, 4, 163, 11, 0, 28, 5, 48]),
      joinEui: new Uint8Array(8),
    },
    supportsJoin: true,
    frequencyPlanId: 'US_902_928_FSB_2',
    lorawanVersion: MACVersion.MAC_V1_0_3,
    rootKeys: { appKey: { key: APP_KEY } },
    ...init,
  });

test('a simulated device survives a restart, shows no key, and leaves none in the clear', async () => {
  const first = await open();
  await first.devices.create(first.devices.configFor(device()));
  await first.store.close();
  const holding = readdirSync(directory).filter((name) =>
    readFileSync(join(directory, name)).includes(Buffer.from(APP_KEY)),
  );
  expect(holding).toEqual([]);
  const second = await open();
  expect(second.devices.list()).toEqual([]);
  second.devices.start();
  const [restored] = second.devices.list();
  expect(restored?.config).toMatchObject({ id: 'door-7', bandId: 'US_902_928', subBand: 2 });
  expect(restored?.config?.appKey).toHaveLength(0);
  await second.devices.delete('door-7');
  expect(second.store.simulatedDevices.list()).toEqual([]);
  await second.store.close();
});

test('what cannot be simulated is refused with the reason', async () => {
  const { devices, store } = await open();
  const without = device({ lorawanVersion: MACVersion.MAC_V1_1 });
  await expect(devices.create(devices.configFor(without))).rejects.toThrow(/NwkKey/);
  expect(() => devices.configFor(device({ lorawanVersion: MACVersion.MAC_UNKNOWN }))).toThrow(
    /LoRaWAN version/,
  );
  expect(() => devices.configFor(device({ frequencyPlanId: 'MOON_1' }))).toThrow(/band/);
  expect(() => devices.configFor(device({ supportsJoin: false }))).toThrow(/DevAddr/);
  await store.close();
});

const NWK_KEY = Uint8Array.from({ length: 16 }, (_, index) => 0xb0 + index);
const BOTH_KEYS = { appKey: { key: APP_KEY }, nwkKey: { key: NWK_KEY } };

test('version, class, sub-band and keys are those of the registration', async () => {
  const { devices, store } = await open();
  const configOf = (init: Init) => devices.configFor(device(init));
  expect(
    configOf({
      frequencyPlanId: 'CN_470_510_FSB_11',
      lorawanVersion: MACVersion.MAC_V1_1,
      supportsClassC: true,
      rootKeys: BOTH_KEYS,
    }),
  ).toMatchObject({
    bandId: 'CN_470_510',
    subBand: 11,
    lorawanVersion: '1.1',
    deviceClass: 'C',
    appKey: APP_KEY,
    nwkKey: NWK_KEY,
  });
  // Before 1.1 a device has one root key; which one, depends on who made them.
  const old = { lorawanVersion: MACVersion.MAC_V1_0_4 };
  expect(configOf({ ...old, rootKeys: BOTH_KEYS })).toMatchObject({
    lorawanVersion: '1.0.4',
    deviceClass: 'A',
    appKey: NWK_KEY,
    nwkKey: new Uint8Array(),
  });
  const made = { ...BOTH_KEYS, rootKeyId: 'ttn-lw-cli-generated' };
  expect(configOf({ ...old, rootKeys: made }).appKey).toEqual(APP_KEY);
  await store.close();
});

test('mistakes are named, and take a value or their default', () => {
  const named = (fault: string, faultValue?: number, faultBandId = '') =>
    faultOf({ fault, faultValue, faultBandId }, 'US_902_928');
  expect(named('')).toBeUndefined();
  expect(named('bad_mic')).toEqual({ kind: 'bad_mic' });
  expect(named('skip_counters')).toEqual({ kind: 'skip_counters', count: 10 });
  expect(named('lose_downlinks', 0)).toEqual({ kind: 'lose_downlinks', count: 0 });
  expect(named('clock_drift', -40)).toEqual({ kind: 'clock_drift', ppm: -40 });
  expect(named('wrong_region')).toEqual({ kind: 'wrong_region', bandId: 'EU_863_870' });
  expect(named('wrong_region', undefined, 'AS_923')).toMatchObject({ bandId: 'AS_923' });
  expect(() => named('hiccup')).toThrow(/no fault hiccup.*clock_drift/);
});
