import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import {
  type EndDevice,
  EndDeviceSchema,
} from '../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { systemClock } from '../../main/base/clock.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { createEventBus } from '../../main/events/index.ts';
import { parseHex } from '../../main/lorawan/index.ts';
import { newMacState } from '../../main/network-server/index.ts';
import { createRegistry, newApplication } from '../../main/registry/index.ts';
import { createStore, KEY_FILE_NAME, keyFileWrapper, type Store } from '../../main/store/index.ts';
import { sampleFrame } from '../../main/store/testing/samples.ts';

/** What a sender needs of a device; upper-case hex. */
export interface BenchDevice {
  readonly devAddr: string;
  readonly nwkSKey: string;
  readonly appSKey: string;
}

/** Application of all devices. */
export const BENCH_APPLICATION = 'bench';
const AT_ONCE = 500;
const FRAMES_AT_ONCE = 2_000;
const CHANNELS_HZ = [8681, 8683, 8685, 8671, 8673, 8675, 8677, 8679].map(
  (steps) => BigInt(steps) * 100_000n,
);

const hex = (value: number, bytes: number): string =>
  value
    .toString(16)
    .padStart(bytes * 2, '0')
    .toUpperCase();
const bytesOf = (text: string): Uint8Array => parseHex(text) ?? new Uint8Array();

/** Address and keys of a device follow from its number. */
export function benchDevice(index: number): BenchDevice {
  return {
    devAddr: hex(0x02_00_10_00 + index, 4),
    nwkSKey: hex(0x1000 + index, 16),
    appSKey: hex(0x2000_0000 + index, 16),
  };
}

/** An ABP device that has nothing to ask of the network and of whom it asks nothing, so that uplinks alone are measured. */
function registration(index: number): EndDevice {
  const { devAddr, nwkSKey, appSKey } = benchDevice(index);
  return create(EndDeviceSchema, {
    ids: {
      deviceId: `device-${index}`,
      applicationIds: { applicationId: BENCH_APPLICATION },
      devEui: bytesOf(hex(0x0004a30b_00000000 + index, 8)),
      devAddr: bytesOf(devAddr),
    },
    frequencyPlanId: 'EU_863_870',
    lorawanVersion: MACVersion.MAC_V1_0_3,
    lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
    session: {
      devAddr: bytesOf(devAddr),
      keys: { fNwkSIntKey: { key: bytesOf(nwkSKey) }, appSKey: { key: bytesOf(appSKey) } },
    },
    macSettings: {
      rx1Delay: { value: 5 },
      statusTimePeriodicity: { seconds: 0n },
      statusCountPeriodicity: 0,
      factoryPresetFrequencies: CHANNELS_HZ,
    },
  });
}

/** Records frames of the devices, as a network would that has run for long. */
async function fillFrames(store: Store, devices: number, frames: number): Promise<void> {
  for (let first = 0; first < frames; first += FRAMES_AT_ONCE) {
    const last = Math.min(frames, first + FRAMES_AT_ONCE);
    for (let index = first; index < last; index += 1)
      store.frames.addFrame(sampleFrame(`device-${index % devices}`), []);
    await store.frames.flush();
  }
}

/** Makes a workspace with so many devices and recorded frames in a data folder, as the program would. */
export async function fillWorkspace(directory: string, devices: number, frames = 0): Promise<void> {
  const clock = systemClock();
  const logger = silentLogger();
  const dataKeyWrapper = keyFileWrapper(join(directory, KEY_FILE_NAME));
  const store = await createStore({ directory, clock, logger, dataKeyWrapper });
  const { publish } = createEventBus({ clock });
  const registry = createRegistry({ store, clock, logger, publish, newMacState });
  await registry.applications.create(newApplication(BENCH_APPLICATION, 'Bench'));
  for (let first = 0; first < devices; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, devices - first);
    const all = Array.from({ length: count }, (_, at) => registration(first + at));
    await Promise.all(all.map((device) => registry.registerEverywhere(device)));
  }
  await fillFrames(store, devices, frames);
  await store.close();
}
