import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EndDeviceSchema, type MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion, RxDelay } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { newMacState } from '../network-server/index.ts';
import { createStore, type Store } from '../store/index.ts';
import { createRegistry, newApplication, type Registry } from './index.ts';

type MacState = Exclude<MessageInitShape<typeof MACStateSchema>, { $typeName: string }>;

let store: Store;
let registry: Registry;
beforeEach(async () => {
  const clock = virtualClock();
  const logger = silentLogger();
  store = await createStore({ directory: ':memory:', clock, logger });
  registry = createRegistry({ store, clock, logger, publish: () => undefined, newMacState });
  await registry.applications.create(newApplication('lab'));
});
afterEach(() => store.close());

const IDS = { deviceId: 'probe', applicationIds: { applicationId: 'lab' } };
const PATHS = [
  'frequency_plan_id',
  'lorawan_version',
  'lorawan_phy_version',
  'mac_settings',
  'session.dev_addr',
  'session.keys.f_nwk_s_int_key.key',
];

/** Sets a personalized device with these parts of its MAC state. */
async function set(macState: MacState, paths: readonly string[]): Promise<void> {
  const device = create(EndDeviceSchema, {
    ids: IDS,
    frequencyPlanId: 'EU_863_870',
    lorawanVersion: MACVersion.MAC_V1_0_3,
    lorawanPhyVersion: PHYVersion.RP001_V1_0_3_REV_A,
    macSettings: { rx1Delay: { value: RxDelay.RX_DELAY_5 } },
    session: {
      devAddr: Uint8Array.of(2, 0, 0, 1),
      keys: { fNwkSIntKey: { key: new Uint8Array(16).fill(7) } },
    },
    macState,
  });
  await registry.network.set(device, [...PATHS, ...paths]);
}

const read = async () => {
  const ids = create(EndDeviceIdentifiersSchema, IDS);
  return (await registry.network.get(ids, ['mac_state'])).macState;
};

test('what a template says of a MAC state is laid over what follows from band and settings', async () => {
  const eirp = 'mac_state.desired_parameters.max_eirp';
  await set({ desiredParameters: { maxEirp: 14 } }, [eirp]);
  expect(await read()).toMatchObject({
    // RP001-1.0.3 section 2.2: 16 dBm and RX2 at 869.525 MHz are what a device starts with.
    currentParameters: { maxEirp: 16, rx1Delay: RxDelay.RX_DELAY_5, rx2Frequency: 869_525_000n },
    desiredParameters: { maxEirp: 14, rx2Frequency: 869_525_000n },
  });
  // The second time there is a state, and only what is named changes.
  await set({ desiredParameters: { maxEirp: 12 } }, [eirp]);
  expect(await read()).toMatchObject({
    currentParameters: { maxEirp: 16, rx1Delay: RxDelay.RX_DELAY_5 },
    desiredParameters: { maxEirp: 12, rx2Frequency: 869_525_000n },
  });
});
