import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
  PayloadFormatter,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import {
  ABP_KEYS,
  type DeviceKeys,
  hex,
  joinRequest,
  openJoin,
  readDownlink,
  uplink,
} from '../network-server/testing/frames.ts';
import {
  abpDevice,
  type HandGateway,
  handGateway,
  lora,
  otaaDevice,
} from '../network-server/testing/lab.ts';
import { type ApplicationLab, createApplicationLab } from './testing/application-lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };

let near: HandGateway;
let network: ApplicationLab;
let heard: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
  heard = 0;
});
afterEach(() => network.close());

type DownlinkInit = Exclude<
  MessageInitShape<typeof ApplicationDownlinkSchema>,
  { $typeName: string }
>;
const item = (payload: string, init: DownlinkInit = {}): ApplicationDownlink =>
  create(ApplicationDownlinkSchema, { fPort: 2, frmPayload: hex(payload), ...init });

async function done<T>(work: Promise<T>): Promise<T> {
  const [result] = await Promise.all([work, network.lab.clock.advance(10)]);
  return result;
}
const push = (...items: ApplicationDownlink[]) => done(network.server.push(REF, items));
const replace = (...items: ApplicationDownlink[]) => done(network.server.replace(REF, items));
const listed = () =>
  network.server.list(REF).map(({ frmPayload, fCnt }) => {
    return `${fCnt} ${Buffer.from(frmPayload).toString('hex')}`;
  });

/** The device sends, and what came back is returned as it reads it. */
async function exchange(frame: Uint8Array, keys: DeviceKeys) {
  const before = near.sent.length;
  near.hear(frame, { timestampUs: heard * 8_000_000, modulation: lora(12) });
  heard += 1;
  // In small steps, so that work that takes several commits ends before the receive window, as it does on a real clock.
  for (let step = 0; step < 8; step += 1) await network.lab.clock.advance(100);
  await network.lab.clock.advance(7_200);
  const down = near.sent[before];
  return down && readDownlink(down.phyPayload, keys);
}
const send = (fCnt: number, options: Parameters<typeof uplink>[2] = {}, keys = ABP_KEYS) =>
  exchange(uplink(keys, fCnt, options), keys);

async function join(devNonce: number): Promise<DeviceKeys> {
  near.hear(joinRequest(devNonce), { timestampUs: heard * 8_000_000 });
  heard += 1;
  await network.lab.clock.advance(8_000);
  return openJoin(near.sent.at(-1)?.phyPayload ?? new Uint8Array(), devNonce);
}

const refusal = (work: Promise<unknown>) =>
  done(
    work.then(
      () => 'taken',
      (error: { readonly reason?: string }) => error.reason,
    ),
  );

test('items leave in order, each under its own counter and readable by the device only', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(item('0a'), item('0b'));
  await push(item('0c'));
  expect(listed()).toEqual(['0 0a', '1 0b', '2 0c']);
  const onAir = network.lab.network.downlinkQueue.list(REF).map(({ frmPayload }) => frmPayload[0]);
  expect(onAir).not.toEqual([0x0a, 0x0b, 0x0c]);
  for (const [fCnt, payload] of ['0a', '0b', '0c'].entries())
    expect(await send(fCnt)).toMatchObject({ fCnt, payload, micValid: true });
  expect(listed()).toEqual([]);
});

test('replacing leaves only the new items, and none at all empties the queue', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(item('0a'), item('0b'));
  await replace(item('0c'));
  expect(listed()).toEqual(['2 0c']);
  await replace();
  expect(listed()).toEqual([]);
  await push(item('0d'));
  expect(await send(0)).toMatchObject({ fCnt: 3, payload: '0d' });
});

test('counters the network used for itself are stepped over', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  for (const fCnt of [0, 1, 2])
    expect(await send(fCnt, { confirmed: true })).toMatchObject({ ack: true, fCnt });
  await push(item('0a'));
  expect(listed()).toEqual(['3 0a']);
  expect(network.lab.published.filter((name) => name === 'as.down.data.forward')).toHaveLength(1);
});

test('a queue whose counters the network used up is encrypted anew, in its order', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(item('AB'.repeat(51)), item('0b'));
  // 51 bytes just fit at SF12, but not beside a LinkCheckAns: that one goes alone and takes counter 0.
  const first = await send(0, { fOpts: '02' });
  expect(first).toMatchObject({ fCnt: 0, payload: '', fPending: true, micValid: true });
  expect(listed()).toEqual([`1 ${'ab'.repeat(51)}`, '2 0b']);
  expect(await send(1)).toMatchObject({ fCnt: 1, payload: 'ab'.repeat(51), micValid: true });
  expect(await send(2)).toMatchObject({ fCnt: 2, payload: '0b', micValid: true });
});

test('a refused push queues nothing, says why, and each item is reported lost', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(item('0a'));
  const tooLong = item('00'.repeat(243));
  expect(await refusal(network.server.push(REF, [item('0b'), tooLong]))).toBe(
    'application_downlink_too_long',
  );
  expect(listed()).toEqual(['0 0a']);
  expect(network.lab.causesOf('as.down.data.drop')).toEqual([
    'application_downlink_too_long',
    'application_downlink_too_long',
  ]);
});

