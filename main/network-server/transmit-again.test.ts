import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Frame, Outcome, StageKind } from '../api/gen/gatehouse/v1/frames_pb.js';
import { ApplicationDownlink_ClassBCSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { TxResult } from '../base/gateway-link.ts';
import { ABP_KEYS, encryptedDownlink, joinRequest, uplink } from './testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  otaaDevice,
} from './testing/lab.ts';

const RX1_HZ = 868_100_000;
const RX2_HZ = 869_525_000;
const REF = { applicationId: 'shop', deviceId: 'door-7' };

let lab: Lab;
let near: HandGateway;
let far: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  far = handGateway('AA555A0000000002');
  lab = await createLab({ gateways: [near, far] });
});
afterEach(() => lab.close());

/** Each frame is answered by the next result; the last one goes on. */
function answers(gateway: HandGateway, ...results: TxResult[]): void {
  const next = (): void => {
    const [result = 'success'] = results;
    if (results.length > 1) results.shift();
    gateway.answer = { result };
  };
  gateway.onTransmit = next;
}
/** A confirmed uplink, which has to be answered, heard by the near gateway best. */
async function confirmedUplink(fCnt = 0): Promise<void> {
  const frame = uplink(ABP_KEYS, fCnt, { confirmed: true });
  far.hear(frame, { antenna: { channelRssiDbm: -115, snrDb: -5 }, timestampUs: 5_000_000 });
  near.hear(frame, { timestampUs: 9_000_000 });
  await lab.clock.advance(5_000);
}
const gatewayFacts = (frame: Frame | undefined): string[] =>
  (frame?.verdict?.stages ?? [])
    .filter(({ kind }) => kind === StageKind.GATEWAY)
    .flatMap(({ evidence }) => evidence)
    .filter(({ name }) => /^(failed|refused)_/.test(name))
    .map(({ name, value }) => `${name} ${value.value}`);

test.each([
  'too_late',
  'too_early',
  'collision_packet',
  'collision_beacon',
  'tx_freq',
  'tx_power',
  'gps_unlocked',
  'unknown',
] satisfies TxResult[])(
  'after %s in RX1 the same gateway transmits in RX2, and the record says both',
  async (result) => {
    await lab.registry.registerEverywhere(abpDevice());
    answers(near, result, 'success');
    await confirmedUplink();
    expect(near.sent.map(({ frequencyHz }) => frequencyHz)).toEqual([RX1_HZ, RX2_HZ]);
    expect(far.sent).toEqual([]);
    const frames = lab.downlinkFrames();
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({
      frequencyHz: BigInt(RX2_HZ),
      verdict: { outcome: Outcome.TRANSMITTED },
      transmission: { gatewayId: 'eui-aa555a0000000001', result: 'success' },
    });
    expect(gatewayFacts(frames[0])).toEqual([`failed_rx1 eui-aa555a0000000001: ${result}`]);
    expect(lab.published.filter((name) => name.startsWith('ns.down.'))).toEqual([
      'ns.down.data.schedule.attempt',
      'ns.down.data.schedule.success',
      'ns.down.transmission.fail',
      'ns.down.data.schedule.attempt',
      'ns.down.data.schedule.success',
      'ns.down.transmission.success',
    ]);
    expect(lab.causesOf('ns.down.transmission.fail')).toEqual([result]);
  },
);

test('a gateway that fails in both windows is followed by the next best', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  answers(near, 'tx_power');
  await confirmedUplink();
  expect(near.sent.map(({ frequencyHz }) => frequencyHz)).toEqual([RX1_HZ, RX2_HZ]);
  expect(far.sent.map(({ time }) => time)).toEqual([
    { kind: 'timestamp', concentratorTimestampUs: 6_000_000 },
  ]);
  const [frame] = lab.downlinkFrames();
  expect(frame).toMatchObject({
    frequencyHz: BigInt(RX1_HZ),
    verdict: { outcome: Outcome.TRANSMITTED },
    transmission: { gatewayId: 'eui-aa555a0000000002', window: 'RX1', result: 'success' },
  });
  expect(gatewayFacts(frame)).toEqual([
    'failed_rx1 eui-aa555a0000000001: tx_power',
    'failed_rx2 eui-aa555a0000000001: tx_power',
  ]);
});

