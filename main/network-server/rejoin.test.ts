import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { APP_KEY, DEV_EUI, hex, joinRequest } from './testing/frames.ts';
import {
  type DeviceKeys11,
  NWK_KEY,
  openJoin11,
  readDownlink11,
  rejoinRequest,
  uplink11,
} from './testing/frames11.ts';
import { createLab, type HandGateway, handGateway, type Lab, otaaDevice } from './testing/lab.ts';

/** RekeyInd with minor version 1. */
const REKEY = '0b01';

const IDS = create(EndDeviceIdentifiersSchema, {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
});

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
  timestampUs += 9_000_000;
  near.hear(phyPayload, { timestampUs, frequencyHz });
  await lab.clock.advance(9_000);
}

const lastVerdict = () => lab.uplinkFrames().at(-1)?.verdict;
const sent = (index: number): Uint8Array => near.sent.at(index)?.phyPayload ?? new Uint8Array();
const dropped = (cause: string) => ({ outcome: Outcome.DROPPED, cause });

type Init = NonNullable<Parameters<typeof otaaDevice>[0]>;
async function register(init: Init = {}): Promise<void> {
  await lab.registry.registerEverywhere(
    otaaDevice({
      lorawanVersion: MACVersion.MAC_V1_1,
      lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
      rootKeys: { appKey: { key: hex(APP_KEY) }, nwkKey: { key: hex(NWK_KEY) } },
      ...init,
    }),
  );
}

/** A device that has joined and whose RekeyInd was confirmed. */
async function ready(init: Init = {}): Promise<DeviceKeys11> {
  await register(init);
  await hear(joinRequest(1, NWK_KEY));
  const keys = openJoin11(sent(-1), 1);
  await hear(uplink11(keys, 0, { fOpts: REKEY }));
  return keys;
}

test.each([0, 1, 2] as const)(
  'a rejoin of type %i leads to a new session after 5 s',
  async (type) => {
    const old = await ready();
    await hear(rejoinRequest(type, 0, old));
    expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED, cause: '' });
    expect(near.sent.at(-1)).toMatchObject({
      frequencyHz: 868_100_000,
      time: { concentratorTimestampUs: timestampUs + 5_000_000 },
    });
    const fresh = openJoin11(sent(-1), 0, type);
    expect(fresh).toMatchObject({ optNeg: true, joinNonce: 2 });
    const all = [old, fresh].flatMap((keys) => [
      keys.devAddr,
      keys.fNwkSIntKey,
      keys.sNwkSIntKey,
      keys.nwkSEncKey,
      keys.appSKey,
    ]);
    expect(new Set(all).size).toBe(10);
    // The new session waits for its first frame; until then the old one works.
    await hear(uplink11(old, 1));
    expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
    await hear(uplink11(fresh, 0, { fOpts: REKEY }));
    expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
    expect(readDownlink11(sent(-1), fresh)).toMatchObject({
      micValid: true,
      fCnt: 0,
      fOpts: REKEY,
    });
    await hear(uplink11(old, 2));
    expect(lastVerdict()).toMatchObject({ outcome: Outcome.DROPPED });
    const { appSKey } = lab.application.joins.at(-1) ?? {};
    expect(appSKey).toEqual(hex(fresh.appSKey));
    expect(lab.published).toEqual(
      expect.arrayContaining(['ns.up.rejoin.receive', 'ns.up.rejoin.process', 'js.rejoin.accept']),
    );
  },
);

test('the events of a rejoin-request carry its fields', async () => {
  const old = await ready();
  await hear(rejoinRequest(2, 7, old));
  const netId = hex('000001');
  expect(lab.dataOf('ns.up.rejoin.receive')).toMatchObject([
    {
      payload: { Payload: { value: { rejoinType: 2, netId, devEui: hex(DEV_EUI), rejoinCnt: 7 } } },
    },
  ]);
  expect(lab.causesOf('ns.up.rejoin.drop')).toEqual([]);
});

