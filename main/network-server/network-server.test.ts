import { afterEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import {
  ABP_ADDR,
  ABP_KEYS,
  encryptedDownlink,
  joinRequest,
  openJoin,
  readDownlink,
  uplink,
} from './testing/frames.ts';
import { abpDevice, createLab, handGateway, type Lab, lora, otaaDevice } from './testing/lab.ts';

let lab: Lab;
afterEach(() => lab.close());

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const gateway = () => handGateway('AA555A0000000001');
const NO_KEY_ID = new Uint8Array();

test('a join is answered after 5 s on the same channel, and the device is known by its new address', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(otaaDevice());
  near.hear(joinRequest(7), { timestampUs: 4_294_000_000, modulation: lora(9) });
  await lab.clock.advance(5_000);
  expect(near.sent).toHaveLength(1);
  expect(near.sent[0]).toMatchObject({
    frequencyHz: 868_100_000,
    modulation: lora(9),
    invertPolarization: true,
    time: { kind: 'timestamp', concentratorTimestampUs: (4_294_000_000 + 5_000_000) % 2 ** 32 },
  });
  const session = openJoin(near.sent[0]?.phyPayload ?? new Uint8Array(), 7);
  expect(session.devAddr).toMatch(/^02AB/);
  expect(session.joinNonce).toBe('000001');
  expect(session.cfList).toMatch(/^184F84E85684B85E84886684586E84/);
  expect(lab.application.joins).toHaveLength(1);
  expect(lab.downlinkFrames()[0]).toMatchObject({
    fType: 'JOIN_ACCEPT',
    uplinkFrameId: 1n,
    verdict: { outcome: Outcome.TRANSMITTED },
    transmission: { window: 'RX1', result: 'success' },
  });

  near.hear(uplink(session, 0, { payload: 'hi' }), { frequencyHz: 867_100_000 });
  await lab.clock.advance(300);
  expect(lab.application.uplinks).toHaveLength(1);
  expect(lab.application.uplinks[0]).toMatchObject({ fullFCnt: 0, fPort: 1, confirmed: false });
  expect(lab.uplinkFrames()[1]?.verdict).toMatchObject({ outcome: Outcome.ACCEPTED, cause: '' });
  expect(lab.published).toContain('js.join.accept');
  expect(lab.published).toContain('ns.up.data.process');
});

test('a used DevNonce and a wrong root key are refused, and nothing is transmitted', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(otaaDevice());
  near.hear(joinRequest(7));
  await lab.clock.advance(7_000);
  near.hear(joinRequest(7));
  near.hear(joinRequest(8, '00112233445566778899AABBCCDDEEFF'));
  await lab.clock.advance(7_000);
  expect(near.sent).toHaveLength(1);
  expect(lab.uplinkFrames().map((frame) => frame.verdict?.cause)).toEqual([
    '',
    'reuse_dev_nonce',
    'mic_mismatch',
  ]);
  expect(lab.uplinkFrames()[1]?.verdict?.suggestion).not.toBe('');
});

test('one frame over three gateways is decided once and answered by the best of them', async () => {
  const gateways = ['AA555A0000000001', 'AA555A0000000002', 'AA555A0000000003'].map(handGateway);
  const [far, near, late] = gateways;
  lab = await createLab({ gateways });
  await lab.registry.registerEverywhere(abpDevice());
  const frame = uplink(ABP_KEYS, 1, { confirmed: true });
  far?.hear(frame, { antenna: { channelRssiDbm: -110, snrDb: -3 } });
  near?.hear(frame, { antenna: { channelRssiDbm: -60 }, timestampUs: 77_000_000 });
  await lab.clock.advance(300);
  late?.hear(frame, { antenna: { channelRssiDbm: -120, snrDb: -9 } });
  await lab.clock.advance(1_000);
  expect(lab.uplinkFrames()).toHaveLength(1);
  expect(lab.uplinkFrames()[0]?.receptions.map((one) => one.gatewayId)).toEqual([
    'eui-aa555a0000000001',
    'eui-aa555a0000000002',
    'eui-aa555a0000000003',
  ]);
  expect(gateways.map((one) => one.sent.length)).toEqual([0, 1, 0]);
  expect(near?.sent[0]?.time).toEqual({ kind: 'timestamp', concentratorTimestampUs: 78_000_000 });
  const down = readDownlink(near?.sent[0]?.phyPayload ?? new Uint8Array(), ABP_KEYS);
  expect(down).toMatchObject({ ack: true, micValid: true, fCnt: 0, fPort: null });
});

