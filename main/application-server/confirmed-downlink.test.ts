import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ApplicationDownlink,
  ApplicationDownlinkSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ABP_KEYS, hex, readDownlink, uplink } from '../network-server/testing/frames.ts';
import { abpDevice, type HandGateway, handGateway } from '../network-server/testing/lab.ts';
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

const confirmed = (
  payload: string,
  init: Omit<MessageInitShape<typeof ApplicationDownlinkSchema>, '$typeName'> = {},
): ApplicationDownlink =>
  create(ApplicationDownlinkSchema, {
    confirmed: true,
    fPort: 2,
    ...init,
    frmPayload: hex(payload),
  });

async function push(...items: ApplicationDownlink[]): Promise<void> {
  await Promise.all([network.server.push(REF, items), network.lab.clock.advance(10)]);
}

/** The device sends, and listens to what comes back. */
async function send(
  fCnt: number,
  options: { readonly ack?: boolean; readonly confirmed?: boolean } = {},
) {
  const before = near.sent.length;
  near.hear(uplink(ABP_KEYS, fCnt, { ...options, fCtrl: { ACK: options.ack === true } }), {
    timestampUs: heard * 5_000_000,
  });
  heard += 1;
  await network.lab.clock.advance(5_000);
  const down = near.sent[before];
  return down && readDownlink(down.phyPayload, ABP_KEYS);
}

/** Names of the application's messages about downlinks, with the payload each is about. */
function told(): string[] {
  const names = ['sent', 'ack', 'nack', 'failed'];
  return network.lab.published
    .map((name) => /^as\.down\.data\.(\w+)\.forward$/.exec(name)?.[1] ?? '')
    .filter((name) => names.includes(name));
}

interface DownlinkUp {
  readonly up: {
    readonly value: ApplicationDownlink & { readonly downlink?: ApplicationDownlink };
  };
}
/** Payloads in the clear and attempts of the application's messages of that kind. */
const upsOf = (kind: string) =>
  network.lab.dataOf(`as.down.data.${kind}.forward`).map((message) => {
    const { value } = (message as unknown as DownlinkUp).up;
    const downlink = value.downlink ?? value;
    return {
      payload: Buffer.from(downlink.frmPayload).toString('hex'),
      fCnt: downlink.fCnt,
      attempt: downlink.confirmedRetry?.attempt,
    };
  });

test('an acknowledged downlink is sent once and reported in the clear', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('c0ffee', { correlationIds: ['order:77'] }));
  expect(await send(0)).toMatchObject({ confirmed: true, payload: 'c0ffee', fCnt: 0, fPort: 2 });
  expect(await send(1, { ack: true })).toBeUndefined();
  expect(told()).toEqual(['sent', 'ack']);
  expect(upsOf('ack')).toEqual([{ payload: 'c0ffee', fCnt: 0, attempt: 1 }]);
  const [ack] = network.lab.dataOf('as.down.data.ack.forward');
  expect(ack).toMatchObject({
    endDeviceIds: { deviceId: 'door-7', devAddr: hex(ABP_KEYS.devAddr) },
    correlationIds: expect.arrayContaining(['order:77']),
  });
  expect(network.server.list(REF)).toEqual([]);
});

test('an uplink without ACK means not acknowledged: the downlink goes out again under a new counter', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('c0ffee'));
  await send(0);
  expect(await send(1)).toMatchObject({ confirmed: true, payload: 'c0ffee', fCnt: 1 });
  expect(await send(2, { ack: true })).toBeUndefined();
  expect(told()).toEqual(['sent', 'nack', 'sent', 'ack']);
  expect(upsOf('nack')).toEqual([{ payload: 'c0ffee', fCnt: 0, attempt: 1 }]);
  expect(upsOf('ack')).toEqual([{ payload: 'c0ffee', fCnt: 1, attempt: 2 }]);
});

test('after the attempts its sender allowed, a downlink has failed', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('01', { confirmedRetry: { attempt: 0, maxAttempts: 2 } }));
  for (const fCnt of [0, 1]) expect(await send(fCnt)).toMatchObject({ payload: '01', fCnt });
  expect(await send(2)).toBeUndefined();
  expect(told()).toEqual(['sent', 'nack', 'sent', 'failed', 'nack']);
  const [failed] = network.lab.dataOf('as.down.data.failed.forward');
  expect(failed).toMatchObject({
    up: {
      value: {
        error: {
          namespace: 'pkg/applicationserver',
          name: 'max_retries_reached',
          attributes: { max_retries: 2 },
        },
      },
    },
  });
  expect(upsOf('failed')).toEqual([{ payload: '01', fCnt: 1, attempt: 2 }]);
  expect(network.lab.causesOf('as.down.data.drop')).toEqual(['max_retries_reached']);
});

test('eight attempts are made when the sender does not say', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('01'));
  const sent: (number | undefined)[] = [];
  for (let fCnt = 0; fCnt < 10; fCnt += 1) sent.push((await send(fCnt))?.fCnt ?? undefined);
  expect(sent).toEqual([0, 1, 2, 3, 4, 5, 6, 7, undefined, undefined]);
  expect(told().filter((name) => name === 'nack')).toHaveLength(8);
  expect(told().slice(-2)).toEqual(['failed', 'nack']);
});

test('FPending announces what waits, and the next attempt queues behind it', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('01'), confirmed('02'), confirmed('03'));
  expect(await send(0)).toMatchObject({ payload: '01', fPending: true });
  expect(await send(1)).toMatchObject({ payload: '02', fPending: true });
  expect(await send(2, { ack: true })).toMatchObject({ payload: '03', fPending: true });
  expect(await send(3, { ack: true })).toMatchObject({ payload: '01', fPending: false });
  expect(await send(4, { ack: true })).toBeUndefined();
  expect(upsOf('ack').map(({ payload }) => payload)).toEqual(['02', '03', '01']);
});

test('a repetition of the uplink before is no answer to the downlink', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('c0ffee'));
  await send(0, { confirmed: true });
  await send(0, { confirmed: true });
  expect(told()).toEqual(['sent']);
  await send(1, { ack: true });
  expect(told()).toEqual(['sent', 'ack']);
});

test('what no gateway took was not sent: no acknowledgement is missed, and the next uplink carries it', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  await push(confirmed('01'), confirmed('02'));
  near.setDownlinkReady(false);
  expect(await send(0)).toBeUndefined();
  near.setDownlinkReady(true);
  expect(await send(1)).toMatchObject({ payload: '01', confirmed: true, fPending: true });
  expect(told()).toEqual(['sent']);
});

test('what a gateway failed to transmit is reported, and tried again like what was not heard', async () => {
  await network.lab.registry.registerEverywhere(abpDevice());
  near.answer = { result: 'tx_freq' };
  await push(confirmed('01'));
  await send(0);
  expect(told()).toEqual(['failed']);
  near.answer = { result: 'success' };
  expect(await send(1)).toMatchObject({ payload: '01', fCnt: 1 });
  expect(told()).toEqual(['failed', 'nack', 'sent']);
});