test('when every window of every gateway failed, the last answer is the cause, told once', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  answers(near, 'collision_packet');
  answers(far, 'too_early', 'tx_freq');
  const pushed = lab.network.downlinkQueue.push(REF, [
    encryptedDownlink(ABP_KEYS, 0, 'c0ffee', new Uint8Array()),
  ]);
  await lab.clock.advance(20);
  await pushed;
  await confirmedUplink();
  expect(lab.application.failed).toMatchObject([{ cause: 'tx_freq' }]);
  expect([near.sent.length, far.sent.length]).toEqual([2, 2]);
  expect(lab.downlinkFrames()).toHaveLength(1);
  expect(lab.downlinkFrames()[0]?.verdict).toMatchObject({
    outcome: Outcome.FAILED,
    cause: 'tx_freq',
    text: expect.stringMatching(/^The gateway cannot transmit at this frequency\.$/),
  });
  expect(lab.causesOf('ns.down.transmission.fail')).toEqual([
    'collision_packet',
    'collision_packet',
    'too_early',
    'tx_freq',
  ]);
});

test('nothing is tried again that may have been transmitted', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  answers(near, 'no_acknowledgment');
  await confirmedUplink();
  expect([near.sent.length, far.sent.length]).toEqual([1, 0]);
  expect(lab.downlinkFrames()[0]?.verdict).toMatchObject({
    outcome: Outcome.FAILED,
    cause: 'no_acknowledgment',
  });
});

test('what fails when there is no time left is refused with its margins', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  near.answerAfterMs = 3_000;
  answers(near, 'too_late');
  await confirmedUplink();
  expect([near.sent.length, far.sent.length]).toEqual([1, 0]);
  expect(gatewayFacts(lab.downlinkFrames()[0])).toEqual([
    'failed_rx1 eui-aa555a0000000001: too_late',
    'refused_rx2 eui-aa555a0000000001: too_late',
    'refused_rx1 eui-aa555a0000000002: too_late',
    'refused_rx2 eui-aa555a0000000002: too_late',
  ]);
  expect(lab.causesOf('ns.down.data.schedule.fail')).toEqual(['too_late']);
});

test('a join-accept finds another window too', async () => {
  await lab.registry.registerEverywhere(otaaDevice());
  answers(near, 'too_late', 'success');
  near.hear(joinRequest(1));
  await lab.clock.advance(8_000);
  expect(near.sent.map(({ frequencyHz }) => frequencyHz)).toEqual([RX1_HZ, RX2_HZ]);
  expect(lab.downlinkFrames()).toMatchObject([{ transmission: { window: 'RX2' } }]);
});

test('a class C downlink goes through another gateway that heard the device', async () => {
  await lab.registry.registerEverywhere(abpDevice({ supportsClassC: true }));
  const frame = uplink(ABP_KEYS, 0);
  far.hear(frame, { antenna: { channelRssiDbm: -115, snrDb: -5 } });
  near.hear(frame);
  await lab.clock.advance(10_000);
  answers(near, 'collision_packet');
  const pushed = lab.network.downlinkQueue.push(REF, [
    encryptedDownlink(ABP_KEYS, 0, 'c0ffee', new Uint8Array()),
  ]);
  await lab.clock.advance(100);
  await pushed;
  expect([near.sent.length, far.sent.length]).toEqual([1, 1]);
  expect(lab.application.sent).toHaveLength(1);
  expect(lab.application.failed).toEqual([]);
});

test('a gateway that lost its GPS time transmits at the chosen time by its counter', async () => {
  await lab.registry.registerEverywhere(abpDevice({ supportsClassC: true }));
  far.setDownlinkReady(false);
  const gpsTimeMs = lab.clock.now() - Date.UTC(1980, 0, 6) + 18_000;
  near.hear(uplink(ABP_KEYS, 0), { timestampUs: 1_000_000, gpsTimeMs });
  await lab.clock.advance(10_000);
  answers(near, 'gps_unlocked', 'success');
  const atMs = lab.clock.now() + 20_000;
  const downlink = encryptedDownlink(ABP_KEYS, 0, 'c0ffee', new Uint8Array());
  downlink.classBC = create(ApplicationDownlink_ClassBCSchema, {
    absoluteTime: timestampFromMs(atMs),
  });
  const pushed = lab.network.downlinkQueue.push(REF, [downlink]);
  await lab.clock.advance(20_000);
  await pushed;
  expect(near.sent.map(({ time }) => time)).toEqual([
    { kind: 'gps', gpsTimeMs: gpsTimeMs + 30_000 },
    { kind: 'timestamp', concentratorTimestampUs: 31_000_000 },
  ]);
  expect(lab.application.sent).toHaveLength(1);
});
