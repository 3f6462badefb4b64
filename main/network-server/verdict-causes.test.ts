import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, expect, test } from 'vitest';
import { type EndDevice, EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { DataRateOffset, MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { CAUSES, type CauseCode } from '../base/causes.ts';
import { formatHex } from '../lorawan/index.ts';
import { current, desired } from './mac/index.ts';
import { newMacState } from './new-mac-state.ts';
import {
  ABP_KEYS,
  encryptedDownlink,
  hex,
  joinRequest,
  openJoin,
  uplink,
} from './testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  lora,
  otaaDevice,
} from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };

let lab: Lab;
let near: HandGateway;
afterEach(() => lab.close());

async function open(
  device?: EndDevice,
  options: Partial<Parameters<typeof createLab>[0]> = {},
): Promise<void> {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near], ...options });
  if (device) await lab.registry.registerEverywhere(device);
}

async function hear(
  phyPayload: Uint8Array,
  place: Parameters<HandGateway['hear']>[1] = {},
): Promise<void> {
  near.hear(phyPayload, place);
  await lab.clock.advance(8_000);
}

/** The newest uplink was dropped for that cause, in words a person can read. */
function expectDropped(cause: CauseCode): void {
  const verdict = lab.uplinkFrames().at(-1)?.verdict;
  expect(verdict).toMatchObject({ cause, ...CAUSES[cause] });
  expect(verdict?.stages.some((stage) => stage.cause === cause)).toBe(true);
}

test('a fault of the program', async () => {
  await open(undefined, {
    wrapStore: (store) => ({
      ...store,
      networkSessions: {
        ...store.networkSessions,
        byDevAddr: () => {
          throw new TypeError('out of order');
        },
      },
    }),
  });
  await hear(uplink(ABP_KEYS, 0));
  expectDropped('internal_error');
});

test('a data rate that the band does not have', async () => {
  await open(abpDevice());
  await hear(uplink(ABP_KEYS, 0), { modulation: lora(5) });
  expectDropped('data_rate_not_found');
});

test('a frame longer than its data rate allows, in LoRaWAN 1.0.4', async () => {
  const ids = {
    deviceId: 'door-7',
    applicationIds: { applicationId: 'shop' },
    devEui: hex('0102030405060708'),
  };
  await open(
    abpDevice({
      ids,
      lorawanVersion: MACVersion.MAC_V1_0_4,
      lorawanPhyVersion: PHYVersion.RP002_V1_0_3,
    }),
  );
  // SF12 carries 51 bytes of payload (RP002-1.0.4 §2.4.6).
  await hear(uplink(ABP_KEYS, 0, { payload: 'x'.repeat(51) }), { modulation: lora(12) });
  expect(lab.uplinkFrames().at(-1)?.verdict?.cause).toBe('');
  const later = { modulation: lora(12), timestampUs: 60_000_000 };
  await hear(uplink(ABP_KEYS, 1, { payload: 'x'.repeat(52) }), later);
  expectDropped('uplink_too_long');
});

test('a registration whose frequency plan is gone', async () => {
  await open(abpDevice());
  const row = lab.store.networkDevices.getByIds('shop', 'door-7');
  if (!row) throw new Error('not registered');
  const message = fromBinary(EndDeviceSchema, row.message);
  message.frequencyPlanId = 'MARS_1';
  await lab.store.unit(() =>
    lab.store.networkDevices.put({ ...row, message: toBinary(EndDeviceSchema, message) }),
  );
  await hear(uplink(ABP_KEYS, 0));
  expectDropped('device_configuration');
});

test('a new session that answers what nobody asked', async () => {
  await open(otaaDevice());
  await hear(joinRequest(1), { timestampUs: 0 });
  const keys = openJoin(near.sent[0]?.phyPayload ?? new Uint8Array(), 1);
  await hear(uplink(keys, 0, { fOpts: '08' }), { timestampUs: 20_000_000 });
  expectDropped('mac_answer_unexpected');
});

test('an application server that fails leaves the frame accepted', async () => {
  await open(abpDevice(), {
    onUplink: () => {
      throw new Error('out of order');
    },
  });
  await hear(uplink(ABP_KEYS, 0));
  const verdict = lab.uplinkFrames()[0]?.verdict;
  expect(verdict?.stages.at(-1)).toMatchObject({ cause: 'application_failed' });
  expect(verdict?.cause).toBe('application_failed');
  expect(verdict?.outcome).toBe(1);
});

test('a join-request with a DevEUI of zeros', async () => {
  await open(otaaDevice());
  await hear(joinRequest(1, undefined, { devEui: '00'.repeat(8) }));
  expectDropped('no_dev_eui');
});

test('a join-request of a device that is registered for personalization', async () => {
  await open(abpDevice());
  await hear(joinRequest(1));
  expectDropped('device_not_otaa');
});

test('a device whose join nonces are used up', async () => {
  const device = otaaDevice();
  await open(device);
  device.lastJoinNonce = 2 ** 24 - 1;
  await lab.registry.join.set(device, ['last_join_nonce']);
  await hear(joinRequest(1));
  expectDropped('join_nonce_too_high');
});

