import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { implementation, setImplementation } from '../lorawan/crypto/implementation.ts';
import { selfTestCrypto } from '../lorawan/index.ts';
import { ABP_ADDR, APP_S_KEY, hex, NWK_S_KEY, uplink } from './testing/frames.ts';
import { abpDevice, createLab, type HandGateway, handGateway, type Lab } from './testing/lab.ts';

/** More than the addon looks at in one go. */
const DEVICES = 21;

const two = (index: number): string => index.toString(16).padStart(2, '0');
const keysOf = (index: number) => ({
  devAddr: ABP_ADDR,
  nwkSKey: NWK_S_KEY.slice(0, -2) + two(index),
  appSKey: APP_S_KEY,
});
const deviceId = (index: number): string => `door-${index}`;
const typescript = implementation();

let lab: Lab;
let near: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  for (let index = 0; index < DEVICES; index++) {
    const { nwkSKey, appSKey } = keysOf(index);
    await lab.registry.registerEverywhere(
      abpDevice({
        ids: {
          deviceId: deviceId(index),
          applicationIds: { applicationId: 'shop' },
          devEui: hex(`01020304050607${two(index)}`),
        },
        session: {
          devAddr: hex(ABP_ADDR),
          keys: { fNwkSIntKey: { key: hex(nwkSKey) }, appSKey: { key: hex(appSKey) } },
        },
      }),
    );
  }
});
afterEach(() => {
  setImplementation(typescript);
  lab.close();
});

async function send(index: number, fCnt: number, time: number): Promise<void> {
  near.hear(uplink(keysOf(index), fCnt), { timestampUs: time * 8_000_000 });
  await lab.clock.advance(8_000);
}

describe.each([
  ['TypeScript', () => typescript.name],
  ['what this machine has', () => selfTestCrypto().name],
])('devices that share an address, by %s', (_, choose) => {
  test('are told apart, whatever their counters', async () => {
    expect(choose()).toBe(implementation().name);
    // Counters differ, so that the order of trying is not the order of the sessions.
    const order = Array.from({ length: 2 * DEVICES }, (__, turn) => (turn * 8) % DEVICES);
    for (const [turn, index] of order.entries()) await send(index, 100 * index + 1 + turn, turn);
    expect(lab.application.uplinks.map(({ device }) => device.deviceId)).toEqual(
      order.map(deviceId),
    );
  });
});
