import { afterEach, expect, test } from 'vitest';
import { ABP_KEYS, encryptedDownlink, uplink } from './testing/frames.ts';
import { abpDevice, createLab, handGateway, type Lab } from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
let lab: Lab;
afterEach(() => lab.close());

test('an application server that fails over the report of a downlink brings nothing down', async () => {
  const gateway = handGateway('AA555A0000000001');
  const heard: number[] = [];
  lab = await createLab({
    gateways: [gateway],
    onUplink: ({ fullFCnt }) => heard.push(fullFCnt),
    onDownlinkSent: () => {
      throw new Error('The database connection is not open');
    },
  });
  await lab.registry.registerEverywhere(abpDevice());
  const item = encryptedDownlink(ABP_KEYS, 0, '01', new Uint8Array());
  await Promise.all([lab.network.downlinkQueue.push(REF, [item]), lab.clock.advance(10)]);
  for (const fCnt of [0, 1]) {
    gateway.hear(uplink(ABP_KEYS, fCnt));
    await lab.clock.advance(3_000);
  }
  expect(gateway.sent).toHaveLength(1);
  expect(heard).toEqual([0, 1]);
  expect(lab.network.downlinkQueue.list(REF)).toEqual([]);
});
