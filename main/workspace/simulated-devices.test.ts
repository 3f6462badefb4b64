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
  expect(() => devices.configFor(device({ lorawanVersion: MACVersion.MAC_V1_1 }))).toThrow(
    /LoRaWAN 1.1/,
  );
  expect(() => devices.configFor(device({ frequencyPlanId: 'MOON_1' }))).toThrow(/band/);
  expect(() => devices.configFor(device({ supportsJoin: false }))).toThrow(/DevAddr/);
  await store.close();
});
