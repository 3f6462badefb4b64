import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  ABP_KEYS,
  APP_KEY,
  encryptedDownlink,
  hex,
  joinRequest,
  uplink,
} from './testing/frames.ts';
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

const REF = { applicationId: 'shop', deviceId: 'door-7' };

let lab: Lab;
let near: HandGateway;
let timestampUs: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  timestampUs = 1_000_000;
});
afterEach(() => lab.close());

async function hear(phyPayload: Uint8Array): Promise<void> {
  timestampUs += 7_000_000;
  near.hear(phyPayload, { timestampUs });
  await lab.clock.advance(7_000);
}

const lastVerdict = () => lab.uplinkFrames().at(-1)?.verdict;

test.each([
  [MACVersion.MAC_V1_0_3, PHYVersion.PHY_V1_0_3_REV_A, 16_384, ''],
  [MACVersion.MAC_V1_0_3, PHYVersion.PHY_V1_0_3_REV_A, 16_385, 'f_cnt_gap'],
  [MACVersion.MAC_V1_0_4, PHYVersion.RP002_V1_0_3, 16_385, ''],
])('first counter of a personalized device, version %i/%i: %i', async (mac, phy, fCnt, cause) => {
  await lab.registry.registerEverywhere(abpDevice({ lorawanVersion: mac, lorawanPhyVersion: phy }));
  await hear(uplink(ABP_KEYS, fCnt));
  expect(lastVerdict()).toMatchObject({
    outcome: cause ? Outcome.DROPPED : Outcome.ACCEPTED,
    cause,
  });
});

test('a counter goes on at 65,536 behind 65,535, and the one before it is a replay', async () => {
  const session = abpDevice().session;
  if (!session) throw new Error('no session');
  session.lastFCntUp = 65_534;
  await lab.registry.registerEverywhere(abpDevice({ session }));
  for (const fCnt of [65_535, 65_536, 65_537]) {
    await hear(uplink(ABP_KEYS, fCnt));
    expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
  }
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([65_535, 65_536, 65_537]);
  await hear(uplink(ABP_KEYS, 65_535));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.DUPLICATE, cause: 'f_cnt_too_low' });
});

test('MAC commands in FOpts and on FPort 0 at once: the frame is discarded', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  // LinkCheckReq in FOpts, DeviceTimeReq on FPort 0.
  await hear(uplink(ABP_KEYS, 0, { fOpts: '02', fPort: 0, payload: '\r' }));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.DROPPED, cause: 'mac_commands_twice' });
  expect(near.sent).toEqual([]);
  // Its counter is not used up.
  await hear(uplink(ABP_KEYS, 0));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
});

async function joined(supportsClassC = false): Promise<DeviceKeys11> {
  await lab.registry.registerEverywhere(
    otaaDevice({
      lorawanVersion: MACVersion.MAC_V1_1,
      supportsClassC,
      lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
      rootKeys: { appKey: { key: hex(APP_KEY) }, nwkKey: { key: hex(NWK_KEY) } },
    }),
  );
  await hear(joinRequest(1, NWK_KEY));
  const keys = openJoin11(near.sent.at(-1)?.phyPayload ?? new Uint8Array(), 1);
  await hear(uplink11(keys, 0, { fOpts: '0b01' }));
  return keys;
}

async function queue(keys: DeviceKeys11, fCnt: number, payload: string): Promise<void> {
  const keyId = lab.application.joins.at(-1)?.sessionKeyId ?? new Uint8Array();
  const item = encryptedDownlink({ ...keys, nwkSKey: keys.nwkSEncKey }, fCnt, payload, keyId);
  await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(10)]);
}

const stored = () => {
  const { row } = lab.registry.networkDeviceByIds('shop', 'door-7') ?? { row: 0 };
  return lab.store.networkSessions.byDevice(row).current;
};

test('an AFCntDown of LoRaWAN 1.1 that was sent is never taken again', async () => {
  const keys = await joined();
  await queue(keys, 4, 'c0ffee');
  await hear(uplink11(keys, 1));
  expect(readDownlink11(near.sent.at(-1)?.phyPayload ?? hex(''), keys)).toMatchObject({
    fCnt: 4,
    payload: 'c0ffee',
  });
  expect(stored()).toMatchObject({ lastAFCntDown: 4 });
  await expect(queue(keys, 4, 'beef')).rejects.toThrow(/5/);
  await queue(keys, 5, 'beef');
  await hear(uplink11(keys, 2));
  expect(readDownlink11(near.sent.at(-1)?.phyPayload ?? hex(''), keys).fCnt).toBe(5);
});

test('an AFCntDown stays used if no gateway took the frame', async () => {
  const keys = await joined();
  await queue(keys, 0, 'c0ffee');
  near.setDownlinkReady(false);
  await hear(uplink11(keys, 1));
  expect(stored()).toMatchObject({ lastAFCntDown: 0 });
  expect(lab.application.invalidated).toMatchObject([{ lastFCntDown: 0 }]);
  near.setDownlinkReady(true);
  await hear(uplink11(keys, 2));
  expect(readDownlink11(near.sent.at(-1)?.phyPayload ?? hex(''), keys).fCnt).toBe(1);
});

test('an AFCntDown sent in class C is never taken again either', async () => {
  const keys = await joined(true);
  await hear(uplink11(keys, 1, { fOpts: '2002' }));
  const before = near.sent.length;
  await queue(keys, 3, 'c0ffee');
  await lab.clock.advance(5_000);
  expect(near.sent).toHaveLength(before + 1);
  expect(stored()).toMatchObject({ lastAFCntDown: 3 });
  await expect(queue(keys, 3, 'beef')).rejects.toThrow(/4/);
});
