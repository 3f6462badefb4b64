import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  ApplicationDownlinkSchema,
  PayloadFormatter,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ABP_KEYS, hex, uplink } from '../network-server/testing/frames.ts';
import { abpDevice, type HandGateway, handGateway } from '../network-server/testing/lab.ts';
import {
  type ApplicationLab,
  createApplicationLab,
  eventually,
} from './testing/application-lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const SCRIPT = `function encodeDownlink({ data }) { return { bytes: [data.level] }; }
function decodeDownlink({ bytes }) {
  if (bytes[0] === 255) throw new Error('no level');
  return { data: { level: bytes[0] }, warnings: bytes[0] > 100 ? ['loud'] : [] };
}`;

let near: HandGateway;
let network: ApplicationLab;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  network = await createApplicationLab([near]);
  await network.lab.registry.registerEverywhere(
    abpDevice({
      formatters: {
        downFormatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
        downFormatterParameter: SCRIPT,
      },
    }),
  );
});
afterEach(() => network.close());

async function push(init: { frmPayload?: Uint8Array; decodedPayload?: { level: number } }) {
  const downlink = create(ApplicationDownlinkSchema, { fPort: 2, confirmed: true, ...init });
  let done = false;
  const pushed = network.server.push(REF, [downlink]).then(() => {
    done = true;
  });
  await eventually(async () => {
    await network.lab.clock.advance(10);
    expect(done).toBe(true);
  });
  await pushed;
}
const forwarded = (name: string) => network.lab.dataOf(`as.down.data.${name}.forward`);
async function hear(fCnt: number, ack: boolean): Promise<void> {
  near.hear(uplink(ABP_KEYS, fCnt, { fCtrl: { ACK: ack } }), { timestampUs: fCnt * 5_000_000 });
  await network.lab.clock.advance(5_000);
}

test('the network keeps and is told nothing in the clear; whoever lists the queue reads it decoded', async () => {
  await push({ frmPayload: hex('07') });
  await push({ decodedPayload: { level: 8 } });
  const held = network.lab.network.downlinkQueue.list(REF);
  expect(held.map(({ decodedPayload }) => decodedPayload)).toEqual([undefined, undefined]);
  expect(
    network.lab.dataOf('as.down.data.forward').filter((one) => one && 'decodedPayload' in one),
  ).toEqual([]);
  expect(await network.server.listDecoded(REF)).toMatchObject([
    { frmPayload: hex('07'), decodedPayload: { level: 7 } },
    { frmPayload: hex('08'), decodedPayload: { level: 8 } },
  ]);
});

test('queued, sent and acknowledged downlinks are told with their decoded payload', async () => {
  await push({ frmPayload: hex('07') });
  const message = { frmPayload: hex('07'), decodedPayload: { level: 7 } };
  expect(forwarded('queued')).toMatchObject([{ up: { value: message } }]);
  await hear(0, false);
  await eventually(() => expect(forwarded('sent')).toMatchObject([{ up: { value: message } }]));
  await hear(1, true);
  await eventually(() => expect(forwarded('ack')).toMatchObject([{ up: { value: message } }]));
});

test('what cannot be decoded is told as it is, with the reason', async () => {
  await push({ frmPayload: hex('FF') });
  const [queued] = forwarded('queued');
  expect(queued).toMatchObject({ up: { value: { frmPayload: hex('FF') } } });
  expect(queued).not.toHaveProperty('up.value.decodedPayload');
  expect(network.lab.causesOf('as.down.data.decode.fail')).toEqual(['formatter_failed']);
  expect(network.lab.dataOf('as.down.data.decode.fail')).toMatchObject([
    { namespace: 'pkg/scripting/javascript', name: 'runtime', attributes: { line: 3 } },
  ]);
  await push({ frmPayload: hex('80') });
  expect(network.lab.dataOf('as.down.data.decode.warning')).toMatchObject([
    { decodedPayload: { level: 128 }, decodedPayloadWarnings: ['loud'] },
  ]);
});

test('a refused push is told as failed, item by item, with the error', async () => {
  const downlinks = ['01', '00'.repeat(243)].map((payload) =>
    create(ApplicationDownlinkSchema, {
      fPort: 2,
      frmPayload: hex(payload),
      correlationIds: [`size:${payload.length / 2}`],
    }),
  );
  const refused = network.server.push(REF, downlinks).catch((error: unknown) => error);
  await eventually(async () => {
    await network.lab.clock.advance(10);
    expect(forwarded('failed')).toHaveLength(2);
  });
  expect(await refused).toMatchObject({ reason: 'application_downlink_too_long' });
  expect(forwarded('failed')).toMatchObject([
    {
      correlationIds: ['size:1', expect.stringMatching(/^as:downlink:/)],
      up: {
        value: {
          downlink: { frmPayload: hex('01') },
          error: { namespace: 'pkg/networkserver', name: 'application_downlink_too_long', code: 3 },
        },
      },
    },
    { up: { value: { downlink: { correlationIds: ['size:243', expect.anything()] } } } },
  ]);
  expect(forwarded('queued')).toEqual([]);
});

test('a script that only encodes downlinks is no failure', async () => {
  const { registry } = network.lab;
  const downFormatterParameter = SCRIPT.split('\n')[0] ?? '';
  await registry.application.set(abpDevice({ formatters: { downFormatterParameter } }), [
    'formatters.down_formatter_parameter',
  ]);
  await push({ frmPayload: hex('07') });
  await hear(0, false);
  await eventually(() => expect(forwarded('sent')).toHaveLength(1));
  expect(await network.server.listDecoded(REF)).toEqual([]);
  expect(network.lab.published).not.toContain('as.down.data.decode.fail');
});
