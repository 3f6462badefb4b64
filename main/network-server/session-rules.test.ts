import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import {
  Class,
  MACVersion,
  PHYVersion,
  PingSlotPeriod,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ClassBCSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import {
  ABP_KEYS,
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
  lora,
  otaaDevice,
} from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const NO_KEY_ID = new Uint8Array();

let lab: Lab;
let near: HandGateway;
let heard: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  heard = 0;
});
afterEach(() => lab.close());

/** The device sends; what came back is returned as it reads it. */
async function send(
  fCnt: number,
  options: Parameters<typeof uplink>[2] = {},
  modulation = lora(7),
) {
  const before = near.sent.length;
  near.hear(uplink(ABP_KEYS, fCnt, options), { timestampUs: heard * 8_000_000, modulation });
  heard += 1;
  await lab.clock.advance(8_000);
  const down = near.sent[before];
  return down && readDownlink(down.phyPayload, ABP_KEYS);
}
const push = (...items: ApplicationDownlink[]) =>
  Promise.all([lab.network.downlinkQueue.push(REF, items), lab.clock.advance(10)]);
const lastCause = () => lab.uplinkFrames().at(-1)?.verdict?.cause;
const evidenceOf = (index: number) =>
  Object.fromEntries(
    (lab.downlinkFrames().at(index)?.verdict?.stages ?? []).flatMap(({ evidence }) =>
      evidence.map(({ name, value }) => [name, value.value]),
    ),
  );

test('a device that counts its uplinks anew does not set back the downlink counter', async () => {
  await lab.registry.registerEverywhere(abpDevice({}, { resetsFCnt: { value: true } }));
  expect(await send(700, { confirmed: true })).toMatchObject({ ack: true, fCnt: 0 });
  expect(await send(701, { confirmed: true })).toMatchObject({ ack: true, fCnt: 1 });
  expect(await send(0, { confirmed: true })).toMatchObject({ ack: true, fCnt: 2 });
  expect(await send(1, { confirmed: true })).toMatchObject({ ack: true, fCnt: 3 });
});

test('a restart is not believed of a frame with ACK', async () => {
  await lab.registry.registerEverywhere(abpDevice({}, { resetsFCnt: { value: true } }));
  await send(700);
  await send(0, { fCtrl: { ACK: true } });
  expect(lastCause()).toBe('f_cnt_too_low');
});

test('a device with 16-bit counters starts again at 0 only if it may reset', async () => {
  await lab.registry.registerEverywhere(
    abpDevice({}, { supports32BitFCnt: { value: false }, resetsFCnt: { value: false } }),
  );
  for (const fCnt of [16_000, 32_000, 48_000, 64_000, 65_535]) await send(fCnt);
  await send(0);
  expect(lastCause()).toBe('f_cnt_too_low');
  await send(65_536 + 1);
  expect(lastCause()).toBe('mic_mismatch');
});

test('a device with 16-bit counters that may reset starts again at 0, and only once', async () => {
  await lab.registry.registerEverywhere(
    abpDevice({}, { supports32BitFCnt: { value: false }, resetsFCnt: { value: true } }),
  );
  await send(700);
  await send(3);
  expect(lastCause()).toBe('');
  await send(2, { fCtrl: { ACK: true } });
  expect(lastCause()).toBe('f_cnt_too_low');
  await send(4);
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([700, 3, 4]);
});

test.each([
  [MACVersion.MAC_V1_0_3, PHYVersion.PHY_V1_0_3_REV_A, 'f_cnt_gap'],
  [MACVersion.MAC_V1_0_4, PHYVersion.RP002_V1_0_3, ''],
])(
  'a gap of more than 16384 matters before 1.0.4 only (version %i)',
  async (version, phy, cause) => {
    const applicationIds = { applicationId: 'shop' };
    await lab.registry.registerEverywhere(
      abpDevice({
        lorawanVersion: version,
        lorawanPhyVersion: phy,
        ids: { deviceId: 'door-7', applicationIds, devEui: hex('0102030405060708') },
      }),
    );
    await send(1);
    await send(1 + 16_384);
    expect(lastCause()).toBe('');
    await send(1 + 16_384 + 16_385);
    expect(lastCause()).toBe(cause);
  },
);

test('ADRACKReq is answered with an empty frame, and an uplink that asks nothing is not', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  expect(await send(0)).toBeUndefined();
  expect(await send(1, { fCtrl: { ADRACKReq: true } })).toMatchObject({
    ack: false,
    fPort: null,
    fOpts: '',
    payload: '',
    micValid: true,
  });
});

test('a payload too long for the data rate has failed; one that fits alone waits for that', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  const item = (fCnt: number, length: number) =>
    encryptedDownlink(ABP_KEYS, fCnt, '00'.repeat(length), NO_KEY_ID);
  await push(item(0, 52), item(1, 51));
  // At SF12 a frame carries 51 bytes; beside the three of a LinkCheckAns there is no room for them.
  expect(await send(0, { fOpts: '02' }, lora(12))).toMatchObject({ payload: '', fPending: true });
  expect(lab.application.failed).toMatchObject([
    { downlink: { fCnt: 0 }, cause: 'application_downlink_too_long' },
  ]);
  expect(await send(1, {}, lora(12))).toMatchObject({ fCnt: 1, payload: '00'.repeat(51) });
  expect(lab.application.invalidated).toEqual([]);
});

