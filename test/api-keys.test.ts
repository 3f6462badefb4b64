import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ApplicationAccess,
  ApplicationRegistry,
} from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import {
  GatewayAccess,
  GatewayRegistry,
} from '../main/api/gen/ttn/lorawan/v3/gateway_services_pb.js';
import { EntityAccess } from '../main/api/gen/ttn/lorawan/v3/identityserver_pb.js';
import { Right } from '../main/api/gen/ttn/lorawan/v3/rights_pb.js';
import { UserAccess, UserRegistry } from '../main/api/gen/ttn/lorawan/v3/user_services_pb.js';
import { CARRIERS, openServedApp, refusalOf, type ServedApp } from './support/served-app.ts';

const applicationIds = { applicationId: 'lab' };
const gatewayIds = { gatewayId: 'roof' };
const userIds = { userId: 'admin' };
let served: ServedApp;

beforeAll(async () => {
  served = await openServedApp();
  const created = await served.rest('POST', '/users/admin/gateways', {
    gateway: { ids: { gateway_id: 'roof' } },
  });
  expect(created.status).toBe(200);
});
afterAll(() => served.close());

const applicationKey = async (...rights: Right[]) => {
  const access = createClient(ApplicationAccess, served.transport('gRPC'));
  return access.createAPIKey({ applicationIds, rights });
};

