import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { Class, MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { APP_KEY, encryptedDownlink, hex, joinRequest } from './testing/frames.ts';
import {
  type DeviceKeys11,
  NWK_KEY,
  openJoin11,
  readDownlink11,
  uplink11,
} from './testing/frames11.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  otaaDevice,
} from './testing/lab.ts';

/** RekeyInd and RekeyConf with minor version 1. */
const REKEY = '0b01';
const REF = { applicationId: 'shop', deviceId: 'door-7' };
const VERSION = {
  lorawanVersion: MACVersion.MAC_V1_1,
  lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
};

let lab: Lab;
let near: HandGateway;
let timestampUs: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  timestampUs = 1_000_000;
});
afterEach(() => lab.close());

async function hear(phyPayload: Uint8Array, frequencyHz = 868_100_000): Promise<void> {
  near.hear(phyPayload, { timestampUs, frequencyHz });
  timestampUs += 7_000_000;
  await lab.clock.advance(7_000);
}

const lastVerdict = () => lab.uplinkFrames().at(-1)?.verdict;
const sent = (index: number): Uint8Array => near.sent.at(index)?.phyPayload ?? new Uint8Array();

async function joined(
  devNonce = 1,
  macSettings?: NonNullable<Parameters<typeof otaaDevice>[0]>['macSettings'],
): Promise<DeviceKeys11> {
  if (!lab.registry.networkDeviceByIds('shop', 'door-7'))
    await lab.registry.registerEverywhere(
      otaaDevice({
        ...VERSION,
        rootKeys: { appKey: { key: hex(APP_KEY) }, nwkKey: { key: hex(NWK_KEY) } },
        ...(macSettings && { macSettings }),
      }),
    );
  await hear(joinRequest(devNonce, NWK_KEY));
  return openJoin11(sent(-1), devNonce);
}

/** A device that has joined and whose RekeyInd was confirmed. */
async function ready(): Promise<DeviceKeys11> {
  const keys = await joined();
  await hear(uplink11(keys, 0, { fOpts: REKEY }));
  return keys;
}

const keyId = (): Uint8Array => lab.application.joins.at(-1)?.sessionKeyId ?? new Uint8Array();

async function queue(
  keys: DeviceKeys11,
  fCnt: number,
  payload: string,
  confirmed = false,
): Promise<void> {
  const plain = { ...keys, nwkSKey: keys.nwkSEncKey };
  const item = encryptedDownlink(plain, fCnt, payload, keyId(), { confirmed });
  await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(10)]);
}

test('a 1.1 device joins with OptNeg, and its RekeyInd is confirmed in encrypted FOpts', async () => {
  const keys = await joined();
  expect(keys).toMatchObject({ optNeg: true, devAddr: expect.stringMatching(/^02AB/) });
  expect(new Set([keys.fNwkSIntKey, keys.sNwkSIntKey, keys.nwkSEncKey, keys.appSKey]).size).toBe(4);
  await hear(uplink11(keys, 0, { fOpts: REKEY }));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED, cause: '' });
  const answer = readDownlink11(sent(-1), keys);
  expect(answer).toMatchObject({ micValid: true, fCnt: 0, fPort: null, fOpts: REKEY, ack: false });
  expect(answer.fOptsOnAir).not.toBe(REKEY);
  expect(lab.published).toContain('ns.mac.rekey.indication');
  expect(lab.published).toContain('ns.mac.rekey.confirmation');
  expect(lab.application.uplinks).toHaveLength(1);
});

test('until its RekeyInd comes, a 1.1 session is not used, and the old one keeps working', async () => {
  const old = await ready();
  const fresh = await joined(2);
  await hear(uplink11(fresh, 0));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.DROPPED, cause: 'rekey_missing' });
  await hear(uplink11(old, 1));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
});

test('the MIC of an uplink holds for its channel, its data rate and its direction of trust only', async () => {
  const keys = await ready();
  await hear(uplink11(keys, 1, { channelIndex: 1 }), 868_300_000);
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
  for (const wrong of [
    uplink11(keys, 2, { channelIndex: 1 }),
    uplink11(keys, 2, { dataRateIndex: 4 }),
    uplink11({ ...keys, sNwkSIntKey: keys.fNwkSIntKey }, 2),
    uplink11({ ...keys, fNwkSIntKey: keys.sNwkSIntKey }, 2),
  ]) {
    await hear(wrong);
    expect(lastVerdict()).toMatchObject({ outcome: Outcome.DROPPED, cause: 'mic_mismatch' });
  }
  await hear(uplink11(keys, 2));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
});

