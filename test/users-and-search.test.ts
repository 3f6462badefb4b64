import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApplicationAccess } from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import { EntityRegistrySearch } from '../main/api/gen/ttn/lorawan/v3/entity_search_services_pb.js';
import { Right } from '../main/api/gen/ttn/lorawan/v3/rights_pb.js';
import { UserRegistry } from '../main/api/gen/ttn/lorawan/v3/user_services_pb.js';
import { CARRIERS, openServedApp, refusalOf, type ServedApp } from './support/served-app.ts';

let served: ServedApp;

beforeAll(async () => {
  served = await openServedApp();
  const applications = [
    {
      ids: { application_id: 'cold-store' },
      name: 'Cold Store',
      description: 'Fridges by the sea',
    },
    { ids: { application_id: 'parking' }, name: 'Car park', attributes: { city: 'Utrecht' } },
  ];
  for (const application of applications)
    await served.rest('POST', '/users/admin/applications', { application });
  const gateways = [
    { ids: { gateway_id: 'roof', eui: '58A0CBFFFE8001AB' }, name: 'Roof' },
    { ids: { gateway_id: 'cellar' }, attributes: { city: 'utrecht-west' } },
  ];
  for (const gateway of gateways) await served.rest('POST', '/users/admin/gateways', { gateway });
});
afterAll(() => served.close());

describe.each(CARRIERS)('over %s', (carrier) => {
  const search = () => createClient(EntityRegistrySearch, served.transport(carrier));
  const applications = async (request: object) => {
    const found = await search().searchApplications({ order: 'application_id', ...request });
    return found.applications.map(({ ids }) => ids?.applicationId);
  };
  const gateways = async (request: object) => {
    const found = await search().searchGateways({ order: 'gateway_id', ...request });
    return found.gateways.map(({ ids }) => ids?.gatewayId);
  };

  test('applications are found by parts of what they are called, and by words', async () => {
    expect(await applications({})).toEqual(['cold-store', 'lab', 'parking']);
    expect(await applications({ query: 'PARK' })).toEqual(['parking']);
    expect(await applications({ query: 'sea fridges' })).toEqual(['cold-store']);
    expect(await applications({ idContains: 'a' })).toEqual(['lab', 'parking']);
    expect(await applications({ idContains: 'a', nameContains: 'lab' })).toEqual(['lab']);
    expect(await applications({ descriptionContains: 'fridges' })).toEqual(['cold-store']);
    expect(await applications({ attributesContain: { city: 'utr' } })).toEqual(['parking']);
    expect(await applications({ attributesContain: { town: '' } })).toEqual([]);
    expect(await applications({ limit: 1, page: 2 })).toEqual(['lab']);
  });

  test('gateways are found by EUI too', async () => {
    expect(await gateways({ euiContains: '8001ab' })).toEqual(['roof']);
    expect(await gateways({ query: '58A0' })).toEqual(['roof']);
    expect(await gateways({ attributesContain: { city: 'utrecht' } })).toEqual(['cellar']);
    expect(await gateways({ order: '-gateway_id' })).toEqual(['roof', 'cellar']);
  });

  test('there is one user, no client and no organization', async () => {
    const users = createClient(UserRegistry, served.transport(carrier));
    const user = await users.get({ userIds: { userId: 'admin' }, fieldMask: { paths: ['admin'] } });
    expect(user).toMatchObject({ ids: { userId: 'admin' }, admin: true, name: '' });
    expect(user.createdAt?.seconds).toBe(BigInt(Date.UTC(2026, 0, 1) / 1000));
    const { users: all } = await users.list({ fieldMask: { paths: ['name', 'state'] } });
    expect(all.map(({ ids, state }) => [ids?.userId, state])).toEqual([['admin', 1]]);
    expect((await search().searchUsers({ query: 'adm' })).users).toHaveLength(1);
    expect((await search().searchUsers({ query: 'eve' })).users).toHaveLength(0);
    expect((await search().searchClients({})).clients).toEqual([]);
    expect((await search().searchOrganizations({})).organizations).toEqual([]);
    const { accountIds } = await search().searchAccounts({ query: 'admin' });
    expect(accountIds[0]?.ids).toMatchObject({ case: 'userIds', value: { userId: 'admin' } });
    const eve = users.get({ userIds: { userId: 'eve' } });
    expect(await refusalOf(eve)).toMatchObject({ name: 'user_not_found', code: 5 });
    const refused = users.updatePassword({ userIds: { userId: 'admin' }, new: 'secret' });
    expect(await refusalOf(refused)).toMatchObject({ name: 'one_user_only', code: 12 });
  });

  test('a key of one application may not search', async () => {
    const access = createClient(ApplicationAccess, served.transport(carrier));
    const rights = [Right.APPLICATION_ALL];
    const { key } = await access.createAPIKey({ applicationIds: { applicationId: 'lab' }, rights });
    const own = createClient(EntityRegistrySearch, served.transport(carrier, key));
    expect(await refusalOf(own.searchApplications({}))).toMatchObject({
      namespace: 'pkg/identityserver',
      name: 'search_forbidden',
      code: 7,
    });
    expect(await refusalOf(own.searchUsers({}))).toMatchObject({ name: 'no_admin', code: 7 });
    const anonymous = createClient(EntityRegistrySearch, served.transport(carrier, ''));
    expect(await refusalOf(anonymous.searchGateways({}))).toMatchObject({
      name: 'unauthenticated',
    });
  });
});

