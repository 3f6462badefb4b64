import { create } from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MType } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  ABP_KEYS,
  DEV_EUI,
  type DeviceKeys,
  encryptedDownlink,
  hex,
  joinRequest,
  openJoin,
  readDownlink,
  uplink,
} from './testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  otaaDevice,
} from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const IDS = create(EndDeviceIdentifiersSchema, {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
});
const PATHS = ['mac_state', 'pending_mac_state', 'session', 'pending_session'];

let lab: Lab;
let near: HandGateway;
let heard: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  heard = 0;
});
afterEach(() => lab.close());

const read = (): Promise<EndDevice> => lab.registry.network.get(IDS, PATHS);

async function hear(phyPayload: Uint8Array, waitMs = 8_000): Promise<void> {
  near.hear(phyPayload, { timestampUs: heard * 20_000_000 });
  heard += 1;
  await lab.clock.advance(waitMs);
}

async function join(): Promise<DeviceKeys> {
  await hear(joinRequest(1));
  return openJoin(near.sent.at(-1)?.phyPayload ?? new Uint8Array(), 1);
}

test('a join-accept stands in the pending MAC state until it is sent; then its terms do', async () => {
  await lab.registry.registerEverywhere(otaaDevice());
  await hear(joinRequest(1), 1_000);
  const queued = (await read()).pendingMacState;
  // Frequencies of CFLists in steps of 100 Hz, settings and delay as they go on air (TS001-1.0.4 §6.2.3).
  const request = {
    downlinkSettings: { rx1DrOffset: 0, rx2Dr: 0, optNeg: false },
    rxDelay: 1,
    cfList: { freq: [8_671_000, 8_673_000, 8_675_000, 8_677_000, 8_679_000] },
  };
  expect(queued?.queuedJoinAccept).toMatchObject({ request, netId: Uint8Array.of(0, 0, 1) });
  expect(queued?.queuedJoinAccept?.keys).toBeUndefined();
  expect(queued).toMatchObject({ rxWindowsAvailable: true, recentDownlinks: [] });
  expect((await read()).pendingSession).toBeUndefined();
  expect(lab.application.joins).toEqual([]);
  expect(queued?.recentUplinks).toMatchObject([
    { payload: { Payload: { case: 'joinRequestPayload', value: { devEui: hex(DEV_EUI) } } } },
  ]);
  await lab.clock.advance(7_000);
  expect(near.sent[0]?.phyPayload).toEqual(queued?.queuedJoinAccept?.payload);
  const { pendingMacState: sent, pendingSession } = await read();
  expect(pendingSession?.devAddr).toEqual(queued?.queuedJoinAccept?.devAddr);
  expect(lab.application.joins).toHaveLength(1);
  expect(sent).toMatchObject({ pendingJoinRequest: request, rxWindowsAvailable: false });
  expect(sent?.queuedJoinAccept).toBeUndefined();
  expect(sent?.recentDownlinks).toMatchObject([
    { payload: { mHdr: { mType: MType.JOIN_ACCEPT } } },
  ]);
});

test('a join that no gateway could answer is told to nobody', async () => {
  await lab.registry.registerEverywhere(otaaDevice());
  near.setDownlinkReady(false);
  await hear(joinRequest(1));
  expect(near.sent).toEqual([]);
  expect(lab.application.joins).toEqual([]);
  expect(lab.published).toContain('ns.down.join.schedule.fail');
  expect(lab.published).not.toContain('ns.up.join.accept.forward');
  const { pendingMacState, pendingSession } = await read();
  expect(pendingMacState?.queuedJoinAccept).toBeDefined();
  expect(pendingSession).toBeUndefined();
});