test('what cannot be a downlink is refused before anything is counted', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  const { server } = network;
  const retries = { attempt: 0, maxAttempts: 33 };
  const unknown = { applicationId: 'shop', deviceId: 'nobody' };
  expect(await refusal(server.push(REF, [item('')]))).toBe('no_payload');
  expect(await refusal(server.push(REF, [item('01', { fPort: 0 })]))).toBe('no_f_port');
  expect(await refusal(server.push(REF, [item('01', { confirmedRetry: retries })]))).toBe(
    'downlink_max_retries_invalid',
  );
  expect(await refusal(server.push(unknown, [item('01')]))).toBe('device_not_found');
  await push(item('0a'));
  expect(listed()).toEqual(['0 0a']);
});

test('a device that never joined has no session to queue for', async () => {
  await network.lab.registry.registerEverywhere(otaaDevice());
  expect(await refusal(network.server.push(REF, [item('01')]))).toBe('no_device_session');
  expect(network.server.list(REF)).toEqual([]);
});

test('after a join the queue is encrypted for the new session and keeps its order', async () => {
  await network.lab.registry.registerEverywhere(otaaDevice());
  const old = await join(1);
  await send(0, {}, old);
  await push(item('0a'), item('0b'));
  const fresh = await join(2);
  await push(item('0c'));
  // The old session is still the current one: its own items are listed, in the clear.
  expect(listed().map((line) => line.split(' ')[1])).toEqual(['0a', '0b', '0c']);
  const payloads: (string | undefined)[] = [];
  for (const fCnt of [0, 1, 2]) {
    const down = await send(fCnt, {}, fresh);
    expect(down?.micValid).toBe(true);
    payloads.push(down?.payload);
  }
  expect(payloads).toEqual(['0a', '0b', '0c']);
  expect(listed()).toEqual([]);
});

test('a device that joins twice before it sends keeps what was queued in between', async () => {
  await network.lab.registry.registerEverywhere(otaaDevice());
  await join(1);
  await push(item('0a'), item('0b'));
  const keys = await join(2);
  expect(listed().map((line) => line.split(' ')[1])).toEqual(['0a', '0b']);
  expect((await send(0, {}, keys))?.payload).toBe('0a');
  expect((await send(1, {}, keys))?.payload).toBe('0b');
  expect(await send(2, {}, keys)).toBeUndefined();
  expect(network.lab.network.downlinkQueue.list(REF)).toEqual([]);
});

test('an object is encoded by the formatter of the device, and one that fails queues nothing', async () => {
  const formatters = (downFormatter: PayloadFormatter, downFormatterParameter = '') => ({
    formatters: { downFormatter, downFormatterParameter },
  });
  const { registry } = network.lab;
  await registry.registerEverywhere(abpDevice(formatters(PayloadFormatter.FORMATTER_CAYENNELPP)));
  // −50.51 on channel 2 is 02 EC 45.
  await push(item('', { decodedPayload: { value_2: -50.51 } }));
  expect(listed()).toEqual(['0 02ec45']);
  const broken = formatters(
    PayloadFormatter.FORMATTER_JAVASCRIPT,
    'function encodeDownlink() { return { errors: ["not today"] }; }',
  );
  await registry.application.set(abpDevice(broken), [
    'formatters.down_formatter',
    'formatters.down_formatter_parameter',
  ]);
  const failing = network.server.push(REF, [item('', { decodedPayload: { on: true } })]);
  await expect(failing).rejects.toMatchObject({
    code: 'pkg/messageprocessors/javascript:output_errors',
    message: expect.stringContaining('not today'),
  });
  expect(network.lab.dataOf('as.down.data.encode.fail')).toMatchObject([
    { name: 'output_errors', attributes: { errors: ['not today'] } },
  ]);
  expect(listed()).toEqual(['0 02ec45']);
});

test('a confirmed downlink that a join leaves unacknowledged is tried again in the new session', async () => {
  await network.lab.registry.registerEverywhere(otaaDevice());
  const old = await join(1);
  await send(0, {}, old);
  await push(item('0a', { confirmed: true }));
  expect(await send(1, {}, old)).toMatchObject({ payload: '0a', confirmed: true });
  const fresh = await join(2);
  expect(await send(0, {}, fresh)).toMatchObject({
    payload: '0a',
    confirmed: true,
    micValid: true,
  });
  await send(1, { fCtrl: { ACK: true } }, fresh);
  const reports = network.lab.published.filter((name) => /\.n?ack\.forward$/.test(name));
  expect(reports).toEqual(['as.down.data.nack.forward', 'as.down.data.ack.forward']);
});

test('a downlink for a multicast group is refused rather than kept for ever', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  const { registry, store } = network.lab;
  const known = registry.networkDeviceByIds('shop', 'door-7');
  if (!known) throw new Error('no device');
  await registry.network.delete(known.message.ids ?? create(EndDeviceIdentifiersSchema));
  await registry.network.set(abpDevice({ multicast: true, supportsClassC: true }), [
    'multicast',
    'supports_class_c',
    'lorawan_version',
    'lorawan_phy_version',
    'frequency_plan_id',
    'session.dev_addr',
    'session.keys.f_nwk_s_int_key.key',
  ]);
  expect(await refusal(network.server.push(REF, [item('01')]))).toBe('multicast_not_served');
  expect(store.downlinkQueue.list(known.row)).toEqual([]);
});
