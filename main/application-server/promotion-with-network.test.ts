import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { ApplicationDownlinkSchema } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { createDownlinkQueue } from '../network-server/index.ts';
import { joinRequest, openJoin, uplink } from '../network-server/testing/frames.ts';
import { createLab, handGateway, otaaDevice } from '../network-server/testing/lab.ts';
import { type ApplicationServer, createApplicationServer } from './application-server.ts';

const REF = { applicationId: 'shop', deviceId: 'door-7' };

test('what is queued stays in sight if the program ends after the network server changed the session', async () => {
  const gateway = handGateway('AA555A0000000001');
  let server: ApplicationServer | undefined;
  let isDead = false;
  const lab = await createLab({
    gateways: [gateway],
    application(parts) {
      const { events, clock, logger, store, registry, onQueued } = parts;
      const made = createApplicationServer({
        store,
        findDevice: registry.applicationDeviceByIds,
        findIdentity: registry.identityDeviceByIds,
        recordLocation: registry.identity.recordLocation,
        findAppSKey: () => undefined,
        linkOf: registry.applicationLinks.of,
        onRegistryChange: registry.onChange,
        formatters: {} as never,
        networkQueue: createDownlinkQueue(store, registry, clock, onQueued),
        events,
        clock,
        logger,
      });
      server = made;
      // A program that ended here is one whose application server never hears of the uplink.
      const never = new Promise<never>(() => undefined);
      return { ...made, uplink: (input) => (isDead ? never : made.uplink(input)) };
    },
  });
  await lab.registry.registerEverywhere(otaaDevice());
  const joinAndSend = async (devNonce: number): Promise<void> => {
    gateway.hear(joinRequest(devNonce), { timestampUs: devNonce * 60_000_000 });
    await lab.clock.advance(7_000);
    const keys = openJoin(gateway.sent.at(-1)?.phyPayload ?? new Uint8Array(), devNonce);
    const item = create(ApplicationDownlinkSchema, {
      fPort: 2,
      frmPayload: Uint8Array.of(devNonce),
    });
    await Promise.all([server?.push(REF, [item]), lab.clock.advance(10)]);
    gateway.hear(uplink(keys, 0), { timestampUs: devNonce * 60_000_000 + 20_000_000 });
    await lab.clock.advance(300);
  };
  const queued = (): (number | undefined)[] =>
    server?.list(REF).map(({ frmPayload }) => frmPayload[0]) ?? [];

  await joinAndSend(1);
  expect(queued()).toEqual([1]);
  await lab.clock.advance(10_000);
  expect(queued()).toEqual([]);
  isDead = true;
  await joinAndSend(2);
  expect(queued()).toEqual([2]);
  await lab.close();
});
