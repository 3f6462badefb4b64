import { afterEach, beforeEach, expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ABP_KEYS, hex, uplink } from '../network-server/testing/frames.ts';
import { abpDevice, type HandGateway, handGateway } from '../network-server/testing/lab.ts';
import {
  type ApplicationLab,
  createApplicationLab,
  eventually,
} from './testing/application-lab.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let near: HandGateway;
let network: ApplicationLab;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
});
afterEach(() => network.close());

const register = (upFormatter = PayloadFormatter.FORMATTER_NONE, upFormatterParameter = '') =>
  network.lab.registry.registerEverywhere(
    abpDevice({ formatters: { upFormatter, upFormatterParameter } }),
  );
const script = (body: string) =>
  register(PayloadFormatter.FORMATTER_JAVASCRIPT, `function decodeUplink(input) { ${body} }`);

async function send(fCnt: number, options: Parameters<typeof uplink>[2] = {}): Promise<void> {
  near.hear(uplink(ABP_KEYS, fCnt, options), { timestampUs: fCnt * 9_000_000 });
  await network.lab.clock.advance(3_000);
}
/** Data of the only event of that name; formatters run in a worker, on real time. */
const event = (name: string) =>
  eventually(() => {
    const [data, ...others] = network.lab.dataOf(name);
    if (!data || others.length > 0) throw new Error(`not one ${name}`);
    return data;
  });
const applicationStage = () =>
  network.lab
    .uplinkFrames()
    .at(-1)
    ?.verdict?.stages.find(({ kind }) => kind === 4);

test('an uplink reaches the application decrypted, with its full counter', async () => {
  await register();
  await send(16_000);
  await send(32_000);
  await send(48_000);
  await send(64_000);
  await send(70_000, { payload: 'open', fPort: 7, confirmed: true });
  expect(network.lab.dataOf('as.up.data.forward').at(-1)).toMatchObject({
    correlationIds: expect.arrayContaining([expect.stringMatching(/^as:up:/)]),
    endDeviceIds: { deviceId: 'door-7', devAddr: hex(ABP_KEYS.devAddr) },
    up: {
      case: 'uplinkMessage',
      value: { fPort: 7, fCnt: 70_000, confirmed: true, frmPayload: bytes('open') },
    },
  });
});

test('MAC commands on FPort 0 reach the application as a message without payload', async () => {
  await register(PayloadFormatter.FORMATTER_CAYENNELPP);
  await send(0, { fPort: 0, payload: '\x02' });
  expect(await event('as.up.data.forward')).toMatchObject({
    up: { value: { fPort: 0, frmPayload: new Uint8Array() } },
  });
  expect(network.lab.dataOf('as.up.data.decode.fail')).toEqual([]);
});

test('a payload is decoded, and its measurements are told one by one', async () => {
  await script(`return {
    data: { air: { temperature: 21.5, relativeHumidity: 140 } },
    warnings: ['battery low'],
  };`);
  await send(0);
  expect(await event('as.up.data.forward')).toMatchObject({
    up: {
      value: {
        decodedPayload: { air: { temperature: 21.5, relativeHumidity: 140 } },
        decodedPayloadWarnings: ['battery low'],
        normalizedPayload: [{ air: { temperature: 21.5 } }],
      },
    },
  });
  expect(await event('as.up.data.decode.warning')).toMatchObject({
    decodedPayloadWarnings: ['battery low'],
  });
  expect(await event('as.up.data.normalize.warning')).toMatchObject({
    normalizedPayloadWarnings: [expect.stringContaining('measurement 1')],
  });
  expect(await event('as.up.normalized.forward')).toMatchObject({
    up: { case: 'uplinkNormalized', value: { normalizedPayload: { air: { temperature: 21.5 } } } },
  });
  await eventually(() => expect(applicationStage()?.outcome).toBe(Outcome.ACCEPTED));
});

test('a script is told when its uplink was received', async () => {
  await script('return { data: { at: input.recvTime.toISOString() } };');
  await network.lab.clock.advance(86_400_000);
  const sentAt = new Date(network.lab.clock.now()).toISOString();
  await send(0);
  expect(await event('as.up.data.forward')).toMatchObject({
    up: { value: { decodedPayload: { at: sentAt } } },
  });
});

test('a formatter that fails costs the decoded payload and nothing else', async () => {
  await script(`return { errors: ['unknown version'] };`);
  await send(0);
  expect(await event('as.up.data.forward')).toMatchObject({
    up: { value: { frmPayload: bytes('hello'), decodedPayloadWarnings: [] } },
  });
  expect(await event('as.up.data.decode.fail')).toMatchObject({
    $typeName: 'ttn.lorawan.v3.ErrorDetails',
    namespace: 'pkg/messageprocessors/javascript',
    name: 'output_errors',
    attributes: { reason: 'unknown version', errors: ['unknown version'] },
  });
  await eventually(() =>
    expect(applicationStage()).toMatchObject({
      outcome: Outcome.ACCEPTED,
      evidence: [{ name: 'formatter_error', value: { value: 'unknown version' } }],
    }),
  );
});

test('without the key of its session an uplink is dropped with the reason', async () => {
  await register();
  const { ids } = abpDevice();
  if (!ids) throw new Error('no ids');
  await network.lab.registry.application.delete(ids);
  await send(0);
  expect(network.lab.causesOf('as.up.data.drop')).toEqual(['device_not_found']);
  expect(network.lab.dataOf('as.up.data.forward')).toEqual([]);
  expect(applicationStage()).toMatchObject({
    outcome: Outcome.DROPPED,
    cause: 'device_not_found',
  });
});
