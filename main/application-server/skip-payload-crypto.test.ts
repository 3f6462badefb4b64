import { create } from '@bufbuild/protobuf';
import loraPacket from 'lora-packet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationLinkSchema } from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { EndDeviceIdentifiersSchema } from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
  ApplicationUpSchema,
  PayloadFormatter,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import {
  ABP_KEYS,
  encryptedDownlink,
  readDownlink,
  uplink,
} from '../network-server/testing/frames.ts';
import { abpDevice, type HandGateway, handGateway, lora } from '../network-server/testing/lab.ts';
import {
  type ApplicationLab,
  createApplicationLab,
  eventually,
} from './testing/application-lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let near: HandGateway;
let network: ApplicationLab;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
});
afterEach(() => network.close());

interface Choice {
  readonly device?: boolean;
  readonly application?: boolean;
  readonly key?: boolean;
}
/** Registers the device, with or without AppSKey, and says who wants payloads left alone. */
async function register({ device, application, key = false }: Choice): Promise<void> {
  const { registry } = network.lab;
  const registered = abpDevice({
    formatters: {
      upFormatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
      upFormatterParameter: 'function decodeUplink() { return { data: { decoded: true } }; }',
    },
    ...(device !== undefined && { skipPayloadCryptoOverride: device }),
  });
  await registry.registerEverywhere(registered);
  if (!key) {
    await registry.application.delete(registered.ids ?? create(EndDeviceIdentifiersSchema));
    await registry.application.set(registered, [
      'session.dev_addr',
      'formatters',
      'skip_payload_crypto_override',
    ]);
  }
  if (application === undefined) return;
  const link = create(ApplicationLinkSchema, { skipPayloadCrypto: application });
  await network.lab.registry.applicationLinks.set('shop', link, ['skip_payload_crypto']);
}

async function hear(fCnt: number, options: Parameters<typeof uplink>[2] = {}) {
  const before = near.sent.length;
  const frame = uplink(ABP_KEYS, fCnt, options);
  near.hear(frame, { timestampUs: fCnt * 8_000_000, modulation: lora(12) });
  for (let step = 0; step < 80; step += 1) await network.lab.clock.advance(100);
  const down = near.sent[before];
  const { FRMPayload } = loraPacket.fromWire(Buffer.from(frame));
  return {
    encrypted: new Uint8Array(FRMPayload ?? []),
    down: down && readDownlink(down.phyPayload, ABP_KEYS),
  };
}
const sealed = (fCnt: number, payload: string, init: { confirmed?: boolean } = {}) =>
  encryptedDownlink(ABP_KEYS, fCnt, payload, new Uint8Array(), init) as ApplicationDownlink;
const push = (...items: ApplicationDownlink[]) =>
  Promise.all([network.server.push(REF, items), network.lab.clock.advance(10)]);

test.each<[string, Choice, 'encrypted' | 'decrypted' | 'no_app_s_key']>([
  [
    'the key is known, whatever is wanted',
    { device: true, application: true, key: true },
    'decrypted',
  ],
  ['the device wants it', { device: true }, 'encrypted'],
  [
    'the device does not, though its application does',
    { device: false, application: true },
    'no_app_s_key',
  ],
  ['its application wants it', { application: true }, 'encrypted'],
  ['nobody wants it', {}, 'no_app_s_key'],
])('an uplink where %s', async (_, choice, expected) => {
  await register(choice);
  const { encrypted } = await hear(5, { payload: 'open' });
  if (expected === 'no_app_s_key') {
    expect(network.lab.causesOf('as.up.data.drop')).toEqual(['no_app_s_key']);
    return;
  }
  const [message] = await eventually(() => {
    const found = network.lab.dataOf('as.up.data.forward');
    if (found.length === 0) throw new Error('no uplink yet');
    return found;
  });
  const isOpen = expected === 'decrypted';
  expect(message).toMatchObject({
    up: { value: { fPort: 1, fCnt: 5, frmPayload: isOpen ? bytes('open') : encrypted } },
  });
  expect(
    Object.hasOwn((message as never as { up: { value: object } }).up.value, 'decodedPayload'),
  ).toBe(isOpen);
});

test('downlinks go out as the application encrypted them, under its counters', async () => {
  await register({ device: true });
  await push(sealed(4, 'c0ffee'));
  expect(network.lab.dataOf('as.down.data.queued.forward')).toMatchObject([
    { up: { value: { fCnt: 4, frmPayload: sealed(4, 'c0ffee').frmPayload } } },
  ]);
  expect((await hear(0)).down).toMatchObject({ fCnt: 4, payload: 'c0ffee', micValid: true });
  expect(network.lab.dataOf('as.up.data.forward')).toMatchObject([
    { up: { value: { lastAFCntDown: 4 } } },
  ]);
  const low = network.server.push(REF, [sealed(4, '00')]);
  await expect(Promise.all([low, network.lab.clock.advance(10)])).rejects.toMatchObject({
    code: 'pkg/networkserver:f_cnt_too_low',
  });
  const empty = create(ApplicationDownlinkSchema, { fPort: 1, decodedPayload: { on: true } });
  await expect(network.server.push(REF, [empty])).rejects.toMatchObject({ reason: 'no_payload' });
});

test('a queue the network took back goes to the application, which has to encrypt it anew', async () => {
  await register({ device: true });
  await push(sealed(0, 'AB'.repeat(51)), sealed(1, '0b'));
  expect((await hear(0, { fOpts: '02' })).down).toMatchObject({ fCnt: 0, payload: '' });
  expect(network.lab.dataOf('as.down.data.queue.invalidated.forward')).toMatchObject([
    {
      up: {
        case: 'downlinkQueueInvalidated',
        value: {
          lastFCntDown: 0,
          downlinks: [{ fCnt: 0, frmPayload: sealed(0, 'AB'.repeat(51)).frmPayload }, { fCnt: 1 }],
        },
      },
    },
  ]);
  expect(network.server.list(REF)).toEqual([]);
});

test('an unacknowledged downlink is reported and left to the application', async () => {
  await register({ device: true });
  await push(sealed(0, '01', { confirmed: true }));
  expect((await hear(0)).down).toMatchObject({ confirmed: true });
  expect((await hear(1)).down).toBeUndefined();
  expect(network.lab.dataOf('as.down.data.nack.forward')).toMatchObject([
    { up: { value: { fCnt: 0, frmPayload: sealed(0, '01').frmPayload } } },
  ]);
  expect(network.lab.published).not.toContain('as.down.data.drop');
});

test('no uplink is simulated where payloads stay encrypted', async () => {
  await register({ device: true });
  const up = create(ApplicationUpSchema, { up: { case: 'uplinkMessage', value: { fPort: 1 } } });
  await expect(network.server.simulateUplink(REF, up)).rejects.toMatchObject({
    code: 'pkg/applicationserver/io/grpc:payload_crypto_skipped',
  });
});

test('where the key is known, downlinks are encrypted here whatever is wanted', async () => {
  await register({ device: true, application: true, key: true });
  await push(create(ApplicationDownlinkSchema, { fPort: 2, frmPayload: bytes('on') }));
  const payload = Buffer.from('on').toString('hex');
  expect((await hear(0)).down).toMatchObject({ fCnt: 0, payload, micValid: true });
});