test('a session starts with its first uplink, and its channels with all data rates', async () => {
  await lab.registry.registerEverywhere(otaaDevice());
  const keys = await join();
  await lab.clock.advance(60_000);
  const heardAtMs = lab.clock.now();
  await hear(uplink(keys, 0));
  const { macState, pendingMacState, session } = await read();
  expect(pendingMacState).toBeUndefined();
  expect(macState?.pendingJoinRequest).toBeUndefined();
  expect(session?.startedAt && timestampMs(session.startedAt)).toBe(heardAtMs);
  // RP002-1.0.4 §2.4.4: channels of a CFList have DR0 to DR5, and RX1 where they send.
  const added = macState?.currentParameters?.channels.slice(3);
  expect(added).toMatchObject(
    [8671, 8673, 8675, 8677, 8679].map((steps) => ({
      uplinkFrequency: BigInt(steps) * 100_000n,
      downlinkFrequency: BigInt(steps) * 100_000n,
      minDataRateIndex: 0,
      maxDataRateIndex: 5,
      enableUplink: true,
    })),
  );
  expect(macState?.recentUplinks.map(({ payload }) => payload?.Payload.case)).toEqual([
    'joinRequestPayload',
    'macPayload',
  ]);
});

test('what was sent and heard lately stands in the MAC state, twenty and five of it', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  for (let fCnt = 0; fCnt < 23; fCnt += 1)
    await hear(uplink(ABP_KEYS, fCnt, { confirmed: fCnt % 2 === 0 }));
  const heardAtMs = lab.clock.now();
  await hear(uplink(ABP_KEYS, 23), 500);
  const { macState } = await read();
  const counters = macState?.recentUplinks.map(({ payload }) =>
    payload?.Payload.case === 'macPayload' ? payload.Payload.value.fHdr?.fCnt : undefined,
  );
  expect(counters).toEqual(Array.from({ length: 20 }, (_, index) => index + 4));
  expect(macState?.recentUplinks.at(-1)).toMatchObject({
    rxMetadata: [{ gatewayIds: { gatewayId: 'eui-aa555a0000000001' }, channelRssi: -80, snr: 7 }],
    settings: { dataRate: { modulation: { case: 'lora', value: { spreadingFactor: 7 } } } },
    deviceChannelIndex: 0,
  });
  const receivedAt = macState?.recentUplinks.at(-1)?.receivedAt;
  expect(receivedAt && timestampMs(receivedAt)).toBe(heardAtMs);
  // Twelve acknowledgements, of which the last five are kept.
  expect(macState?.recentDownlinks.map(({ payload }) => payload?.macPayload?.fullFCnt)).toEqual([
    7, 8, 9, 10, 11,
  ]);
  // A registration takes none of it, so an export has none.
  const [exported] = await lab.registry.wholeDevicesAfter('shop', '', 1, true);
  expect(exported?.macState).toMatchObject({ recentUplinks: [], recentDownlinks: [] });
  expect(macState?.rxWindowsAvailable).toBe(true);
});

test('receive windows are used up by a downlink, whose time is kept', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  const heardAtMs = lab.clock.now();
  await hear(uplink(ABP_KEYS, 0, { confirmed: true }));
  const { macState } = await read();
  expect(macState?.rxWindowsAvailable).toBe(false);
  // RX1 is one second behind the uplink (RP002-1.0.4 §2.4.8).
  expect(macState?.lastDownlinkAt && timestampMs(macState.lastDownlinkAt)).toBe(heardAtMs + 1_000);
  expect(macState?.lastNetworkInitiatedDownlinkAt).toBeUndefined();
});

test('a class C downlink is one of the network’s own, and leaves the windows alone', async () => {
  await lab.registry.registerEverywhere(abpDevice({ supportsClassC: true }));
  await hear(uplink(ABP_KEYS, 0));
  const item = encryptedDownlink(ABP_KEYS, 0, 'c0ffee', new Uint8Array());
  await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(1_000)]);
  expect(near.sent).toHaveLength(1);
  const { macState } = await read();
  expect(macState?.lastNetworkInitiatedDownlinkAt).toBeDefined();
  expect(macState?.lastDownlinkAt).toEqual(macState?.lastNetworkInitiatedDownlinkAt);
  expect(macState?.recentDownlinks).toMatchObject([
    { payload: { mHdr: { mType: MType.UNCONFIRMED_DOWN }, macPayload: { fPort: 2, fullFCnt: 0 } } },
  ]);
  expect(macState?.rxWindowsAvailable).toBe(true);
});

