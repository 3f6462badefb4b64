import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationLinkSchema } from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import {
  ApplicationDownlinkSchema,
  type MessagePayloadFormattersSchema,
  PayloadFormatter,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ABP_KEYS, uplink } from '../network-server/testing/frames.ts';
import { abpDevice, type HandGateway, handGateway } from '../network-server/testing/lab.ts';
import {
  type ApplicationLab,
  createApplicationLab,
  eventually,
} from './testing/application-lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
type Formatters = Exclude<
  MessageInitShape<typeof MessagePayloadFormattersSchema>,
  { $typeName: string }
>;

let near: HandGateway;
let network: ApplicationLab;
let fCnt: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
  fCnt = 0;
});
afterEach(() => network.close());

const script = (source: string) => ({
  upFormatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
  upFormatterParameter: `function decodeUplink() { return { data: { from: '${source}' } }; }`,
  downFormatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
  downFormatterParameter: `function encodeDownlink() { return { bytes: [${source.length}] }; }`,
});
const setDefault = (defaultFormatters: Formatters) =>
  network.lab.registry.applicationLinks.set(
    'shop',
    create(ApplicationLinkSchema, { defaultFormatters }),
    ['default_formatters'],
  );
const register = (formatters?: Formatters) =>
  network.lab.registry.registerEverywhere(abpDevice(formatters && { formatters }));

/** Who decoded the next uplink. */
async function decoder(): Promise<unknown> {
  const before = network.lab.dataOf('as.up.data.forward').length;
  near.hear(uplink(ABP_KEYS, fCnt), { timestampUs: fCnt * 9_000_000 });
  fCnt += 1;
  await network.lab.clock.advance(3_000);
  return eventually(() => {
    const message = network.lab.dataOf('as.up.data.forward')[before];
    if (!message) throw new Error('no uplink yet');
    return (message as unknown as { up: { value: { decodedPayload?: { from?: string } } } }).up
      .value.decodedPayload?.from;
  });
}
async function encoded(): Promise<string | undefined> {
  const downlink = create(ApplicationDownlinkSchema, { fPort: 2, decodedPayload: { on: true } });
  const pushed = network.server.push(REF, [downlink]);
  await eventually(async () => {
    await network.lab.clock.advance(10);
    expect(network.lab.published).toContain('as.down.data.queued.forward');
  });
  await pushed;
  return Buffer.from(network.server.list(REF).at(-1)?.frmPayload ?? []).toString('hex');
}

test('a device without formatters has those of its application, both ways', async () => {
  await register();
  expect(await decoder()).toBeUndefined();
  await setDefault(script('application'));
  expect(await decoder()).toBe('application');
  expect(await encoded()).toBe('0b');
});

test('formatters of the device count as a whole, also where they leave a direction out', async () => {
  await setDefault(script('application'));
  await register({ ...script('device'), downFormatter: PayloadFormatter.FORMATTER_NONE });
  expect(await decoder()).toBe('device');
  const downlink = create(ApplicationDownlinkSchema, { fPort: 2, decodedPayload: { on: true } });
  await expect(network.server.push(REF, [downlink])).rejects.toMatchObject({
    code: 'pkg/applicationserver:no_payload',
  });
});

test('FORMATTER_NONE of a device switches the formatter of its application off', async () => {
  await setDefault(script('application'));
  await register({ upFormatter: PayloadFormatter.FORMATTER_NONE });
  expect(await decoder()).toBeUndefined();
});

test('the formatter changes, goes and comes with the settings of the application', async () => {
  await register();
  await setDefault(script('first'));
  expect(await decoder()).toBe('first');
  await setDefault(script('second'));
  expect(await decoder()).toBe('second');
  await network.lab.registry.applicationLinks.delete('shop');
  expect(await decoder()).toBeUndefined();
});

test('settings of an application go with it', async () => {
  const { applicationLinks, applications } = network.lab.registry;
  await setDefault(script('application'));
  expect(applicationLinks.of('shop')).toBeDefined();
  await applications.delete('shop');
  await applications.restore('shop');
  expect(applicationLinks.of('shop')).toBeDefined();
  await applications.purge('shop');
  expect(applicationLinks.of('shop')).toBeUndefined();
});