test.each([
  [
    '/search/applications?name_contains=car&field_mask=description',
    'applications',
    'Car park',
    '1',
  ],
  ['/search/gateways?name_contains=oo', 'gateways', 'Roof', '1'],
  ['/search/users?name_contains=admin', 'users', undefined, '1'],
  ['/search/clients?query=x', 'clients', undefined, '0'],
  ['/search/organizations?query=x', 'organizations', undefined, '0'],
])('GET %s answers with the fields it searched in, and counts', async (path, list, name, total) => {
  const { json, headers } = await served.rest('GET', path);
  expect(headers.get('x-total-count')).toBe(total);
  const found = (json[list] ?? []) as { name?: string }[];
  expect(found).toHaveLength(Number(total));
  expect(found[0]?.name).toBe(name);
});

test.each([
  '/search/accounts',
  ...['applications/lab', 'gateways/roof'].map((of) => `/${of}/collaborators/search`),
  '/clients/cli/collaborators/search',
  '/organizations/acme/collaborators/search',
])('GET %s finds the user, and nobody who is no collaborator yet', async (path) => {
  const { json } = await served.rest('GET', `${path}?query=adm`);
  expect(json).toEqual({ account_ids: [{ user_ids: { user_id: 'admin' } }] });
  const others = await served.rest('GET', `${path}?query=adm&complement_collaborators=true`);
  expect(others.json).toEqual(path.startsWith('/search') ? json : {});
});

test.each([
  ['POST', '/users', { user: { ids: { user_id: 'eve' }, primary_email_address: 'e@example.com' } }],
  ['PUT', '/users/admin', { user: { name: 'Me' }, field_mask: { paths: ['name'] } }],
  ['POST', '/users/admin/temporary_password', undefined],
  ['PUT', '/users/admin/password', { new: 'x' }],
  ['DELETE', '/users/admin', undefined],
  ['POST', '/users/admin/restore', undefined],
  ['DELETE', '/users/admin/purge', undefined],
  ['POST', '/users/admin/login-tokens', undefined],
])('%s %s says that there is one user only', async (verb, path, body) => {
  const { status, json } = await served.rest(verb, path, body);
  expect(status).toBe(501);
  expect(json).toMatchObject({
    code: 12,
    details: [{ namespace: 'gatehouse/users', name: 'one_user_only' }],
  });
});
