import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApplicationDownlinkSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { joinRequest, openJoin, uplink } from './testing/frames.ts';
import { createLab, type HandGateway, handGateway, type Lab, otaaDevice } from './testing/lab.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };

let lab: Lab;
let near: HandGateway;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(otaaDevice());
});
afterEach(() => lab.close());

const rowOf = (): number => lab.registry.networkDeviceByIds('shop', 'door-7')?.row ?? 0;
const sessions = () => lab.store.networkSessions.byDevice(rowOf());
const push = (key: Uint8Array, count: number, firstFCnt = 0) => {
  const items = Array.from({ length: count }, (_, index) =>
    create(ApplicationDownlinkSchema, {
      sessionKeyId: key,
      fPort: 1,
      fCnt: firstFCnt + index,
      frmPayload: Uint8Array.of(1),
    }),
  );
  return Promise.all([lab.network.downlinkQueue.push(REF, items), lab.clock.advance(10)]);
};

async function join(devNonce: number) {
  near.hear(joinRequest(devNonce), { timestampUs: devNonce * 20_000_000 });
  await lab.clock.advance(8_000);
  return openJoin(near.sent.at(-1)?.phyPayload ?? new Uint8Array(), devNonce);
}

test('each session may have 10,000 downlinks queued', async () => {
  const keys = await join(1);
  near.hear(uplink(keys, 0), { timestampUs: 30_000_000 });
  await lab.clock.advance(8_000);
  await join(2);
  const { current, pending } = sessions();
  if (!current || !pending) throw new Error('no sessions');
  await push(current.sessionKeyId, 10_000);
  await push(pending.sessionKeyId, 1);
  await expect(push(current.sessionKeyId, 1, 10_000)).rejects.toMatchObject({
    reason: 'downlink_queue_capacity',
  });
  await push(pending.sessionKeyId, 1, 1);
});

test('one call may name 20,000 downlinks', async () => {
  await join(1);
  const { pending } = sessions();
  await expect(push(pending?.sessionKeyId ?? new Uint8Array(), 20_001)).rejects.toMatchObject({
    reason: 'downlink_queue_capacity',
    attributes: { max: 20_000 },
  });
});

test('what is queued for a session that is gone fails at the next window', async () => {
  const keys = await join(1);
  near.hear(uplink(keys, 0), { timestampUs: 30_000_000 });
  await lab.clock.advance(8_000);
  const gone = Uint8Array.of(9);
  const lost = create(ApplicationDownlinkSchema, { sessionKeyId: gone, fPort: 1, fCnt: 7 });
  await lab.store.unit(() => lab.store.downlinkQueue.push(rowOf(), gone, [lost]));
  near.hear(uplink(keys, 1), { timestampUs: 50_000_000 });
  await lab.clock.advance(8_000);
  expect(lab.application.failed).toMatchObject([
    { downlink: { fCnt: 7 }, cause: 'unknown_session' },
  ]);
  expect(lab.network.downlinkQueue.list(REF)).toEqual([]);
});