test('type 0 resets the radio parameters, type 2 keeps them', async () => {
  const settings = {
    statusCountPeriodicity: 0,
    statusTimePeriodicity: { seconds: 0n, nanos: 0 },
    desiredRx1Delay: { value: 3 },
    desiredRx2DataRateIndex: { value: 3 },
  };
  const old = await ready({ macSettings: settings });
  const { macState } = await lab.registry.network.get(IDS, ['mac_state']);
  expect(macState?.currentParameters).toMatchObject({ rx1Delay: 3, rx2DataRateIndex: 3 });
  const channels = macState?.currentParameters?.channels.length;

  await hear(rejoinRequest(2, 0, old));
  const kept = openJoin11(sent(-1), 0, 2);
  expect(kept).toMatchObject({ rxDelay: 3, dlSettings: 0x83, hasCfList: false });
  await hear(uplink11(kept, 0, { fOpts: REKEY }), 868_100_000);
  const after = await lab.registry.network.get(IDS, ['mac_state']);
  expect(after.macState?.currentParameters?.channels).toHaveLength(channels ?? 0);

  await hear(rejoinRequest(0, 0, kept));
  expect(openJoin11(sent(-1), 0, 0)).toMatchObject({ rxDelay: 3, hasCfList: true });
});

test('RJcount0 counts up within a session and starts anew in the next', async () => {
  const old = await ready();
  await hear(rejoinRequest(0, 5, old));
  const first = sent(-1);
  for (const [type, count] of [
    [0, 5],
    [2, 5],
    [2, 4],
  ] as const) {
    await hear(rejoinRequest(type, count, old));
    expect(lastVerdict()).toMatchObject({
      outcome: Outcome.DUPLICATE,
      cause: 'rj_count_too_small',
    });
  }
  await hear(rejoinRequest(2, 6, old));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
  expect(sent(-1)).not.toEqual(first);
  const fresh = openJoin11(sent(-1), 6, 2);
  await hear(uplink11(fresh, 0, { fOpts: REKEY }));
  await hear(rejoinRequest(0, 0, fresh));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
  expect(openJoin11(sent(-1), 0, 0).joinNonce).toBe(4);
});

test('RJcount1 counts up over the life of a device, across joins and rejoins', async () => {
  await ready();
  await hear(rejoinRequest(1, 3));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
  await hear(joinRequest(2, NWK_KEY));
  const keys = openJoin11(sent(-1), 2);
  await hear(uplink11(keys, 0, { fOpts: REKEY }));
  await hear(rejoinRequest(1, 3));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.DUPLICATE, cause: 'rj_count_too_small' });
  expect(lab.causesOf('js.rejoin.reject')).toEqual(['rj_count_too_small']);
  await hear(rejoinRequest(1, 4));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
});

test('each refusal of a rejoin-request has its cause', async () => {
  await hear(rejoinRequest(0, 0));
  expect(lastVerdict()).toMatchObject(dropped('device_not_found'));
  await register();
  await hear(rejoinRequest(0, 0));
  expect(lastVerdict()).toMatchObject(dropped('rejoin_session'));
  await hear(joinRequest(1, NWK_KEY));
  const keys = openJoin11(sent(-1), 1);
  await hear(uplink11(keys, 0, { fOpts: REKEY }));
  const answered = near.sent.length;
  await hear(rejoinRequest(0, 0, { sNwkSIntKey: keys.fNwkSIntKey }));
  expect(lastVerdict()).toMatchObject(dropped('mic_mismatch'));
  await hear(rejoinRequest(2, 0, { ...keys, netId: '000002' }));
  expect(lastVerdict()).toMatchObject(dropped('foreign_net_id'));
  await hear(rejoinRequest(1, 0, { nwkKey: APP_KEY }));
  expect(lastVerdict()).toMatchObject(dropped('mic_mismatch'));
  await hear(rejoinRequest(0, 0, keys), 869_100_000);
  expect(lastVerdict()).toMatchObject(dropped('uplink_channel_not_found'));
  expect(near.sent).toHaveLength(answered);
  // Nothing of that used up the counter.
  await hear(rejoinRequest(0, 0, keys));
  expect(lastVerdict()).toMatchObject({ outcome: Outcome.ACCEPTED });
});

test('a rejoin-request of a device registered with LoRaWAN 1.0.4 is refused', async () => {
  await register({
    lorawanVersion: MACVersion.MAC_V1_0_4,
    lorawanPhyVersion: PHYVersion.RP002_V1_0_3,
    rootKeys: { appKey: { key: hex(APP_KEY) } },
  });
  for (const type of [0, 1, 2] as const) {
    await hear(rejoinRequest(type, 0));
    expect(lastVerdict()).toMatchObject(dropped('rejoin_not_supported'));
  }
  expect(near.sent).toEqual([]);
  expect(lab.causesOf('ns.up.rejoin.drop')).toEqual([
    'rejoin_not_supported',
    'rejoin_not_supported',
    'rejoin_not_supported',
  ]);
});
