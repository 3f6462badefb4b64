import { afterEach, beforeEach, expect, test } from 'vitest';
import { ABP_KEYS, encryptedDownlink, joinRequest, uplink } from './testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  otaaDevice,
} from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const NOTHING_SENT = { scheduleDownlinks: { value: false } };

let lab: Lab;
let near: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
});
afterEach(() => lab.close());

const queue = (fCnt: number) => {
  const item = encryptedDownlink(ABP_KEYS, fCnt, 'c0ffee', new Uint8Array());
  return Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(10)]);
};

test.each([false, true])(
  'a device whose downlinks are switched off is sent none, and its queue waits (class C: %s)',
  async (supportsClassC) => {
    await lab.registry.registerEverywhere(abpDevice({ supportsClassC }, NOTHING_SENT));
    await queue(0);
    near.hear(uplink(ABP_KEYS, 0, { confirmed: true, fOpts: '02' }));
    await lab.clock.advance(60_000);
    expect(near.sent).toEqual([]);
    expect(lab.application.uplinks).toHaveLength(1);
    expect(lab.network.downlinkQueue.list(REF)).toHaveLength(1);
  },
);

test('nor is it sent a join-accept, and the verdict says why', async () => {
  await lab.registry.registerEverywhere(otaaDevice({ macSettings: NOTHING_SENT }));
  near.hear(joinRequest(1));
  await lab.clock.advance(10_000);
  expect(near.sent).toEqual([]);
  const facts = lab.uplinkFrames()[0]?.verdict?.stages.flatMap(({ evidence }) => evidence);
  expect(facts?.find(({ name }) => name === 'schedule_downlinks')?.value.value).toBe(false);
});

test('switched on again, what waited is sent', async () => {
  const device = abpDevice({}, NOTHING_SENT);
  await lab.registry.registerEverywhere(device);
  await queue(0);
  if (!device.macSettings) throw new Error('no settings');
  delete device.macSettings.scheduleDownlinks;
  await lab.registry.network.set(device, ['mac_settings']);
  near.hear(uplink(ABP_KEYS, 0));
  await lab.clock.advance(5_000);
  expect(near.sent).toHaveLength(1);
});