test('replays, foreign keys and unknown addresses are told apart', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  const send = async (frame: Uint8Array): Promise<void> => {
    near.hear(frame);
    await lab.clock.advance(20_000);
  };
  await send(uplink(ABP_KEYS, 100));
  await send(uplink(ABP_KEYS, 100));
  await send(uplink(ABP_KEYS, 99));
  await send(uplink({ ...ABP_KEYS, nwkSKey: '00112233445566778899AABBCCDDEEFF' }, 101));
  await send(uplink(ABP_KEYS, 20_000));
  await send(uplink({ ...ABP_KEYS, devAddr: '02AB0001' }, 1));
  await send(uplink({ ...ABP_KEYS, devAddr: '26010001' }, 1));
  await send(new Uint8Array([1, 2, 3]));
  await send(new Uint8Array());
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([100]);
  expect(near.sent).toEqual([]);
  const verdicts = lab.uplinkFrames().map(({ verdict }) => [verdict?.outcome, verdict?.cause]);
  expect(verdicts).toEqual([
    [Outcome.ACCEPTED, ''],
    [Outcome.DUPLICATE, 'f_cnt_too_low'],
    [Outcome.DUPLICATE, 'f_cnt_too_low'],
    [Outcome.DROPPED, 'mic_mismatch'],
    [Outcome.DROPPED, 'f_cnt_gap'],
    [Outcome.DROPPED, 'device_not_found'],
    [Outcome.DROPPED, 'foreign_net_id'],
    [Outcome.DROPPED, 'raw_payload_too_short'],
    [Outcome.DROPPED, 'raw_payload_too_short'],
  ]);
});

test('the counter goes on past 16 bits, and what lies behind it is a replay', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  for (const fullFCnt of [
    60_000 - 44_000,
    32_000,
    48_000,
    64_000,
    65_535,
    65_536,
    70_000,
    65_540,
  ]) {
    near.hear(uplink(ABP_KEYS, fullFCnt));
    await lab.clock.advance(20_000);
  }
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([
    16_000, 32_000, 48_000, 64_000, 65_535, 65_536, 70_000,
  ]);
  const last = lab.uplinkFrames().at(-1);
  expect(last?.verdict).toMatchObject({ outcome: Outcome.DUPLICATE, cause: 'f_cnt_too_low' });
  expect(last?.fullFCnt).toBe(65_540);
});

test("an application's reply to an uplink leaves in RX1 of the same uplink, and is reported sent", async () => {
  const near = gateway();
  lab = await createLab({
    gateways: [near],
    onUplink: () => {
      const reply = encryptedDownlink(ABP_KEYS, 0, 'C0FFEE', NO_KEY_ID);
      void lab.network.downlinkQueue.push(REF, [reply]);
    },
  });
  await lab.registry.registerEverywhere(abpDevice());
  near.hear(uplink(ABP_KEYS, 0), { frequencyHz: 868_300_000, modulation: lora(8) });
  await lab.clock.advance(1_000);
  expect(near.sent[0]).toMatchObject({
    frequencyHz: 868_300_000,
    modulation: lora(8),
    time: { concentratorTimestampUs: 2_000_000 },
  });
  expect(readDownlink(near.sent[0]?.phyPayload ?? new Uint8Array(), ABP_KEYS)).toMatchObject({
    payload: 'c0ffee',
    fPort: 2,
    fCnt: 0,
    ack: false,
    fPending: false,
    micValid: true,
  });
  expect(lab.application.sent).toHaveLength(1);
  expect(lab.network.downlinkQueue.list(REF)).toEqual([]);
});

test('RX2 is used when RX1 is taken, and the refusal is on record', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  const other = { ...ABP_KEYS, devAddr: '02ABCDEE' };
  const second = abpDevice({
    ids: { deviceId: 'door-8', applicationIds: { applicationId: 'shop' } },
    session: {
      devAddr: new Uint8Array([0x02, 0xab, 0xcd, 0xee]),
      keys: {
        fNwkSIntKey: { key: Buffer.from(ABP_KEYS.nwkSKey, 'hex') },
        appSKey: { key: Buffer.from(ABP_KEYS.appSKey, 'hex') },
      },
    },
  });
  await lab.registry.registerEverywhere(second);
  near.hear(uplink(ABP_KEYS, 0, { confirmed: true }));
  near.hear(uplink(other, 0, { confirmed: true }), { frequencyHz: 868_300_000 });
  await lab.clock.advance(2_000);
  expect(near.sent.map(({ frequencyHz, modulation }) => [frequencyHz, modulation])).toEqual([
    [868_100_000, lora(7)],
    [869_525_000, lora(12)],
  ]);
  const stages = lab.downlinkFrames()[1]?.verdict?.stages ?? [];
  const evidence = stages.flatMap((stage) => stage.evidence);
  expect(evidence.find(({ name }) => name === 'refused_rx1')?.value.value).toContain('conflict');
});

