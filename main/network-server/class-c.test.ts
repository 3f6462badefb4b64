import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { Class } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ClassBCSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ABP_KEYS, encryptedDownlink, readDownlink, uplink } from './testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  lora,
} from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const RX2_HZ = 869_525_000;

let lab: Lab;
let near: HandGateway;
let far: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  far = handGateway('AA555A0000000002');
  lab = await createLab({ gateways: [near, far] });
});
afterEach(() => lab.close());

const register = (...init: Parameters<typeof abpDevice>) =>
  lab.registry.registerEverywhere(abpDevice({ supportsClassC: true, ...init[0] }, init[1]));
const item = (
  fCnt: number,
  rest: Parameters<typeof encryptedDownlink>[4] = {},
  payload = 'c0ffee',
) => encryptedDownlink(ABP_KEYS, fCnt, payload, new Uint8Array(), rest);
type ClassBC = Exclude<
  MessageInitShape<typeof ApplicationDownlink_ClassBCSchema>,
  { $typeName: string }
>;
const withClassBC = (downlink: ApplicationDownlink, classBC: ClassBC): ApplicationDownlink => ({
  ...downlink,
  classBC: create(ApplicationDownlink_ClassBCSchema, classBC),
});
const push = async (...items: ApplicationDownlink[]) => {
  const pushed = lab.network.downlinkQueue.push(REF, items);
  const failed = expect(pushed).resolves.toBeUndefined();
  await lab.clock.advance(20);
  await failed;
};
/** The device is heard, by the near gateway better than by the far one, and its windows pass. */
async function heard(fCnt: number, options: Parameters<typeof uplink>[2] = {}) {
  const frame = uplink(ABP_KEYS, fCnt, options);
  far.hear(frame, { antenna: { channelRssiDbm: -115, snrDb: -5 }, timestampUs: 5_000_000 });
  near.hear(frame, { timestampUs: 9_000_000 });
  await lab.clock.advance(10_000);
}
const read = (index: number, gateway = near) =>
  readDownlink(gateway.sent.at(index)?.phyPayload ?? new Uint8Array(), ABP_KEYS);
const deviceClass = async () => {
  const { ids } = abpDevice();
  if (!ids) throw new Error('no ids');
  return (await lab.registry.network.get(ids, ['mac_state'])).macState?.deviceClass;
};

test('a downlink goes out at once in RX2 parameters, through the gateway that heard the device best', async () => {
  await register();
  await heard(0);
  expect(near.sent).toEqual([]);
  await push(item(0));
  expect(far.sent).toEqual([]);
  expect(near.sent[0]).toMatchObject({
    frequencyHz: RX2_HZ,
    modulation: lora(12),
    antennaIndex: 0,
    // Heard 10 s ago at 9 s of its counter; the gateway needs 50 ms.
    time: { kind: 'timestamp', concentratorTimestampUs: 19_050_000 },
  });
  expect(read(0)).toMatchObject({ micValid: true, fCnt: 0, payload: 'c0ffee' });
  expect(lab.application.sent).toHaveLength(1);
  expect(lab.downlinkFrames()[0]).toMatchObject({
    verdict: { outcome: Outcome.TRANSMITTED },
    transmission: { window: 'immediate', result: 'success' },
    uplinkFrameId: 0n,
  });
  expect(lab.network.downlinkQueue.list(REF)).toEqual([]);
  expect(await deviceClass()).toBe(Class.C);
});

test('what waits when an uplink comes goes into its window, the next one only after the windows', async () => {
  await register();
  await push(item(0), item(1));
  const frame = uplink(ABP_KEYS, 0);
  near.hear(frame, { timestampUs: 1_000_000 });
  await lab.clock.advance(1_990);
  expect(near.sent.map(({ time }) => time)).toEqual([
    { kind: 'timestamp', concentratorTimestampUs: 2_000_000 },
  ]);
  expect(near.sent[0]?.frequencyHz).toBe(868_100_000);
  await lab.clock.advance(1_500);
  expect(near.sent).toHaveLength(2);
  expect(near.sent[1]?.frequencyHz).toBe(RX2_HZ);
  expect(read(1)).toMatchObject({ fCnt: 1, micValid: true });
});