test('a device of LoRaWAN 1.1 without NwkKey', async () => {
  await open(
    otaaDevice({
      lorawanVersion: MACVersion.MAC_V1_1,
      lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
    }),
  );
  await hear(joinRequest(1));
  expectDropped('no_nwk_key');
});

test('a device whose receive windows nobody can compute is told so when it wants an answer', async () => {
  const device = abpDevice();
  device.macState = newMacState(device);
  const parameters = current(device.macState);
  // EU868 has offsets 0 to 5 (RP002-1.0.4 §2.4.7).
  parameters.rx1DataRateOffset = DataRateOffset.DATA_RATE_OFFSET_7;
  parameters.rx2Frequency = 0n;
  await open(device);
  await hear(uplink(ABP_KEYS, 0, { confirmed: true }));
  expect(near.sent).toEqual([]);
  expect(lab.causesOf('ns.down.rx.parameters.fail')).toEqual(['receive_windows_unknown']);
});

test('nor can anything be sent to a class C device without RX2, which is told once', async () => {
  const device = abpDevice({ supportsClassC: true });
  device.macState = newMacState(device);
  current(device.macState).rx2Frequency = 0n;
  desired(device.macState).rx2Frequency = 0n;
  await open(device);
  await hear(uplink(ABP_KEYS, 0));
  for (const fCnt of [0, 1]) {
    const item = encryptedDownlink(ABP_KEYS, fCnt, 'c0ffee', new Uint8Array());
    await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(5_000)]);
  }
  expect(near.sent).toEqual([]);
  expect(lab.causesOf('ns.down.rx.parameters.fail')).toEqual(['receive_windows_unknown']);
  expect(lab.network.downlinkQueue.list(REF)).toHaveLength(2);
});

test('a downlink longer than the dwell time of its gateway, which the device does not know', async () => {
  await open(abpDevice({ frequencyPlanId: 'AS_923' }, { factoryPresetFrequencies: [] }), {
    frequencyPlanId: 'AS_923_DT',
  });
  const item = encryptedDownlink(ABP_KEYS, 0, '00'.repeat(40), new Uint8Array());
  await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(10)]);
  // SF12 and SF10 take longer than 400 ms for such a frame (SX1276 data sheet §4.1.1.7).
  await hear(uplink(ABP_KEYS, 0), { frequencyHz: 923_200_000, modulation: lora(12) });
  expect(lab.causesOf('ns.down.data.schedule.fail')).toEqual(['dwell_time']);
  expect(lab.downlinkFrames()[0]?.verdict).toMatchObject({
    cause: 'dwell_time',
    ...CAUSES.dwell_time,
  });
});

test('a MAC command that cannot be carried out stands in the verdict', async () => {
  await open(abpDevice());
  await hear(uplink(ABP_KEYS, 0, { fOpts: '08' }));
  const facts = lab.uplinkFrames()[0]?.verdict?.stages.flatMap(({ evidence }) => evidence);
  expect(facts?.map(({ name }) => name)).toContain('request_not_found');
});

test('an update of a device tells what it changed', async () => {
  const device = abpDevice();
  await open(device);
  await lab.registry.network.set(device, ['mac_settings.rx1_delay']);
  expect(lab.dataOf('ns.end_device.update').at(-1)).toMatchObject({
    kind: {
      case: 'listValue',
      value: { values: [{ kind: { case: 'stringValue', value: 'mac_settings.rx1_delay' } }] },
    },
  });
});

test('the join server is asked, and what it says is told without keys', async () => {
  await open(otaaDevice());
  await hear(joinRequest(1));
  expect(lab.dataOf('ns.up.join.cluster.attempt')).toMatchObject([
    {
      $typeName: 'ttn.lorawan.v3.JoinRequest',
      rawPayload: joinRequest(1),
      selectedMacVersion: MACVersion.MAC_V1_0_3,
      netId: Uint8Array.of(0, 0, 1),
      rxDelay: 1,
    },
  ]);
  expect(lab.dataOf('ns.up.join.cluster.success')).toMatchObject([
    {
      $typeName: 'ttn.lorawan.v3.JoinResponse',
      rawPayload: near.sent[0]?.phyPayload,
    },
  ]);
  const keys = openJoin(near.sent[0]?.phyPayload ?? new Uint8Array(), 1);
  const text = JSON.stringify(lab.dataOf('ns.up.join.cluster.success'), (_, value) =>
    value instanceof Uint8Array ? formatHex(value) : value,
  );
  expect(text).toContain('sessionKeyId');
  for (const secret of [keys.appSKey, keys.nwkSKey]) expect(text).not.toContain(secret);
  expect(lab.dataOf('ns.up.join.accept.forward')).toMatchObject([
    { $typeName: 'ttn.lorawan.v3.ApplicationUp', up: { case: 'joinAccept' } },
  ]);
  await hear(joinRequest(1), { timestampUs: 30_000_000 });
  expect(lab.causesOf('ns.up.join.cluster.fail')).toEqual(['reuse_dev_nonce']);
});