test('a frame is repeated as often as the device was told, and not once more', async () => {
  const value = { dataRateIndex: 5, txPowerIndex: 0, nbTrans: 2 };
  await lab.registry.registerEverywhere(
    abpDevice({}, { adr: { mode: { case: 'static', value } } }),
  );
  await send(0);
  await send(1, { fOpts: '0307' });
  const outcomes: unknown[] = [];
  for (let repeat = 0; repeat < 3; repeat += 1) {
    await send(2);
    const verdict = lab.uplinkFrames().at(-1)?.verdict;
    outcomes.push([verdict?.outcome, verdict?.cause]);
  }
  expect(outcomes).toEqual([
    [Outcome.ACCEPTED, ''],
    [Outcome.DUPLICATE, 'duplicate_uplink'],
    [Outcome.DUPLICATE, 'f_cnt_too_low'],
  ]);
  expect(lab.application.uplinks.map(({ fullFCnt }) => fullFCnt)).toEqual([0, 1, 2]);
});

test('the delay of RX1 is the one of the join-accept from the first uplink on', async () => {
  await lab.registry.registerEverywhere(
    otaaDevice({ macSettings: { desiredRx1Delay: { value: 3 }, statusCountPeriodicity: 0 } }),
  );
  near.hear(joinRequest(1), { timestampUs: 0 });
  await lab.clock.advance(8_000);
  const keys = openJoin(near.sent[0]?.phyPayload ?? new Uint8Array(), 1);
  expect(keys.rxDelay).toBe(3);
  near.hear(uplink(keys, 0, { confirmed: true }), { timestampUs: 10_000_000 });
  await lab.clock.advance(8_000);
  expect(near.sent[1]?.time).toMatchObject({ concentratorTimestampUs: 13_000_000 });
});

test('a device of class B is reached after its uplinks, and its state and record say so', async () => {
  await lab.registry.registerEverywhere(
    abpDevice(
      { supportsClassB: true },
      { pingSlotPeriodicity: { value: PingSlotPeriod.PING_EVERY_8S } },
    ),
  );
  await push(encryptedDownlink(ABP_KEYS, 0, 'c0ffee', NO_KEY_ID));
  await lab.clock.advance(60_000);
  expect(near.sent).toEqual([]);
  expect(await send(0)).toMatchObject({ payload: 'c0ffee' });
  expect(evidenceOf(-1)).toMatchObject({ served_as_class: 'A' });
  const { ids } = abpDevice();
  if (!ids) throw new Error('no ids');
  const { macState } = await lab.registry.network.get(ids, ['mac_state']);
  expect(macState?.deviceClass).toBe(Class.A);
});

test('what only class C could do is refused, not left waiting', async () => {
  await lab.registry.registerEverywhere(
    abpDevice(
      { supportsClassB: true },
      { pingSlotPeriodicity: { value: PingSlotPeriod.PING_EVERY_8S } },
    ),
  );
  const plain = encryptedDownlink(ABP_KEYS, 0, 'c0ffee', NO_KEY_ID);
  const timed = { ...plain, classBC: create(ApplicationDownlink_ClassBCSchema) };
  await expect(push(timed)).rejects.toMatchObject({ reason: 'class_b_c_not_served' });
  expect(lab.network.downlinkQueue.list(REF)).toEqual([]);
});

/** The ADR bit of the newest downlink. */
const adrBit = (): boolean => ((near.sent.at(-1)?.phyPayload[5] ?? 0) & 0x80) !== 0;
const ADR = { fCtrl: { ADR: true } };

test('static ADR asks for its values until the device takes them', async () => {
  const value = { dataRateIndex: 3, txPowerIndex: 2, nbTrans: 2 };
  await lab.registry.registerEverywhere(
    abpDevice({}, { adr: { mode: { case: 'static', value } } }),
  );
  // LoRaWAN 1.1 §5.3: DataRate 3 and TXPower 2, ChMask of eight channels, ChMaskCntl 0, NbTrans 2.
  const asked = '0332ff0002';
  expect(await send(0, ADR)).toMatchObject({ fOpts: asked });
  expect(adrBit()).toBe(true);
  // Unanswered, so it is asked for again.
  expect(await send(1, ADR)).toMatchObject({ fOpts: asked });
  expect(await send(2, { ...ADR, fOpts: '0307' }, lora(9))).toBeUndefined();
  expect(await send(3, { fCtrl: { ADR: true, ADRACKReq: true } }, lora(9))).toMatchObject({
    fOpts: '',
  });
});

test('disabled ADR asks for nothing, and its bit is off', async () => {
  await lab.registry.registerEverywhere(abpDevice());
  expect(await send(0, ADR)).toBeUndefined();
  expect(await send(1, { fCtrl: { ADR: true, ADRACKReq: true } })).toMatchObject({ fOpts: '' });
  expect(adrBit()).toBe(false);
});