describe.each(CARRIERS)('over %s', (carrier) => {
  const as = (token?: string) => ({
    applications: createClient(ApplicationRegistry, served.transport(carrier, token)),
    application: createClient(ApplicationAccess, served.transport(carrier, token)),
    gateways: createClient(GatewayRegistry, served.transport(carrier, token)),
    gateway: createClient(GatewayAccess, served.transport(carrier, token)),
    user: createClient(UserAccess, served.transport(carrier, token)),
    users: createClient(UserRegistry, served.transport(carrier, token)),
    entity: createClient(EntityAccess, served.transport(carrier, token)),
  });

  test('a key of an application opens that application, no other, and is shown once', async () => {
    const rights = [Right.APPLICATION_INFO, Right.APPLICATION_SETTINGS_BASIC];
    const made = await as().application.createAPIKey({ applicationIds, name: 'ci', rights });
    expect(made.key).toMatch(/^NNSXS\.[A-Z2-7]{39}\.[A-Z2-7]{52}$/);
    expect(made).toMatchObject({ name: 'ci', rights, id: made.key.split('.')[1] });
    const own = as(made.key);
    expect((await own.applications.get({ applicationIds })).ids).toMatchObject(applicationIds);
    const foreign = own.applications.get({ applicationIds: { applicationId: 'other' } });
    expect(await refusalOf(foreign)).toMatchObject({ name: 'no_application_rights', code: 7 });
    const keys = own.application.listAPIKeys({ applicationIds });
    expect(await refusalOf(keys)).toMatchObject({
      name: 'insufficient_application_rights',
      attributes: { uid: 'lab', missing: ['RIGHT_APPLICATION_SETTINGS_API_KEYS'] },
    });
    expect((await own.application.listRights(applicationIds)).rights).toEqual(rights);

    const read = await as().application.getAPIKey({ applicationIds, keyId: made.id });
    expect(read).toMatchObject({ id: made.id, name: 'ci', rights, key: '' });
    const { apiKeys } = await as().application.listAPIKeys({ applicationIds });
    expect(apiKeys.map(({ key }) => key).join('')).toBe('');
    expect(apiKeys.map(({ id }) => id)).toContain(made.id);

    const renamed = await as().application.updateAPIKey({
      applicationIds,
      apiKey: { id: made.id, name: 'nightly', rights: [Right.APPLICATION_INFO] },
      fieldMask: { paths: ['name'] },
    });
    expect(renamed).toMatchObject({ name: 'nightly', rights, key: '' });
    await as().application.deleteAPIKey({ applicationIds, keyId: made.id });
    expect(await refusalOf(own.applications.get({ applicationIds }))).toMatchObject({
      namespace: 'pkg/identityserver',
      name: 'api_key_not_found',
      code: 16,
    });
    const gone = as().application.getAPIKey({ applicationIds, keyId: made.id });
    expect(await refusalOf(gone)).toMatchObject({
      namespace: 'pkg/identityserver/store',
      name: 'api_key_not_found',
      code: 5,
    });
  });

  test('a key of a gateway opens that gateway and no application', async () => {
    const rights = [Right.GATEWAY_INFO, Right.GATEWAY_SETTINGS_API_KEYS];
    const made = await as().gateway.createAPIKey({ gatewayIds, rights });
    const own = as(made.key);
    expect((await own.gateways.get({ gatewayIds })).ids?.gatewayId).toBe('roof');
    const application = own.applications.get({ applicationIds });
    expect(await refusalOf(application)).toMatchObject({ name: 'no_application_rights' });
    expect((await own.gateway.listRights({ gatewayId: 'roof' })).rights).toEqual(rights);
    expect((await own.gateway.listAPIKeys({ gatewayIds })).apiKeys).toHaveLength(1);
    const update = { id: made.id, name: 'box', rights: [] };
    const fieldMask = { paths: ['name'] };
    const updated = await own.gateway.updateAPIKey({ gatewayIds, apiKey: update, fieldMask });
    expect(updated.name).toBe('box');
    expect((await own.gateway.getAPIKey({ gatewayIds, keyId: made.id })).name).toBe('box');
    expect((await own.entity.authInfo({})).accessMethod).toMatchObject({
      case: 'apiKey',
      value: {
        apiKey: { id: made.id, name: 'box', key: '', rights },
        entityIds: { ids: { case: 'gatewayIds', value: { gatewayId: 'roof' } } },
      },
    });
    await own.gateway.deleteAPIKey({ gatewayIds, keyId: made.id });
    expect(await refusalOf(own.entity.authInfo({}))).toMatchObject({ code: 16 });
  });

  test('a key of the user reaches everything its rights name', async () => {
    const rights = [Right.APPLICATION_INFO, Right.USER_APPLICATIONS_LIST];
    const made = await as().user.createAPIKey({ userIds, name: 'reader', rights });
    const own = as(made.key);
    expect((await own.applications.get({ applicationIds })).ids).toMatchObject(applicationIds);
    const { applications } = await own.applications.list({});
    expect(applications.map(({ ids }) => ids?.applicationId)).toContain('lab');
    expect((await own.gateways.list({})).gateways).toEqual([]);
    const info = await own.entity.authInfo({});
    expect(info.isAdmin).toBe(false);
    expect(info.accessMethod).toMatchObject({
      value: { entityIds: { ids: { case: 'userIds', value: { userId: 'admin' } } } },
    });
    expect((await own.user.listRights(userIds)).rights).toEqual([Right.USER_APPLICATIONS_LIST]);
    expect(await refusalOf(own.users.get({ userIds }))).toMatchObject({
      name: 'insufficient_user_rights',
      attributes: { uid: 'admin', missing: ['RIGHT_USER_INFO'] },
    });
    expect((await as().user.getAPIKey({ userIds, keyId: made.id })).name).toBe('reader');
    const { apiKeys } = await as().user.listAPIKeys({ userIds, order: '-name' });
    expect(apiKeys.map(({ name }) => name)).toContain('reader');
    const fieldMask = { paths: ['rights'] };
    const apiKey = { id: made.id, rights: [Right.ALL] };
    await as().user.updateAPIKey({ userIds, apiKey, fieldMask });
    expect((await own.entity.authInfo({})).isAdmin).toBe(true);
    await as().user.deleteAPIKey({ userIds, keyId: made.id });
    expect(await refusalOf(own.applications.list({}))).toMatchObject({ code: 16 });
  });

  test('the only collaborator is the user admin, who stays', async () => {
    const admin = { ids: { case: 'userIds', value: { userId: 'admin' } } } as const;
    const eve = { ids: { case: 'userIds', value: { userId: 'eve' } } } as const;
    const { application, gateway } = as();
    const { collaborators } = await application.listCollaborators({ applicationIds });
    expect(collaborators).toMatchObject([{ ids: admin, rights: [Right.APPLICATION_ALL] }]);
    expect((await gateway.listCollaborators({ gatewayIds })).collaborators).toHaveLength(1);
    const found = await gateway.getCollaborator({ gatewayIds, collaborator: admin });
    expect(found.rights).toEqual([Right.GATEWAY_ALL]);
    const other = application.getCollaborator({ applicationIds, collaborator: eve });
    expect(await refusalOf(other)).toMatchObject({ name: 'membership_not_found', code: 5 });
    const all = { ids: admin, rights: [Right.GATEWAY_ALL] };
    await gateway.setCollaborator({ gatewayIds, collaborator: all });
    const gone = application.deleteCollaborator({ applicationIds, collaboratorIds: admin });
    expect(await refusalOf(gone)).toMatchObject({
      name: 'application_needs_collaborator',
      code: 9,
    });
  });

  test('nobody is told anything without credentials, and nobody is asked to have some', async () => {
    const info = await as('').entity.authInfo({});
    expect(info).toMatchObject({ isAdmin: false, accessMethod: { case: undefined } });
    const rights = as('').application.listRights(applicationIds);
    expect(await refusalOf(rights)).toMatchObject({ name: 'unauthenticated', code: 16 });
    const keys = as('').user.listAPIKeys({ userIds });
    expect(await refusalOf(keys)).toMatchObject({ name: 'no_user_rights', code: 7 });
  });
});