test('a confirmed downlink is repeated by nobody here: the next uplink acknowledges it, or not', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  const queue = lab.network.downlinkQueue;
  const item = (fCnt: number) =>
    encryptedDownlink(ABP_KEYS, fCnt, '01', NO_KEY_ID, { confirmed: true });
  await Promise.all([queue.push(REF, [item(0), item(1)]), lab.clock.advance(10)]);
  for (const [fCnt, ACK] of [
    [0, false],
    [1, true],
    [2, false],
  ] as const) {
    near.hear(uplink(ABP_KEYS, fCnt, { fCtrl: { ACK } }));
    await lab.clock.advance(2_000);
  }
  expect(near.sent.map(({ phyPayload }) => readDownlink(phyPayload, ABP_KEYS))).toMatchObject([
    { confirmed: true, fCnt: 0, fPending: true },
    { confirmed: true, fCnt: 1, fPending: false },
  ]);
  expect(lab.application.acknowledged.map(({ downlink }) => downlink.fCnt)).toEqual([0]);
  expect(lab.application.notAcknowledged.map(({ downlink }) => downlink.fCnt)).toEqual([1]);
});

test('a downlink that no gateway took is handed back at once, and waits for no acknowledgement', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  const queue = lab.network.downlinkQueue;
  const item = (fCnt: number) =>
    encryptedDownlink(ABP_KEYS, fCnt, '01', NO_KEY_ID, { confirmed: true });
  await Promise.all([queue.push(REF, [item(0), item(1)]), lab.clock.advance(10)]);
  near.hear(uplink(ABP_KEYS, 0));
  await lab.clock.advance(500);
  near.vanish();
  await lab.clock.advance(2_000);
  expect(near.sent).toEqual([]);
  expect(lab.downlinkFrames()[0]?.verdict?.cause).toBe('no_downlink_path');
  const handedBack = lab.application.invalidated.map(({ lastFCntDown, downlinks }) => ({
    lastFCntDown,
    fCnts: downlinks.map(({ fCnt }) => fCnt),
  }));
  expect(handedBack).toEqual([{ lastFCntDown: 0, fCnts: [0, 1] }]);

  near.hear(uplink(ABP_KEYS, 1), { timestampUs: 60_000_000 });
  await lab.clock.advance(2_000);
  expect(near.sent.map(({ phyPayload }) => readDownlink(phyPayload, ABP_KEYS).fCnt)).toEqual([1]);
  expect(lab.application.notAcknowledged).toEqual([]);
});

test('a frame of the network itself takes the next counter, and what was queued with it is handed back', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  near.hear(uplink(ABP_KEYS, 0, { confirmed: true }));
  await lab.clock.advance(2_000);
  const queue = lab.network.downlinkQueue;
  const push = queue.push(REF, [encryptedDownlink(ABP_KEYS, 0, '01', NO_KEY_ID)]);
  await expect(push).rejects.toMatchObject({
    reason: 'f_cnt_too_low',
    attributes: { min_f_cnt: 1 },
  });
  const long = encryptedDownlink(ABP_KEYS, 1, 'AB'.repeat(100), NO_KEY_ID);
  await Promise.all([queue.push(REF, [long]), lab.clock.advance(10)]);
  near.hear(uplink(ABP_KEYS, 1, { confirmed: true }), { modulation: lora(12) });
  await lab.clock.advance(2_000);
  expect(near.sent).toHaveLength(2);
  const failed = lab.application.failed.map(({ downlink }) => downlink.fCnt);
  const invalidated = lab.application.invalidated.map(({ lastFCntDown }) => lastFCntDown);
  expect({ failed, invalidated }).toEqual({ failed: [1], invalidated: [] });
});