test('downlinks keep their order and a second between each other', async () => {
  await register();
  await heard(0);
  await push(item(0, {}, '00'), item(1, {}, '01'), item(2, {}, '02'));
  expect(near.sent).toHaveLength(1);
  await lab.clock.advance(1_300);
  expect(near.sent).toHaveLength(2);
  // SF12 with 14 bytes is 1155 ms on air, and the concentrator needs 30 ms.
  const counterOf = (index: number) => {
    const { time } = near.sent[index] ?? {};
    return time?.kind === 'timestamp' ? time.concentratorTimestampUs : Number.NaN;
  };
  expect(counterOf(1) - counterOf(0)).toBeGreaterThanOrEqual(1_185_000);
  await lab.clock.advance(2_000);
  expect([0, 1, 2].map((index) => read(index).payload)).toEqual(['00', '01', '02']);
  // Another gateway would be free, and the device would hear two frames at once.
  await push(...[3, 4, 5, 6].map((fCnt) => item(fCnt, {}, '00'.repeat(51))));
  await lab.clock.advance(15_000);
  expect([near.sent.length, far.sent.length]).toEqual([7, 0]);
});

test('one confirmed downlink waits for its answer; the next follows its acknowledgement', async () => {
  await register();
  await heard(0);
  await push(item(0, { confirmed: true }), item(1, { confirmed: true }));
  await lab.clock.advance(60_000);
  expect(near.sent).toHaveLength(1);
  expect(read(0)).toMatchObject({ confirmed: true });
  await heard(1, { fCtrl: { ACK: true } });
  expect(lab.application.acknowledged).toHaveLength(1);
  expect(near.sent).toHaveLength(2);
});

test('a confirmed downlink without an answer in class_c_timeout counts as not acknowledged', async () => {
  await register({}, { classCTimeout: { seconds: 30n } });
  await heard(0);
  await push(item(0, { confirmed: true }), item(1));
  await lab.clock.advance(29_000);
  expect(near.sent).toHaveLength(2);
  expect(lab.application.notAcknowledged).toEqual([]);
  await lab.clock.advance(1_500);
  expect(lab.application.notAcknowledged.map(({ downlink }) => downlink.fCnt)).toEqual([0]);
});

test('the application chooses gateways and antennas; one of each group transmits', async () => {
  await register();
  const chosen = (gatewayId: string, antennaIndex: number, groupIndex: number) => ({
    gatewayIds: { gatewayId },
    antennaIndex,
    groupIndex,
  });
  await heard(0);
  const gateways = [
    chosen('nobody', 0, 0),
    chosen('eui-aa555a0000000002', 3, 0),
    chosen('eui-aa555a0000000001', 1, 1),
  ];
  await push(withClassBC(item(0), { gateways }));
  expect(far.sent.map(({ antennaIndex }) => antennaIndex)).toEqual([3]);
  expect(near.sent.map(({ antennaIndex }) => antennaIndex)).toEqual([1]);
  expect(far.sent[0]?.phyPayload).toEqual(near.sent[0]?.phyPayload);
  const fixed = (gatewayId: string, antennaIndex: number) => ({
    downlinkPath: { path: { value: { gatewayIds: { gatewayId }, antennaIndex } } },
    rx1: false,
    rx2: true,
  });
  expect(lab.dataOf('ns.down.data.schedule.success')).toMatchObject([
    fixed('eui-aa555a0000000002', 3),
    fixed('eui-aa555a0000000001', 1),
  ]);
  expect(lab.application.sent).toHaveLength(1);
});

test('a gateway not heard from yet transmits at once, without an uplink of the device', async () => {
  await register();
  const gateways = [{ gatewayIds: { gatewayId: 'eui-aa555a0000000001' } }];
  await push(withClassBC(item(0), { gateways }));
  expect(near.sent[0]?.time).toEqual({ kind: 'immediate' });
});

test('a downlink with a time is sent then, and not in the windows of an uplink before', async () => {
  await register();
  await heard(0);
  const atMs = lab.clock.now() + 60_000;
  await push(withClassBC(item(0), { absoluteTime: timestampFromMs(atMs) }));
  const heardAtMs = lab.clock.now();
  await heard(1);
  await lab.clock.advance(30_000);
  expect(near.sent).toEqual([]);
  await lab.clock.advance(14_900);
  expect(near.sent[0]?.time).toEqual({
    kind: 'timestamp',
    concentratorTimestampUs: 9_000_000 + (atMs - heardAtMs) * 1_000,
  });
});