test('a key cannot make another one that may do more', async () => {
  const { key } = await applicationKey(
    Right.APPLICATION_SETTINGS_API_KEYS,
    Right.APPLICATION_DEVICES_READ,
  );
  const own = createClient(ApplicationAccess, served.transport('gRPC', key));
  const ask = (...rights: Right[]) => refusalOf(own.createAPIKey({ applicationIds, rights }));
  expect(await ask(Right.APPLICATION_DEVICES_READ, Right.APPLICATION_DEVICES_WRITE)).toMatchObject({
    namespace: 'pkg/auth/rights',
    name: 'insufficient_application_rights',
    attributes: { missing: ['RIGHT_APPLICATION_DEVICES_WRITE'] },
  });
  expect(await ask(Right.ALL)).toMatchObject({ attributes: { missing: ['RIGHT_ALL'] } });
  const made = await own.createAPIKey({ applicationIds, rights: [Right.APPLICATION_DEVICES_READ] });
  const more = own.updateAPIKey({
    applicationIds,
    apiKey: { id: made.id, rights: [Right.APPLICATION_DEVICES_READ, Right.APPLICATION_DELETE] },
    fieldMask: { paths: ['rights'] },
  });
  expect(await refusalOf(more)).toMatchObject({
    attributes: { missing: ['RIGHT_APPLICATION_DELETE'] },
  });
  const strong = await applicationKey(Right.APPLICATION_DELETE);
  const less = own.updateAPIKey({
    applicationIds,
    apiKey: { id: strong.id, rights: [Right.APPLICATION_DEVICES_READ] },
    fieldMask: { paths: ['rights'] },
  });
  expect(await refusalOf(less)).toMatchObject({
    attributes: { missing: ['RIGHT_APPLICATION_DELETE'] },
  });
});

test('a key of an application takes rights on applications only, whoever makes it', async () => {
  expect(await refusalOf(applicationKey(Right.GATEWAY_INFO, Right.ALL))).toMatchObject({
    name: 'insufficient_application_rights',
    attributes: { missing: ['RIGHT_GATEWAY_INFO', 'RIGHT_ALL'] },
  });
});

test('RIGHT_APPLICATION_ALL and RIGHT_APPLICATION_LINK list what they imply', async () => {
  const rightsOf = async (right: Right) => {
    const { key } = await applicationKey(right);
    const own = createClient(ApplicationAccess, served.transport('Connect', key));
    return (await own.listRights(applicationIds)).rights.map((one) => Right[one]);
  };
  expect(await rightsOf(Right.APPLICATION_LINK)).toEqual([
    'APPLICATION_INFO',
    'APPLICATION_TRAFFIC_READ',
    'APPLICATION_TRAFFIC_DOWN_WRITE',
    'APPLICATION_LINK',
  ]);
  const all = await rightsOf(Right.APPLICATION_ALL);
  expect(all).toHaveLength(15);
  expect(all.every((name) => name?.startsWith('APPLICATION_'))).toBe(true);
});