test('a queue whose counter was used up is back in place, durably, before the next frame leaves', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  const { clock, network, registry, store } = lab;
  await registry.registerEverywhere(abpDevice());
  const row = registry.networkDeviceByIds('shop', 'door-7')?.row ?? 0;
  const queued = (): number[] => store.downlinkQueue.list(row).map(({ downlink }) => downlink.fCnt);
  const items = [0, 1].map((fCnt) => encryptedDownlink(ABP_KEYS, fCnt, `0${fCnt}`, NO_KEY_ID));
  await Promise.all([network.downlinkQueue.push(REF, items), clock.advance(10)]);
  near.capabilities.minEirpDbm = 30;
  near.hear(uplink(ABP_KEYS, 0));
  await clock.advance(2_000);
  expect({ sent: near.sent.length, queued: queued() }).toEqual({ sent: 0, queued: [1, 2] });
  delete near.capabilities.minEirpDbm;
  const atTransmission: number[][] = [];
  near.onTransmit = () => atTransmission.push(queued());
  near.hear(uplink(ABP_KEYS, 1, { confirmed: true }), { timestampUs: 9_000_000 });
  await clock.advance(2_000);
  near.hear(uplink(ABP_KEYS, 2), { timestampUs: 18_000_000 });
  await clock.advance(2_000);
  expect(atTransmission).toEqual([[1, 2], [2]]);
  const sent = near.sent.map(({ phyPayload }) => readDownlink(phyPayload, ABP_KEYS).fCnt);
  expect(sent).toEqual([1, 2]);
  expect(queued()).toEqual([]);
});

test('neither a wall clock that jumps nor an hour of sleep breaks anything', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  for (const [fCnt, jumpMs] of [3_600_000, -7_200_000].entries()) {
    near.hear(uplink(ABP_KEYS, fCnt, { confirmed: true }), { timestampUs: fCnt * 10_000_000 });
    lab.clock.jumpWallClock(jumpMs);
    await lab.clock.advance(2_000);
  }
  expect(near.sent).toHaveLength(2);
  near.hear(uplink(ABP_KEYS, 2, { confirmed: true }), { timestampUs: 20_000_000 });
  await lab.clock.advance(3_600_000);
  near.hear(uplink(ABP_KEYS, 3, { confirmed: true }), { timestampUs: 3_630_000_000 });
  await lab.clock.advance(2_000);
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([0, 1, 2, 3]);
  expect(near.sent.at(-1)?.time).toMatchObject({ concentratorTimestampUs: 3_631_000_000 });
});

test('a repetition of a confirmed uplink is acknowledged again but not given to the application again', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice());
  for (let repeat = 0; repeat < 2; repeat += 1) {
    near.hear(uplink(ABP_KEYS, 5, { confirmed: true }), { timestampUs: repeat * 3_000_000 });
    await lab.clock.advance(3_000);
  }
  expect(lab.application.uplinks).toHaveLength(1);
  expect(near.sent.map(({ phyPayload }) => readDownlink(phyPayload, ABP_KEYS).ack)).toEqual([
    true,
    true,
  ]);
  expect(lab.uplinkFrames()[1]?.verdict).toMatchObject({
    outcome: Outcome.DUPLICATE,
    cause: 'duplicate_uplink',
  });
});

test('what cannot be stored is dropped with its cause, answered by nobody, and accepted when storing works again', async () => {
  const near = gateway();
  let fails = false;
  lab = await createLab({
    gateways: [near],
    wrapStore: (store) => ({
      ...store,
      unit: (work) => (fails ? Promise.reject(new Error('disk on fire')) : store.unit(work)),
    }),
  });
  await lab.registry.registerEverywhere(abpDevice());
  fails = true;
  near.hear(uplink(ABP_KEYS, 1, { confirmed: true }));
  await lab.clock.advance(2_000);
  expect(near.sent).toEqual([]);
  expect(lab.uplinkFrames()[0]?.verdict).toMatchObject({ cause: 'store_failed' });
  fails = false;
  near.hear(uplink(ABP_KEYS, 1, { confirmed: true }), { timestampUs: 9_000_000 });
  await lab.clock.advance(2_000);
  expect(near.sent).toHaveLength(1);
  expect(lab.application.uplinks).toHaveLength(1);
});

test('an ABP device that restarts is taken again only if it may reset its counter', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice({}, { resetsFCnt: { value: true } }));
  for (const fCnt of [500, 0, 1]) {
    near.hear(uplink(ABP_KEYS, fCnt));
    await lab.clock.advance(2_000);
  }
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([500, 0, 1]);
  expect(ABP_ADDR).toBe('02ABCDEF');
});