test('application downlinks and frames of the network count apart', async () => {
  const keys = await ready();
  await queue(keys, 0, 'c0ffee');
  await hear(uplink11(keys, 1));
  expect(readDownlink11(sent(-1), keys)).toMatchObject({
    micValid: true,
    fCnt: 0,
    fPort: 2,
    payload: 'c0ffee',
  });
  await hear(uplink11(keys, 2, { confirmed: true }));
  const bare = readDownlink11(sent(-1), keys, 2);
  expect(bare).toMatchObject({ micValid: true, fCnt: 1, fPort: null, ack: true });
  await queue(keys, 1, 'beef');
  await hear(uplink11(keys, 3));
  expect(readDownlink11(sent(-1), keys)).toMatchObject({
    micValid: true,
    fCnt: 1,
    payload: 'beef',
  });
  expect(lab.application.invalidated).toEqual([]);
});

test('FOpts beside an application payload are encrypted with the AFCntDown', async () => {
  const keys = await ready();
  await queue(keys, 0, 'c0ffee');
  await queue(keys, 1, 'beef');
  await hear(uplink11(keys, 1));
  await hear(uplink11(keys, 2, { fOpts: '02' }));
  const down = readDownlink11(sent(-1), keys);
  expect(down).toMatchObject({ micValid: true, fCnt: 1, payload: 'beef' });
  expect(down.fOpts).toMatch(/^02[0-9a-f]{2}01$/);
});

test('the MIC of an acknowledgement names the counter it acknowledges, in both directions', async () => {
  const keys = await ready();
  await queue(keys, 0, '01', true);
  await hear(uplink11(keys, 1));
  expect(readDownlink11(sent(-1), keys)).toMatchObject({ micValid: true, confirmed: true });
  await queue(keys, 5, '02', true);
  await hear(uplink11(keys, 2, { acknowledges: 0 }));
  expect(lab.application.acknowledged.map(({ downlink }) => downlink.fCnt)).toEqual([0]);
  await hear(uplink11(keys, 3, { acknowledges: 0 }));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.DROPPED, cause: 'mic_mismatch' });
  await hear(uplink11(keys, 3, { acknowledges: 5, confirmed: true }));
  expect(lab.application.acknowledged.map(({ downlink }) => downlink.fCnt)).toEqual([0, 5]);
  const ack = sent(-1);
  expect(readDownlink11(ack, keys, 3)).toMatchObject({ micValid: true, ack: true });
  expect(readDownlink11(ack, keys, 0).micValid).toBe(false);
});

test('MAC commands on FPort 0 are decrypted with the NwkSEncKey', async () => {
  const keys = await ready();
  await hear(uplink11(keys, 1, { fPort: 0, payload: '02' }));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
  expect(readDownlink11(sent(-1), keys).fOpts).toMatch(/^02/);
  expect(lab.application.uplinks.at(-1)?.frmPayload).toHaveLength(0);
});

test('a repetition on another channel has another MIC and is still the same frame', async () => {
  const value = { dataRateIndex: 5, txPowerIndex: 0, nbTrans: 2 };
  const keys = await joined(1, { adr: { mode: { case: 'static', value } } });
  await hear(uplink11(keys, 0, { fOpts: REKEY }));
  await hear(uplink11(keys, 1, { fOpts: '0307' }));
  await hear(uplink11(keys, 2, { confirmed: true }));
  await hear(uplink11(keys, 2, { confirmed: true, channelIndex: 2 }), 868_500_000);
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.DUPLICATE, cause: 'duplicate_uplink' });
  expect(readDownlink11(sent(-1), keys, 2)).toMatchObject({ micValid: true, ack: true });
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([0, 1, 2]);
});

const ABP_11: DeviceKeys11 = {
  devAddr: '02ABCDEF',
  fNwkSIntKey: '11'.repeat(16),
  sNwkSIntKey: '22'.repeat(16),
  nwkSEncKey: '33'.repeat(16),
  appSKey: '44'.repeat(16),
};