test('an expired key is refused, and works again with a later expiry', async () => {
  const hourMs = 3_600_000;
  const access = createClient(ApplicationAccess, served.transport('gRPC'));
  const expiresAt = timestampFromMs(served.clock.now() + hourMs);
  const rights = [Right.APPLICATION_INFO];
  const { id, key } = await access.createAPIKey({ applicationIds, rights, expiresAt });
  const asked = () => served.rest('GET', '/applications/lab', undefined, key);
  expect((await asked()).status).toBe(200);
  await served.clock.advance(hourMs);
  expect(await asked()).toMatchObject({
    status: 401,
    json: { code: 16, details: [{ namespace: 'pkg/identityserver', name: 'api_key_expired' }] },
  });
  const later = timestampFromMs(served.clock.now() + hourMs);
  const fieldMask = { paths: ['expires_at'] };
  await access.updateAPIKey({ applicationIds, apiKey: { id, expiresAt: later }, fieldMask });
  expect((await asked()).status).toBe(200);
  const past = timestampFromMs(served.clock.now() - 1);
  const made = access.createAPIKey({ applicationIds, rights, expiresAt: past });
  expect(await refusalOf(made)).toMatchObject({ namespace: 'pkg/errors', name: 'validation' });
});

test('the first SDK renames and deletes keys by updates without a mask', async () => {
  const { id, key } = await applicationKey(Right.APPLICATION_INFO);
  const path = `/applications/lab/api-keys/${id}`;
  const renamed = await served.rest('PUT', path, { api_key: { name: 'renamed' } });
  expect(renamed.json).toMatchObject({ name: 'renamed', rights: ['RIGHT_APPLICATION_INFO'] });
  const deleted = await served.rest('PUT', path, { api_key: { rights: [] } });
  expect(deleted).toMatchObject({ status: 200, json: {} });
  expect((await served.rest('GET', path)).status).toBe(404);
  expect((await served.rest('GET', '/applications/lab', undefined, key)).status).toBe(401);
});

test('a key left without rights is gone', async () => {
  const { id } = await applicationKey(Right.APPLICATION_INFO);
  const path = `/applications/lab/api-keys/${id}`;
  const body = { api_key: { name: 'none' }, field_mask: { paths: ['rights'] } };
  expect(await served.rest('PUT', path, body)).toMatchObject({ status: 200, json: {} });
  expect((await served.rest('GET', path)).status).toBe(404);
});

test('what happens to keys is told to whoever follows the application', async () => {
  const reader = served.app.events.subscribe({
    entities: [{ kind: 'application', applicationId: 'lab' }],
    tail: 0,
  });
  const { id } = await applicationKey(Right.APPLICATION_INFO);
  const path = `/applications/lab/api-keys/${id}`;
  await served.rest('PUT', path, { api_key: { name: 'two' } });
  await served.rest('DELETE', path);
  const names: string[] = [];
  while (names.length < 3)
    names.push(...((await reader.next())?.events.map(({ name }) => name) ?? []));
  reader.close();
  expect(names).toEqual(
    ['create', 'update', 'delete'].map((what) => `application.api-key.${what}`),
  );
});

test('keys go with their gateway', async () => {
  await served.rest('POST', '/users/admin/gateways', { gateway: { ids: { gateway_id: 'shed' } } });
  const made = await served.rest('POST', '/gateways/shed/api-keys', {
    rights: ['RIGHT_GATEWAY_INFO'],
  });
  const key = String(made.json.key);
  expect((await served.rest('GET', '/gateways/shed', undefined, key)).status).toBe(200);
  expect((await served.rest('DELETE', '/gateways/shed')).status).toBe(200);
  expect((await served.rest('GET', '/auth_info', undefined, key)).status).toBe(401);
});

test('secrets of keys lie in no file', async () => {
  const { key } = await applicationKey(Right.APPLICATION_INFO);
  const [, id = '', secret = ''] = key.split('.');
  const files = readdirSync(served.directory).map((name) =>
    readFileSync(join(served.directory, name)),
  );
  expect(files.some((bytes) => bytes.includes(id))).toBe(true);
  expect(files.some((bytes) => bytes.includes(secret))).toBe(false);
});