test('a time that is over fails with its cause, one that is too near is refused', async () => {
  await register();
  await heard(0);
  const at = (ms: number) =>
    withClassBC(item(0), { absoluteTime: timestampFromMs(lab.clock.now() + ms) });
  const tooNear = expect(lab.network.downlinkQueue.push(REF, [at(2_000)])).rejects.toMatchObject({
    reason: 'downlink_expired',
  });
  await lab.clock.advance(10);
  await tooNear;
  await push(at(20_000));
  lab.clock.jumpWallClock(60_000);
  await lab.clock.advance(20_000);
  expect(near.sent).toEqual([]);
  expect(lab.application.failed).toMatchObject([{ cause: 'expired_downlink' }]);
  expect(lab.causesOf('ns.down.data.schedule.fail')).toEqual(['expired_downlink']);
});

test('what no gateway can send now is sent later with the same counter', async () => {
  await register();
  await heard(0);
  near.setDownlinkReady(false);
  far.setDownlinkReady(false);
  await push(item(0));
  await lab.clock.advance(60_000);
  expect(lab.causesOf('ns.down.data.schedule.fail')).toEqual(['no_downlink_path']);
  expect(lab.application.invalidated).toEqual([]);
  near.setDownlinkReady(true);
  await lab.clock.advance(2_200);
  expect(read(0)).toMatchObject({ fCnt: 0, payload: 'c0ffee' });
});

test('a used-up duty cycle delays downlinks and loses none', async () => {
  await register();
  await heard(0);
  far.setDownlinkReady(false);
  // 10 % of the hour, of which priority 3 may use 70 %: 252 s. A frame of 64 bytes at SF12 takes 2793.472 ms.
  const payload = '00'.repeat(51);
  const count = 100;
  await push(...Array.from({ length: count }, (_, fCnt) => item(fCnt, {}, payload)));
  await lab.clock.advance(20 * 60_000);
  expect(near.sent).toHaveLength(Math.floor(252_000 / 2_793.472));
  expect(lab.causesOf('ns.down.data.schedule.fail')).toContain('duty_cycle');
  await lab.clock.advance(61 * 60_000);
  expect(near.sent.map((_, index) => read(index).fCnt)).toEqual(
    Array.from({ length: count }, (_, fCnt) => fCnt),
  );
  expect(lab.application.failed).toEqual([]);
});

test('frames of two devices for one gateway follow each other, the concentrator recharged between', async () => {
  await register();
  await heard(0);
  const { scheduler } = lab.gatewayServer;
  const request = {
    phyPayload: new Uint8Array(14),
    window: {
      window: 'immediate',
      frequencyHz: RX2_HZ,
      modulation: lora(12),
      maxPhyPayloadBytes: 64,
    },
    gateways: [{ gatewayId: 'eui-aa555a0000000001', antennaIndex: 0 }],
    bandId: 'EU_863_870',
    frequencyPlanId: 'EU_863_870',
    priority: 3,
  } as const;
  const margins = [1, 2].map(() => {
    const result = scheduler.scheduleFree(request);
    return result.ok ? result.scheduled.marginMs : Number.NaN;
  });
  // 14 bytes at SF12 are 1155.072 ms on air; 30 ms to recharge.
  expect(margins[0]).toBe(50);
  expect(margins[1]).toBeCloseTo(50 + 1_155.072 + 30, 3);
});

test('a second gateway waits until the device has heard the first', async () => {
  await register();
  await heard(0);
  const over = (fCnt: number, gatewayId: string) =>
    withClassBC(item(fCnt, {}, '00'.repeat(51)), { gateways: [{ gatewayIds: { gatewayId } }] });
  await push(over(0, 'eui-aa555a0000000001'), over(1, 'eui-aa555a0000000002'));
  // 64 bytes at SF12 are 2793 ms on air, and the second is handed over when they are.
  await lab.clock.advance(2_750);
  expect([near.sent.length, far.sent.length]).toEqual([1, 0]);
  await lab.clock.advance(150);
  expect([near.sent.length, far.sent.length]).toEqual([1, 1]);
});
