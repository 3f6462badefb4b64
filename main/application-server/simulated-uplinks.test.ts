import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationUpSchema, PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { DEV_EUI, hex } from '../network-server/testing/frames.ts';
import { abpDevice, handGateway } from '../network-server/testing/lab.ts';
import { type ApplicationLab, createApplicationLab } from './testing/application-lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };

let network: ApplicationLab;
beforeEach(async () => {
  network = await createApplicationLab([handGateway('AA555A0000000001')]);
});
afterEach(() => network.close());

const register = (script: string) =>
  network.lab.registry.registerEverywhere(
    abpDevice({
      formatters: {
        upFormatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
        upFormatterParameter: `function decodeUplink(input) { ${script} }`,
      },
    }),
  );
type UpInit = Exclude<MessageInitShape<typeof ApplicationUpSchema>, { $typeName: string }>;
const simulate = (init: UpInit) =>
  network.server.simulateUplink(REF, create(ApplicationUpSchema, init));
const uplinkOf = (frmPayload: string) => ({
  up: {
    case: 'uplinkMessage' as const,
    value: { fPort: 3, fCnt: 41, frmPayload: hex(frmPayload), settings: {} },
  },
});

test('a simulated uplink is decoded and normalized like a real one and says that it is none', async () => {
  await register(
    'return { data: { air: { temperature: input.bytes[0] / 10 } }, warnings: ["w"] };',
  );
  await simulate({ ...uplinkOf('E6'), correlationIds: ['test:1'] });
  expect(network.lab.dataOf('as.up.data.forward')).toMatchObject([
    {
      simulated: true,
      endDeviceIds: { deviceId: 'door-7', devEui: hex(DEV_EUI) },
      correlationIds: ['test:1', expect.stringMatching(/^as:up:/)],
      up: {
        value: {
          fCnt: 41,
          frmPayload: hex('E6'),
          decodedPayload: { air: { temperature: 23 } },
          decodedPayloadWarnings: ['w'],
          normalizedPayload: [{ air: { temperature: 23 } }],
        },
      },
    },
  ]);
  expect(network.lab.dataOf('as.up.normalized.forward')).toMatchObject([
    { simulated: true, up: { value: { normalizedPayload: { air: { temperature: 23 } } } } },
  ]);
  expect(network.lab.dataOf('as.up.data.decode.warning')).toHaveLength(1);
  expect(network.lab.uplinkFrames()).toEqual([]);
});

test('a formatter that fails costs a simulated uplink its decoded payload only', async () => {
  await register('throw new Error("no");');
  await simulate(uplinkOf('00'));
  expect(network.lab.dataOf('as.up.data.decode.fail')).toHaveLength(1);
  expect(network.lab.dataOf('as.up.data.forward')).toMatchObject([
    { simulated: true, up: { value: { frmPayload: hex('00') } } },
  ]);
});

test('other messages are handed on as they are', async () => {
  await register('');
  await simulate({
    up: { case: 'serviceData', value: { service: 'my-package', data: { level: 4 } } },
  });
  expect(network.lab.dataOf('as.up.service.forward')).toMatchObject([
    { simulated: true, up: { value: { service: 'my-package', data: { level: 4 } } } },
  ]);
});

test('a message marked as simulated, or for a device nobody knows, is refused', async () => {
  await expect(simulate(uplinkOf('00'))).rejects.toMatchObject({
    code: 'pkg/applicationserver:device_not_found',
  });
  await register('');
  await expect(simulate({ ...uplinkOf('00'), simulated: true })).rejects.toMatchObject({
    code: 'pkg/applicationserver/io/grpc:simulated',
  });
  expect(network.lab.dataOf('as.up.data.forward')).toEqual([]);
});