const abp11 = (
  keys: DeviceKeys11,
  deviceId: string,
  settings: Parameters<typeof abpDevice>[1] = {},
) =>
  abpDevice(
    {
      ...VERSION,
      ids: { deviceId, applicationIds: { applicationId: 'shop' }, devEui: Buffer.from(deviceId) },
      session: {
        devAddr: hex(keys.devAddr),
        keys: {
          fNwkSIntKey: { key: hex(keys.fNwkSIntKey) },
          sNwkSIntKey: { key: hex(keys.sNwkSIntKey) },
          nwkSEncKey: { key: hex(keys.nwkSEncKey) },
          appSKey: { key: hex(keys.appSKey) },
        },
      },
    },
    settings,
  );

test('two sessions whose half of the MIC is the same are told apart by the other half', async () => {
  const other = { ...ABP_11, sNwkSIntKey: '55'.repeat(16) };
  await lab.registry.registerEverywhere(abp11(ABP_11, 'device-1'));
  await lab.registry.registerEverywhere(abp11(other, 'device-2'));
  for (const fCnt of [0, 1, 2]) {
    await hear(uplink11(ABP_11, fCnt));
    await hear(uplink11(other, fCnt));
  }
  expect(
    lab.application.uplinks.map(({ device, fullFCnt }) => `${device.deviceId} ${fullFCnt}`),
  ).toEqual(['device-1 0', 'device-2 0', 'device-1 1', 'device-2 1', 'device-1 2', 'device-2 2']);
});

test('ResetInd of a personalized 1.1 device is confirmed, and what was negotiated is forgotten', async () => {
  await lab.registry.registerEverywhere(
    abp11(ABP_11, 'device-7', { factoryPresetFrequencies: [], desiredRx1Delay: { value: 3 } }),
  );
  await hear(uplink11(ABP_11, 0, { fOpts: '0101' }));
  const first = readDownlink11(sent(-1), ABP_11);
  expect(first).toMatchObject({ micValid: true, fCnt: 0 });
  const wire = first.fPort === 0 ? first.payload : first.fOpts;
  expect(wire.slice(0, 4)).toBe('0101');
  expect(wire).toContain('0803');
  await hear(uplink11(ABP_11, 1, { fOpts: '08' }));
  const atDelay = (index: number) => near.sent.at(index)?.time;
  await hear(uplink11(ABP_11, 2, { confirmed: true }));
  expect(atDelay(-1)).toMatchObject({
    concentratorTimestampUs: timestampUs - 7_000_000 + 3_000_000,
  });
  await hear(uplink11(ABP_11, 3, { confirmed: true, fOpts: '0101' }));
  expect(atDelay(-1)).toMatchObject({
    concentratorTimestampUs: timestampUs - 7_000_000 + 1_000_000,
  });
  expect(lab.published).toContain('ns.mac.reset.confirmation');
});

test('a 1.1 device that is not registered for class C is told to stay in class A', async () => {
  const keys = await ready();
  await hear(uplink11(keys, 1, { fOpts: '2002' }));
  expect(readDownlink11(sent(-1), keys).fOpts).toBe('2000');
});

test('a 1.1 device registered for class C is in it as soon as it says so, and back in A likewise', async () => {
  const device = otaaDevice({
    ...VERSION,
    supportsClassC: true,
    rootKeys: { appKey: { key: hex(APP_KEY) }, nwkKey: { key: hex(NWK_KEY) } },
  });
  await lab.registry.registerEverywhere(device);
  const keys = await ready();
  const { ids } = device;
  if (!ids) throw new Error('no ids');
  const deviceClass = async () =>
    (await lab.registry.network.get(ids, ['mac_state'])).macState?.deviceClass;
  expect(await deviceClass()).toBe(Class.A);
  await hear(uplink11(keys, 1, { fOpts: '2002' }));
  expect(readDownlink11(sent(-1), keys).fOpts).toBe('2002');
  expect(await deviceClass()).toBe(Class.C);
  const before = near.sent.length;
  await queue(keys, 0, 'c0ffee');
  expect(near.sent).toHaveLength(before + 1);
  expect(near.sent.at(-1)?.frequencyHz).toBe(869_525_000);
  expect(readDownlink11(sent(-1), keys)).toMatchObject({ micValid: true, payload: 'c0ffee' });
  await hear(uplink11(keys, 2, { fOpts: '2000' }));
  expect(readDownlink11(sent(-1), keys).fOpts).toBe('2000');
  expect(await deviceClass()).toBe(Class.A);
});
