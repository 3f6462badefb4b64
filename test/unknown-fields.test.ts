import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApplicationSchema } from '../main/api/gen/ttn/lorawan/v3/application_pb.js';
import { ApplicationRegistry } from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import { CARRIERS, openServedApp, type ServedApp } from './support/served-app.ts';

let served: ServedApp;
beforeAll(async () => {
  served = await openServedApp();
});
afterAll(() => served.close());

test.each(CARRIERS)('what a newer client says over %s is left out, as in JSON', async (carrier) => {
  const client = createClient(ApplicationRegistry, served.transport(carrier));
  const applicationId = `of-${carrier.toLowerCase()}`;
  const application = create(ApplicationSchema, { ids: { applicationId }, name: 'Shop' });
  const text = new TextEncoder().encode('from tomorrow');
  application.$unknown = [
    { no: 993, wireType: WireType.LengthDelimited, data: Uint8Array.of(text.length, ...text) },
  ];
  const collaborator = { ids: { case: 'userIds', value: { userId: 'admin' } } } as const;
  const created = await client.create({ application, collaborator });
  expect(created.name).toBe('Shop');
  expect(created.$unknown).toBeUndefined();
});