describe('every REST binding', () => {
  const kinds = [
    ['applications/lab', 'RIGHT_APPLICATION_INFO', 'RIGHT_APPLICATION_ALL'],
    ['gateways/roof', 'RIGHT_GATEWAY_INFO', 'RIGHT_GATEWAY_ALL'],
    ['users/admin', 'RIGHT_USER_INFO', 'RIGHT_USER_ALL'],
  ] as const;

  test.each(kinds)('of the keys of %s', async (entity, right, all) => {
    const { rest } = served;
    const rights = await rest('GET', `/${entity}/rights`);
    expect(rights.json.rights).toContain(all);
    const made = await rest('POST', `/${entity}/api-keys`, { name: 'one', rights: [right] });
    expect(made.json).toMatchObject({ name: 'one', rights: [right], key: expect.any(String) });
    const path = `/${entity}/api-keys/${String(made.json.id)}`;
    const read = await rest('GET', path);
    expect(read.json).toMatchObject({ id: made.json.id, name: 'one' });
    expect(read.json.key).toBeUndefined();
    const listed = await rest('GET', `/${entity}/api-keys?limit=1&page=1&order=-name`);
    expect(listed.json.api_keys).toEqual([read.json]);
    expect(Number(listed.headers.get('x-total-count'))).toBeGreaterThan(0);
    const updated = await rest('PUT', path, {
      api_key: { name: 'two' },
      field_mask: { paths: ['name'] },
    });
    expect(updated.json).toMatchObject({ name: 'two', rights: [right] });
    expect(await rest('DELETE', path)).toMatchObject({ status: 200, json: {} });
    expect((await rest('GET', path)).status).toBe(404);
  });

  test.each([
    ['applications/lab', 'collaborator', 'RIGHT_APPLICATION_ALL', 'application_needs_collaborator'],
    ['gateways/roof', 'collaborators', 'RIGHT_GATEWAY_ALL', 'gateway_needs_collaborator'],
  ])('of the collaborators of %s', async (entity, deletePath, all, needs) => {
    const { rest } = served;
    const admin = { ids: { user_ids: { user_id: 'admin' } }, rights: [all] };
    const listed = await rest('GET', `/${entity}/collaborators`);
    expect(listed.json).toEqual({ collaborators: [admin] });
    expect(listed.headers.get('x-total-count')).toBe('1');
    expect((await rest('GET', `/${entity}/collaborator/user/admin`)).json).toEqual(admin);
    const nobody = await rest('GET', `/${entity}/collaborator/organization/acme`);
    expect(nobody).toMatchObject({
      status: 404,
      json: { details: [{ name: 'membership_not_found', attributes: { account_id: 'acme' } }] },
    });
    const set = (collaborator: unknown) =>
      rest('PUT', `/${entity}/collaborators`, { collaborator });
    expect((await set(admin)).status).toBe(200);
    expect(await set({ ...admin, rights: [] })).toMatchObject({
      status: 400,
      json: { code: 9, details: [{ name: needs }] },
    });
    expect(await set({ ...admin, ids: { user_ids: { user_id: 'eve' } } })).toMatchObject({
      status: 404,
      json: { details: [{ name: 'account_not_found' }] },
    });
    const remove = (who: string) => rest('DELETE', `/${entity}/${deletePath}/${who}`);
    expect((await remove('user/admin')).json).toMatchObject({ details: [{ name: needs }] });
    expect((await remove('organization/acme')).status).toBe(404);
  });
});

test('what does not exist is said to, before anything else of it', async () => {
  for (const path of ['/applications/none/api-keys', '/gateways/none/api-keys']) {
    expect((await served.rest('GET', path)).status).toBe(404);
  }
  expect(await served.rest('GET', '/users/eve/api-keys')).toMatchObject({
    status: 404,
    json: { details: [{ namespace: 'pkg/identityserver/store', name: 'user_not_found' }] },
  });
  const made = await served.rest('POST', '/applications/none/api-keys', {
    rights: ['RIGHT_APPLICATION_INFO'],
  });
  expect(made.json).toMatchObject({ details: [{ name: 'application_not_found' }] });
});
