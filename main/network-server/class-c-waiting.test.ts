import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import { GatewaySchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import {
  type ApplicationDownlink,
  ApplicationDownlink_ClassBCSchema,
} from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { ABP_KEYS, encryptedDownlink, readDownlink, uplink } from './testing/frames.ts';
import { abpDevice, createLab, type HandGateway, handGateway, type Lab } from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };
const NEAR = 'eui-aa555a0000000001';
const FAR = 'eui-aa555a0000000002';

let lab: Lab;
let near: HandGateway;
let far: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  far = handGateway('AA555A0000000002');
  lab = await createLab({ gateways: [near, far] });
});
afterEach(() => lab.close());

type Settings = Parameters<typeof abpDevice>[1];
const register = (settings: Settings = {}) =>
  lab.registry.registerEverywhere(abpDevice({ supportsClassC: true }, settings));
const item = (fCnt: number, gatewayIds: readonly string[] = []): ApplicationDownlink => {
  const downlink = encryptedDownlink(ABP_KEYS, fCnt, 'c0ffee', new Uint8Array());
  if (gatewayIds.length > 0)
    downlink.classBC = create(ApplicationDownlink_ClassBCSchema, {
      gateways: gatewayIds.map((gatewayId) => ({ gatewayIds: { gatewayId } })),
    });
  return downlink;
};
async function settled<T>(work: Promise<T>): Promise<T> {
  await lab.clock.advance(20);
  return work;
}
const push = (...items: ApplicationDownlink[]) =>
  settled(lab.network.downlinkQueue.push(REF, items));
async function heard(fCnt: number): Promise<void> {
  const frame = uplink(ABP_KEYS, fCnt);
  far.hear(frame, { antenna: { channelRssiDbm: -115, snrDb: -5 } });
  near.hear(frame);
  await lab.clock.advance(10_000);
}
/** The program ends, and starts again with the same store. */
async function restart(): Promise<void> {
  await lab.gatewayServer.stop();
  lab = await createLab({ gateways: [near, far], restartOf: lab });
}
const changeGateway = (
  gatewayId: string,
  init: Exclude<MessageInitShape<typeof GatewaySchema>, { $typeName: string }>,
  path: string,
) =>
  settled(
    lab.registry.gateways.update(create(GatewaySchema, { ids: { gatewayId }, ...init }), [path]),
  );

test('after a restart the queue goes on through the gateways that heard the device last', async () => {
  await register();
  await heard(0);
  near.setDownlinkReady(false);
  far.setDownlinkReady(false);
  await push(item(0), item(1));
  await restart();
  far.setDownlinkReady(false);
  await lab.clock.advance(50);
  expect(near.sent.map(({ time }) => time.kind)).toEqual(['immediate']);
  await lab.clock.advance(5_000);
  expect(near.sent.map(({ phyPayload }) => readDownlink(phyPayload, ABP_KEYS))).toMatchObject([
    { fCnt: 0, micValid: true },
    { fCnt: 1, micValid: true },
  ]);
  expect(far.sent).toEqual([]);
  expect(lab.network.downlinkQueue.list(REF)).toEqual([]);
});

test('after a restart another gateway that heard the device steps in for the best', async () => {
  await register();
  await heard(0);
  near.setDownlinkReady(false);
  far.setDownlinkReady(false);
  await push(item(0));
  await restart();
  near.setDownlinkReady(false);
  await lab.clock.advance(50);
  expect([near.sent.length, far.sent.length]).toEqual([0, 1]);
});

test('a confirmed downlink that waits for its answer over a restart still counts as not acknowledged', async () => {
  await register({ classCTimeout: { seconds: 30n } });
  await heard(0);
  const confirmed = item(0);
  confirmed.confirmed = true;
  await push(confirmed, item(1));
  await restart();
  await lab.clock.advance(31_000);
  expect(lab.application.notAcknowledged).toMatchObject([{ downlink: { fCnt: 0 } }]);
});

test('gateways are written down when they change, not with each uplink', async () => {
  await register();
  let writes = 0;
  const { networkSessions } = lab.store;
  const { updateMacState } = networkSessions;
  networkSessions.updateMacState = (...args) => {
    writes += 1;
    updateMacState(...args);
  };
  await heard(0);
  const first = writes;
  for (let fCnt = 1; fCnt < 5; fCnt += 1) await heard(fCnt);
  expect([first, writes]).toEqual([1, 1]);
  near.hear(uplink(ABP_KEYS, 5));
  await lab.clock.advance(10_000);
  expect(writes).toBe(2);
});

test('a downlink for gateways that nobody registered fails at once with its cause, and the next one goes', async () => {
  await register();
  await push(item(0, ['nobody', 'no-one']), item(1, [NEAR]));
  expect(lab.application.failed).toMatchObject([
    { cause: 'gateway_not_found', downlink: { fCnt: 0 } },
  ]);
  expect(lab.causesOf('ns.down.data.schedule.fail')).toEqual(['gateway_not_found']);
  expect(near.sent).toHaveLength(1);
});

test('chosen gateways that are away are waited for as long as a device has to answer', async () => {
  await register({ classCTimeout: { seconds: 30n } });
  await heard(0);
  near.setDownlinkReady(false);
  await push(item(0, [NEAR]), item(1, [FAR]));
  await lab.clock.advance(29_000);
  expect(lab.application.failed).toEqual([]);
  await lab.clock.advance(5_000);
  expect(lab.application.failed).toMatchObject([
    { cause: 'no_downlink_path', downlink: { fCnt: 0 } },
  ]);
  expect(far.sent).toHaveLength(1);
});

test('a chosen gateway that is barred from downlinks ends the waiting', async () => {
  await register();
  await heard(0);
  const { NEVER } = DownlinkPathConstraint;
  await changeGateway(NEAR, { downlinkPathConstraint: NEVER }, 'downlink_path_constraint');
  await push(item(0, [NEAR]));
  expect(lab.application.failed).toMatchObject([{ cause: 'downlink_not_allowed' }]);
  // Without a choice another gateway does it.
  await push(item(0));
  expect([near.sent.length, far.sent.length]).toEqual([0, 1]);
});

test('the gain of an antenna counts from the moment it is registered', async () => {
  await register();
  await heard(0);
  await changeGateway(NEAR, { antennas: [{ gain: 5.5 }] }, 'antennas');
  await push(item(0));
  expect(near.sent[0]).toMatchObject({ eirpDbm: 29.15, antennaGainDbi: 5.5 });
});

test('each session has room for 10,000 downlinks', async () => {
  await register();
  const template = item(0);
  const cheap = (count: number, from: number) =>
    Array.from({ length: count }, (_, index) => ({ ...template, fCnt: from + index }));
  await push(...cheap(9_999, 0));
  const tooMany = expect(
    lab.network.downlinkQueue.push(REF, cheap(2, 9_999)),
  ).rejects.toMatchObject({ reason: 'downlink_queue_capacity' });
  await lab.clock.advance(20);
  await tooMany;
  await push(item(9_999));
  expect(lab.network.downlinkQueue.list(REF)).toHaveLength(10_000);
});
