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
  type JoinEuiPrefix,
  type JoinRequestFrame,
  type MacVersion,
  type NetId,
  parseHex,
  parseJoinEuiPrefix,
} from '../lorawan/index.ts';
import type { JoinState, StoredSessionKeys } from '../store/index.ts';
import { createJoinServer, type JoinDevice, type JoinSettings } from './index.ts';

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

interface Given {
  readonly rootKeyId?: string;
  readonly resetsJoinNonces?: boolean;
  readonly settings?: JoinSettings;
  readonly state?: Partial<JoinState>;
}

function joinServer(
  rootKeys: JoinDevice['rootKeys'] = { appKey: new Uint8Array(APP_KEY) },
  { rootKeyId, resetsJoinNonces = false, settings, state: before }: Given = {},
) {
  let state: JoinState = { usedDevNonces: [], ...before };
  const sessions = new Map<string, StoredSessionKeys>();
  const published: string[] = [];
  const server = createJoinServer({
    store: {
      joinState: {
        get: () => state,
        put: (_, next) => {
          state = next;
        },
      },
      sessionKeys: {
        get: (_, id) => sessions.get(formatHex(id)),
        put: (_, id, keys) => void sessions.set(formatHex(id), keys),
      },
    },
    registry: {
      joinDeviceByEuis: (joinEui, devEui) =>
        joinEui === JOIN_EUI && devEui === DEV_EUI
          ? {
              row: 1,
              applicationId: 'shop',
              deviceId: 'door-7',
              message: { resetsJoinNonces },
              rootKeys,
              rootKeyId,
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
    ...(settings && { settings }),
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
  return { join, published, server, stateNow: () => state };
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
  // Nobody is told before the caller has it on disk.
  expect(published).toEqual([]);
  answer.announce();
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

const key = (byte: number) => Buffer.alloc(16, byte);
const bytes = (byte: number): Uint8Array => new Uint8Array(key(byte));
const COMMAND_LINE = 'ttn-lw-cli-generated';

// Which root key protects the join-accept: AppKey is 0x0A…, NwkKey 0x0B….
test.each([
  { stored: 'AppKey', version: '1.0.3', root: 0x0a },
  { stored: 'both', version: '1.0.3', rootKeyId: COMMAND_LINE, root: 0x0a },
  { stored: 'both', version: '1.0.3', root: 0x0b },
  { stored: 'both', version: '1.0.4', rootKeyId: 'of-my-own', root: 0x0b },
  { stored: 'both', version: '1.1.0', root: 0x0b },
  { stored: 'both', version: '1.1.0', rootKeyId: COMMAND_LINE, root: 0x0b },
] as const)('with $stored stored a $version join is protected by key $root', (row) => {
  const { join } = joinServer(
    { appKey: bytes(0x0a), ...(row.stored === 'both' && { nwkKey: bytes(0x0b) }) },
    'rootKeyId' in row ? { rootKeyId: row.rootKeyId } : {},
  );
  const other = row.root === 0x0a ? 0x0b : 0x0a;
  expect(join(joinRequest(1, key(other)), row.version)).toMatchObject({ cause: 'mic_mismatch' });
  const answer = join(joinRequest(2, key(row.root)), row.version);
  if (!answer.accepted) throw new Error(answer.cause);
  const packet = LoraPacket.fromWire(Buffer.from(answer.joinAccept));
  const plain = LoraPacket.decryptJoinAccept(packet, key(row.root));
  expect(plain.toString('hex').slice(2, 14)).toBe('010000' + '010000');
});

test.each([
  [{}, '1.0.2', 'no_app_key'],
  [{ nwkKey: bytes(0x0b) }, '1.1.0', 'no_app_key'],
  [{ appKey: bytes(0x0a) }, '1.1.0', 'no_nwk_key'],
] as const)('%j cannot serve %s: %s', (rootKeys, version, cause) => {
  expect(joinServer(rootKeys).join(joinRequest(1), version)).toMatchObject({ cause });
});

test('before 1.0.4 the last ten DevNonces count, or as many as the user says', () => {
  const { join } = joinServer();
  for (let devNonce = 100; devNonce < 110; devNonce += 1)
    expect(join(joinRequest(devNonce)).accepted).toBe(true);
  expect(join(joinRequest(100))).toMatchObject({ cause: 'reuse_dev_nonce' });
  expect(join(joinRequest(7)).accepted).toBe(true);
  expect(join(joinRequest(100)).accepted).toBe(true);

  const two = joinServer(undefined, { settings: { devNonceLimit: 2 } });
  for (const devNonce of [1, 2]) expect(two.join(joinRequest(devNonce)).accepted).toBe(true);
  expect(two.join(joinRequest(1))).toMatchObject({ cause: 'reuse_dev_nonce' });
  expect(two.join(joinRequest(3)).accepted).toBe(true);
  expect(two.stateNow().usedDevNonces).toEqual([2, 3]);
  expect(two.join(joinRequest(1)).accepted).toBe(true);

  // A list that grew under a higher limit.
  const settings = { devNonceLimit: 2 };
  const cut = joinServer(undefined, { settings, state: { usedDevNonces: [1, 2, 3] } });
  expect(cut.join(joinRequest(1)).accepted).toBe(true);
});

test('a device that resets its nonces may use one again, which is not remembered twice', () => {
  const { join, stateNow } = joinServer(undefined, { resetsJoinNonces: true });
  for (const devNonce of [5, 6, 5]) expect(join(joinRequest(devNonce)).accepted).toBe(true);
  expect(stateNow()).toMatchObject({ usedDevNonces: [5, 6], lastJoinNonce: 3 });
  for (const devNonce of [9, 0]) expect(join(joinRequest(devNonce), '1.0.4').accepted).toBe(true);
  expect(stateNow()).toMatchObject({ lastDevNonce: 0, lastJoinNonce: 5 });
});

test.each([
  [{}, true],
  [{ lastDevNonce: 0 }, false],
  [{ lastJoinNonce: 1 }, false],
])('DevNonce 0 is good for the first join only: after %j %s', (state, accepted) => {
  expect(joinServer(undefined, { state }).join(joinRequest(0), '1.0.4').accepted).toBe(accepted);
});

test('the last JoinNonce is 2^24 - 1, and what a refusal would have changed stays', () => {
  const { join, stateNow } = joinServer(undefined, { state: { lastJoinNonce: 0xff_fffe } });
  expect(join(joinRequest(1))).toMatchObject({ accepted: true, joinNonce: 0xff_ffff });
  const before = stateNow();
  expect(join(joinRequest(2))).toMatchObject({ cause: 'join_nonce_too_high' });
  expect(stateNow()).toEqual(before);
});

const prefixes = (...texts: string[]): JoinEuiPrefix[] =>
  texts.map((text) => parseJoinEuiPrefix(text) as JoinEuiPrefix);

test('devices join with the JoinEUIs of this network only', () => {
  const far = { joinEuiPrefixes: prefixes('70B3D57ED0000000/36', 'AC00000000000000/8') };
  const { join, published, server } = joinServer(undefined, { settings: far });
  expect(join(joinRequest(1))).toMatchObject({ accepted: false, cause: 'unknown_join_eui' });
  expect(published).toEqual([]);
  expect(server.defaultJoinEui).toBe('70B3D57ED0000000');

  const near = { joinEuiPrefixes: prefixes('70B3D57ED0000000/36', '0000000000000000/63') };
  const other = joinServer(undefined, { settings: near });
  expect(other.join(joinRequest(1)).accepted).toBe(true);
  expect(other.server.defaultJoinEui).toBe('0000000000000001');
  expect(joinServer().server.joinEuiPrefixes).toEqual(prefixes('0000000000000000/0'));
});

test('keys of a session are handed out again by its id', () => {
  const { join, server } = joinServer();
  const answer = join(joinRequest(1));
  if (!answer.accepted) throw new Error(answer.cause);
  const { sessionKeyId, keys } = answer;
  expect(server.sessionKeys(JOIN_EUI, DEV_EUI, sessionKeyId)).toEqual(keys);
  expect(server.sessionKeys(JOIN_EUI, DEV_EUI, bytes(1))).toBeUndefined();
  const stranger = 'FFFFFFFFFFFFFFFF' as Eui64 as DevEui;
  expect(server.sessionKeys(JOIN_EUI, stranger, sessionKeyId)).toBeUndefined();
});
