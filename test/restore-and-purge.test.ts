import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ApplicationAccess,
  ApplicationRegistry,
} from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import { EndDeviceRegistry } from '../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import {
  GatewayAccess,
  GatewayRegistry,
} from '../main/api/gen/ttn/lorawan/v3/gateway_services_pb.js';
import { Right } from '../main/api/gen/ttn/lorawan/v3/rights_pb.js';
import { CARRIERS, openServedApp, refusalOf, type ServedApp } from './support/served-app.ts';

const DAY_MS = 24 * 3_600_000;
const collaborator = { ids: { case: 'userIds', value: { userId: 'admin' } } } as const;
let served: ServedApp;

beforeAll(async () => {
  served = await openServedApp();
});
afterAll(() => served.close());

describe.each(CARRIERS)('over %s', (carrier) => {
  const registries = (token?: string) => ({
    applications: createClient(ApplicationRegistry, served.transport(carrier, token)),
    gateways: createClient(GatewayRegistry, served.transport(carrier, token)),
    devices: createClient(EndDeviceRegistry, served.transport(carrier, token)),
    applicationAccess: createClient(ApplicationAccess, served.transport(carrier, token)),
    gatewayAccess: createClient(GatewayAccess, served.transport(carrier, token)),
  });

  test('a deleted application comes back within a day, with its keys', async () => {
    const { applications, applicationAccess } = registries();
    const applicationId = `shop-${carrier.toLowerCase()}`;
    const applicationIds = { applicationId };
    await applications.create({ application: { ids: applicationIds, name: 'Shop' }, collaborator });
    const rights = [Right.APPLICATION_INFO];
    const { key } = await applicationAccess.createAPIKey({ applicationIds, rights });
    const own = registries(key).applications;
    await applications.delete(applicationIds);
    expect(await refusalOf(applications.get({ applicationIds }))).toMatchObject({
      name: 'application_not_found',
    });
    expect(await refusalOf(own.get({ applicationIds }))).toMatchObject({
      name: 'api_key_not_found',
      code: 16,
    });
    const fieldMask = { paths: ['name'] };
    const deleted = await applications.list({ deleted: true, order: '-name', fieldMask });
    expect(deleted.applications).toMatchObject([{ ids: applicationIds, name: 'Shop' }]);
    expect(deleted.applications[0]?.deletedAt).toBeDefined();
    await served.clock.advance(DAY_MS);
    await applications.restore(applicationIds);
    expect((await own.get({ applicationIds, fieldMask })).name).toBe('Shop');
    expect((await applications.list({ deleted: true })).applications).toEqual([]);
    expect(await refusalOf(applications.restore(applicationIds))).toMatchObject({
      name: 'application_not_found',
    });

    await applications.delete(applicationIds);
    await served.clock.advance(DAY_MS + 1);
    expect(await refusalOf(applications.restore(applicationIds))).toMatchObject({
      namespace: 'pkg/identityserver',
      name: 'restore_window_expired',
      code: 9,
    });
    await applications.purge(applicationIds);
    expect((await applications.list({ deleted: true })).applications).toEqual([]);
    expect(await refusalOf(applications.purge(applicationIds))).toMatchObject({
      name: 'application_not_found',
    });
  });

  test('an application made anew in place of a deleted one has nothing of it', async () => {
    const { applications, applicationAccess } = registries();
    const applicationIds = { applicationId: `anew-${carrier.toLowerCase()}` };
    await applications.create({ application: { ids: applicationIds }, collaborator });
    const rights = [Right.APPLICATION_ALL];
    const { key } = await applicationAccess.createAPIKey({ applicationIds, rights });
    await applications.delete(applicationIds);
    await applications.create({ application: { ids: applicationIds }, collaborator });
    const foreign = registries(key).applications.get({ applicationIds });
    expect(await refusalOf(foreign)).toMatchObject({ name: 'api_key_not_found' });
    const { apiKeys } = await applicationAccess.listAPIKeys({ applicationIds });
    expect(apiKeys).toEqual([]);
    await applications.purge(applicationIds);
  });

  test('only an administrator purges, and no application with devices', async () => {
    const { applications, applicationAccess, devices } = registries();
    const applicationIds = { applicationId: `full-${carrier.toLowerCase()}` };
    await applications.create({ application: { ids: applicationIds }, collaborator });
    const rights = [Right.APPLICATION_ALL];
    const { key } = await applicationAccess.createAPIKey({ applicationIds, rights });
    expect(await refusalOf(registries(key).applications.purge(applicationIds))).toMatchObject({
      namespace: 'pkg/identityserver',
      name: 'admins_purge_applications',
      code: 7,
    });
    await devices.create({ endDevice: { ids: { applicationIds, deviceId: 'door' } } });
    expect(await refusalOf(applications.purge(applicationIds))).toMatchObject({
      name: 'application_has_devices',
      attributes: { count: 1 },
    });
  });

  test('DevEUIs come from a block of the workspace, each once and none that a device has', async () => {
    const { applications, devices } = registries();
    const applicationIds = { applicationId: `euis-${carrier.toLowerCase()}` };
    await applications.create({ application: { ids: applicationIds }, collaborator });
    const issue = async () => Buffer.from((await applications.issueDevEUI(applicationIds)).devEui);
    const first = await issue();
    // Locally administered, and not a group (IEEE 802, the two low bits of the first byte).
    expect((first[0] ?? 0) & 3).toBe(2);
    const next = Buffer.from(first);
    next.writeUInt32BE(first.readUInt32BE(4) + 1, 4);
    const ids = { applicationIds, deviceId: 'door', devEui: next };
    await devices.create({ endDevice: { ids } });
    const second = await issue();
    expect(second.readUInt32BE(4)).toBe(first.readUInt32BE(4) + 2);
    expect(second.subarray(0, 5)).toEqual(first.subarray(0, 5));
    const fieldMask = { paths: ['dev_eui_counter'] };
    expect((await applications.get({ applicationIds, fieldMask })).devEuiCounter).toBe(2);
  });

  test('a deleted gateway comes back with its secrets, unless its EUI has been taken', async () => {
    const { gateways } = registries();
    const gatewayId = `roof-${carrier.toLowerCase()}`;
    const eui = Uint8Array.of(0x58, 0xa0, 0xcb, 0xff, 0xfe, 0x80, 1, CARRIERS.indexOf(carrier));
    const lbsLnsSecret = { value: Uint8Array.of(1, 2, 3) };
    const gateway = { ids: { gatewayId, eui }, name: 'Roof', lbsLnsSecret };
    await gateways.create({ gateway, collaborator });
    await gateways.delete({ gatewayId });
    const { gateways: deleted } = await gateways.list({ deleted: true, order: 'created_at' });
    expect(deleted.map(({ ids }) => ids?.gatewayId)).toEqual([gatewayId]);
    await gateways.restore({ gatewayId });
    const fieldMask = { paths: ['name', 'lbs_lns_secret'] };
    const read = await gateways.get({ gatewayIds: { gatewayId }, fieldMask });
    expect(read).toMatchObject({ name: 'Roof', lbsLnsSecret });
    expect((await gateways.getIdentifiersForEUI({ eui })).gatewayId).toBe(gatewayId);

    await gateways.delete({ gatewayId });
    const other = { ids: { gatewayId: `${gatewayId}-2`, eui } };
    await gateways.create({ gateway: other, collaborator });
    expect(await refusalOf(gateways.restore({ gatewayId }))).toMatchObject({
      name: 'gateway_eui_taken',
      code: 6,
    });
    await gateways.purge({ gatewayId: `${gatewayId}-2` });
    await gateways.restore({ gatewayId });
    await gateways.purge({ gatewayId });
    expect(await refusalOf(gateways.get({ gatewayIds: { gatewayId } }))).toMatchObject({ code: 5 });
  });
});

test('every REST binding', async () => {
  const { rest } = served;
  await rest('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'rest' } },
  });
  const issued = await rest('POST', '/applications/rest/dev-eui');
  expect(issued.json).toEqual({ dev_eui: expect.stringMatching(/^[0-9A-F]{16}$/) });
  await rest('POST', '/users/admin/gateways', { gateway: { ids: { gateway_id: 'rest' } } });
  for (const path of ['/applications/rest', '/gateways/rest']) {
    expect((await rest('DELETE', path)).status).toBe(200);
    expect((await rest('GET', path)).status).toBe(404);
    const [, list = ''] = path.split('/');
    expect((await rest('GET', `/${list}?deleted=true`)).json[list]).toHaveLength(1);
    expect(await rest('POST', `${path}/restore`)).toMatchObject({ status: 200, json: {} });
    expect((await rest('GET', path)).status).toBe(200);
    expect(await rest('DELETE', `${path}/purge`)).toMatchObject({ status: 200, json: {} });
    expect((await rest('GET', path)).status).toBe(404);
    expect((await rest('DELETE', `${path}/purge`, undefined, '')).status).toBe(403);
  }
});
