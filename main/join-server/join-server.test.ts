import LoraPacket from 'lora-packet';
import { expect, test } from 'vitest';
import { virtualClock } from '../base/virtual-clock.ts';
import {
  type DevAddr,
  type DevEui,
  decodeFrame,
  type Eui64,
  expandKey,
  formatHex,
  type JoinEui,
  type JoinRequestFrame,
  type MacVersion,
  type NetId,
  parseHex,
} from '../lorawan/index.ts';
import type { JoinState } from '../store/index.ts';
import { createJoinServer, type JoinDevice } from './index.ts';

const APP_KEY = Buffer.from('8AFE71A145B253E49C3031AD068277A1', 'hex');
const JOIN_EUI = '0000000000000001' as Eui64 as JoinEui;
const DEV_EUI = '0004A30B001C0530' as Eui64 as DevEui;

function joinRequest(devNonce: number, key = APP_KEY, devEui: string = DEV_EUI): JoinRequestFrame {
  const nonce = Buffer.from(devNonce.toString(16).padStart(4, '0'), 'hex');
  const packet = LoraPacket.fromFields(
    {
      MType: 'Join Request',
      AppEUI: Buffer.from(JOIN_EUI, 'hex'),
      DevEUI: Buffer.from(devEui, 'hex'),
      DevNonce: nonce,
    },
    undefined,
    undefined,
    key,
  );
  return decodeFrame(new Uint8Array(packet.getPHYPayload() ?? Buffer.alloc(0))) as JoinRequestFrame;
}

function joinServer(rootKeys: JoinDevice['rootKeys'] = { appKey: new Uint8Array(APP_KEY) }) {
  let state: JoinState = { usedDevNonces: [] };
  const published: string[] = [];
  const server = createJoinServer({
    store: {
      joinState: {
        get: () => state,
        put: (_, next) => {
          state = next;
        },
      },
    },
    registry: {
      joinDeviceByEuis: (joinEui, devEui) =>
        joinEui === JOIN_EUI && devEui === DEV_EUI
          ? {
              row: 1,
              applicationId: 'shop',
              deviceId: 'door-7',
              message: { resetsJoinNonces: false },
              rootKeys,
            }
          : undefined,
      joinDevicesByDevEui: (devEui) =>
        devEui === DEV_EUI
          ? [{ applicationId: 'shop', deviceId: 'door-7', joinEui: JOIN_EUI, devEui }]
          : [],
    },
    clock: virtualClock(),
    events: { publish: (event) => published.push(event.name) },
    random: (count) => new Uint8Array(count).fill(7),
  });
  const join = (frame: JoinRequestFrame, macVersion: MacVersion = '1.0.3') =>
    server.handleJoin({
      frame,
      macVersion,
      devAddr: '02AB0001' as DevAddr,
      netId: '000001' as NetId,
      dlSettings: { rx1DrOffset: 0, rx2Dr: 3, optNeg: macVersion === '1.1.0' },
      rxDelay: 5,
      correlationIds: [],
    });
  return { join, published };
}

test('an independent library decrypts the join-accept', () => {
  const { join, published } = joinServer();
  const answer = join(joinRequest(1));
  if (!answer.accepted) throw new Error(answer.cause);
  const packet = LoraPacket.fromWire(Buffer.from(answer.joinAccept));
  const plain = LoraPacket.decryptJoinAccept(packet, APP_KEY);
  // JoinNonce 1, NetID 000001, DevAddr 02AB0001, DLSettings 03, RxDelay 05; least significant byte first.
  expect(plain.toString('hex').slice(0, 26)).toBe(
    '20' + '010000' + '010000' + '0100ab02' + '03' + '05',
  );
  expect(published).toEqual(['js.join.accept']);
});

test('a DevNonce counts once; a refused join uses up none', () => {
  const { join } = joinServer();
  expect(join(joinRequest(1, Buffer.alloc(16, 1)))).toMatchObject({
    accepted: false,
    cause: 'mic_mismatch',
  });
  expect(join(joinRequest(1)).accepted).toBe(true);
  expect(join(joinRequest(1))).toMatchObject({ accepted: false, cause: 'reuse_dev_nonce' });
  expect(join(joinRequest(2)).accepted).toBe(true);
});

test('from 1.0.4 on the DevNonce has to grow', () => {
  const { join } = joinServer();
  expect(join(joinRequest(5), '1.0.4').accepted).toBe(true);
  expect(join(joinRequest(4), '1.0.4')).toMatchObject({
    accepted: false,
    cause: 'dev_nonce_too_small',
  });
});

test('JoinNonces grow with every join', () => {
  const { join } = joinServer();
  const nonces = [1, 2, 3].map((devNonce) => {
    const answer = join(joinRequest(devNonce));
    return answer.accepted ? answer.joinNonce : undefined;
  });
  expect(nonces).toEqual([1, 2, 3]);
});

test('EUIs in the wrong byte order are recognised', () => {
  const { join } = joinServer();
  const reversed = formatHex((parseHex(DEV_EUI) as Uint8Array).toReversed());
  expect(join(joinRequest(1, APP_KEY, reversed))).toMatchObject({
    accepted: false,
    cause: 'dev_eui_byte_order',
  });
  expect(join(joinRequest(1, APP_KEY, 'FFFFFFFFFFFFFFFF'))).toMatchObject({
    accepted: false,
    cause: 'device_not_found',
  });
});

test('a device without root key is told so', () => {
  const { join } = joinServer({});
  expect(join(joinRequest(1))).toMatchObject({ accepted: false, cause: 'no_app_key' });
});

test('a 1.1 device gets keys of its own for every purpose', () => {
  const { join } = joinServer({
    appKey: new Uint8Array(APP_KEY),
    nwkKey: new Uint8Array(Buffer.alloc(16, 9)),
  });
  const answer = join(joinRequest(1, Buffer.alloc(16, 9)), '1.1.0');
  if (!answer.accepted) throw new Error(answer.cause);
  const { fNwkSIntKey, sNwkSIntKey, nwkSEncKey, appSKey } = answer.keys;
  expect(
    new Set([fNwkSIntKey, sNwkSIntKey, nwkSEncKey, appSKey].map((key) => formatHex(key))).size,
  ).toBe(4);
  expect(expandKey(appSKey)).toBeDefined();
});