test('answers to the device wait in the MAC state for its windows', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  await hear(uplink(ABP_KEYS, 0, { fOpts: '02' }), 500);
  // 7 dB above the −7.5 dB of SF7 (SX1276 data sheet).
  expect((await read()).macState?.queuedResponses).toMatchObject([
    { cid: 2, payload: { case: 'linkCheckAns', value: { margin: 14, gatewayCount: 1 } } },
  ]);
  await lab.clock.advance(7_500);
  expect((await read()).macState?.queuedResponses).toEqual([]);
});

const outcome = () => {
  const verdict = lab.uplinkFrames().at(-1)?.verdict;
  return [verdict?.outcome, verdict?.cause];
};

test('a repetition is told from a replay also after a restart', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  const frame = uplink(ABP_KEYS, 5, { confirmed: true });
  // Within RX1 delay + 1 s + 10 s, and not so early that it would be the same reception.
  await hear(frame, 3_000);
  lab.restartNetwork();
  await hear(frame, 3_000);
  expect(outcome()).toEqual([Outcome.DUPLICATE, 'duplicate_uplink']);
  expect(near.sent.map(({ phyPayload }) => readDownlink(phyPayload, ABP_KEYS).ack)).toEqual([
    true,
    true,
  ]);
  // Each repetition was heard as well.
  expect((await read()).macState?.recentUplinks).toHaveLength(2);
  lab.restartNetwork();
  await lab.clock.advance(20_000);
  await hear(frame);
  expect(outcome()).toEqual([Outcome.DUPLICATE, 'f_cnt_too_low']);
  expect(lab.application.uplinks).toHaveLength(1);
});

test('how often a frame may be repeated counts on after a restart', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  const frame = uplink(ABP_KEYS, 5, { confirmed: true });
  const causes: unknown[] = [];
  // Five transmissions of a confirmed uplink before LoRaWAN 1.0.4.
  for (let transmission = 0; transmission < 6; transmission += 1) {
    await hear(frame, 2_000);
    causes.push(lab.uplinkFrames().at(-1)?.verdict?.cause);
    lab.restartNetwork();
  }
  expect(causes).toEqual(['', ...new Array<string>(4).fill('duplicate_uplink'), 'f_cnt_too_low']);
});

test('a class C device is reached after a restart by the gateway that heard it best', async () => {
  await lab.close();
  const far = handGateway('AA555A0000000002');
  lab = await createLab({ gateways: [far, near] });
  await lab.registry.registerEverywhere(abpDevice({ supportsClassC: true }));
  far.hear(uplink(ABP_KEYS, 0), { antenna: { channelRssiDbm: -110, snrDb: -7 } });
  await hear(uplink(ABP_KEYS, 0));
  lab.restartNetwork();
  const item = encryptedDownlink(ABP_KEYS, 0, 'c0ffee', new Uint8Array());
  await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(1_000)]);
  expect([near.sent.length, far.sent.length]).toEqual([1, 0]);
});

test('what was heard before a restart counts in the share of lost uplinks', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  for (let fCnt = 0; fCnt < 20; fCnt += 1) await hear(uplink(ABP_KEYS, fCnt));
  expect(lab.application.uplinks.at(-1)?.packetErrorRate).toBe(0);
  lab.restartNetwork();
  await hear(uplink(ABP_KEYS, 24));
  // The last twenty are 1 to 19 and 24: four of 24 are missing.
  expect(lab.application.uplinks.at(-1)?.packetErrorRate).toBeCloseTo(4 / 24, 6);
});
