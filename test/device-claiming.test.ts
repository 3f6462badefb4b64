import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClaimingStore } from '../main/api/gen/gatehouse/v1/claiming_pb.js';
import { ApplicationAccess } from '../main/api/gen/ttn/lorawan/v3/application_services_pb.js';
import {
  EndDeviceBatchClaimingServer,
  EndDeviceClaimingServer,
} from '../main/api/gen/ttn/lorawan/v3/deviceclaimingserver_pb.js';
import { EndDeviceRegistry } from '../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { Right } from '../main/api/gen/ttn/lorawan/v3/rights_pb.js';
import { CARRIERS, openServedApp, refusalOf, type ServedApp } from './support/served-app.ts';

const JOIN_EUI = '70B3D57ED0000001';
const CODE = 'SECRETCODE7';
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const joinEui = bytes(JOIN_EUI);
const lab = { applicationId: 'lab' };
let served: ServedApp;

/** A DevEUI of its own per carrier, so that their claims do not meet. */
const devEuiOf = (carrier: string, number: number): string =>
  `0004A30B${Buffer.from(carrier.slice(-3)).toString('hex').toUpperCase()}${String(number).padStart(2, '0')}`;

beforeAll(async () => {
  served = await openServedApp();
  await served.rest('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'other' } },
  });
  const lines = [...CARRIERS, 'rest'].flatMap((carrier) =>
    [1, 2, 3].map((number) => `${JOIN_EUI},${devEuiOf(carrier, number)},${CODE}`),
  );
  const csv = ['join_eui,dev_eui,claim_authentication_code', ...lines].join('\n');
  const imported = await served.rest('POST', '/gatehouse/claimable-devices/import', { csv });
  expect(imported.json).toEqual({ added: 12 });
});
afterAll(() => served.close());

describe.each(CARRIERS)('over %s', (carrier) => {
  const one = (token?: string) =>
    createClient(EndDeviceClaimingServer, served.transport(carrier, token));
  const batch = () => createClient(EndDeviceBatchClaimingServer, served.transport(carrier));
  const devices = () => createClient(EndDeviceRegistry, served.transport(carrier));
  const claim = (
    devEui: string,
    { code = CODE, application = 'lab', deviceId = '', token }: Record<string, string> = {},
  ) =>
    one(token).claim({
      sourceDevice: {
        case: 'authenticatedIdentifiers',
        value: { joinEui, devEui: bytes(devEui), authenticationCode: code },
      },
      targetApplicationIds: { applicationId: application },
      targetDeviceId: deviceId,
    });
  const register = (deviceId: string, devEui: string) =>
    devices().create({
      endDevice: { ids: { applicationIds: lab, deviceId, joinEui, devEui: bytes(devEui) } },
    });

  test('which JoinEUIs can be claimed is told to anybody', async () => {
    const other = bytes('70B3D57ED0000002');
    expect(await one('').getInfoByJoinEUI({ joinEui })).toMatchObject({
      joinEui,
      supportsClaiming: true,
    });
    expect((await one('').getInfoByJoinEUI({ joinEui: other })).supportsClaiming).toBe(false);
    const { infos } = await batch().getInfoByJoinEUIs({
      requests: [{ joinEui: other }, { joinEui }],
    });
    expect(infos.map(({ supportsClaiming }) => supportsClaiming)).toEqual([false, true]);
  });

  test('a device is claimed with its code, registered by the client, and given up again', async () => {
    const devEui = devEuiOf(carrier, 1);
    const deviceId = `door-${carrier.toLowerCase()}`;
    const ids = { applicationIds: lab, deviceId };
    const claimed = await claim(devEui, { deviceId });
    expect(claimed).toMatchObject({ ...ids, joinEui, devEui: bytes(devEui) });
    expect(await refusalOf(devices().get({ endDeviceIds: ids }))).toMatchObject({ code: 5 });
    expect(await refusalOf(one().getClaimStatus(ids))).toMatchObject({
      namespace: 'pkg/deviceclaimingserver',
      name: 'device_not_found',
      code: 5,
    });
    await register(deviceId, devEui);
    expect(await one().getClaimStatus(ids)).toMatchObject({
      endDeviceIds: { deviceId, joinEui },
      homeNetId: bytes('000001'),
    });
    const foreign = claim(devEui, { application: 'other' });
    expect(await refusalOf(foreign)).toMatchObject({
      namespace: 'pkg/deviceclaimingserver/enddevices/ttjsv2',
      name: 'device_access_denied',
      code: 3,
      attributes: { dev_eui: devEui },
    });
    await one().unclaim(ids);
    expect(await refusalOf(one().getClaimStatus(ids))).toMatchObject({
      name: 'device_not_claimed',
    });
    expect(await refusalOf(one().unclaim(ids))).toMatchObject({
      name: 'device_not_claimed',
      code: 5,
    });
    await claim(devEui, { application: 'other' });
    expect(await refusalOf(one().unclaim(ids))).toMatchObject({ name: 'device_access_denied' });
  });

  test('without an id a device is named by its DevEUI', async () => {
    const devEui = devEuiOf(carrier, 2);
    expect((await claim(devEui)).deviceId).toBe(`eui-${devEui.toLowerCase()}`);
  });

  test('a QR code says all that a claim needs', async () => {
    const devEui = devEuiOf(carrier, 3);
    const claimBy = (text: string) =>
      one().claim({
        sourceDevice: { case: 'qrCode', value: new TextEncoder().encode(text) },
        targetApplicationIds: lab,
      });
    expect(await refusalOf(claimBy('https://example.com/my-sensor'))).toMatchObject({
      namespace: 'pkg/deviceclaimingserver',
      name: 'qr_code_data',
      code: 3,
      cause: { name: 'unknown_format' },
    });
    expect(await refusalOf(claimBy(devEui))).toMatchObject({
      name: 'claiming_not_supported',
      attributes: { eui: '0000000000000000' },
    });
    const wrong = claimBy(`LW:D0:${JOIN_EUI}:${devEui}:00420A11:OWRONG`);
    expect(await refusalOf(wrong)).toMatchObject({ name: 'device_access_denied' });
    const claimed = await claimBy(`LW:D0:${JOIN_EUI}:${devEui}:00420A11:O${CODE}:SN1`);
    expect(claimed.devEui).toEqual(bytes(devEui));
  });

  test('what cannot be claimed says why', async () => {
    const wrong = claim(devEuiOf(carrier, 2), { code: 'WRONG' });
    expect(await refusalOf(wrong)).toMatchObject({ name: 'device_access_denied', code: 3 });
    const unknown = claim('0000000000000BAD');
    expect(await refusalOf(unknown)).toMatchObject({ name: 'device_not_provisioned', code: 5 });
    const nowhere = claim(devEuiOf(carrier, 2), { application: 'none' });
    expect(await refusalOf(nowhere)).toMatchObject({ name: 'application_not_found' });
    const uncovered = one().claim({
      sourceDevice: {
        case: 'authenticatedIdentifiers',
        value: { joinEui: bytes('0000000000000009'), authenticationCode: CODE },
      },
      targetApplicationIds: lab,
    });
    expect(await refusalOf(uncovered)).toMatchObject({
      name: 'claiming_not_supported',
      code: 10,
      attributes: { eui: '0000000000000009' },
    });
    const access = createClient(ApplicationAccess, served.transport(carrier));
    const rights = [Right.APPLICATION_DEVICES_READ];
    const { key } = await access.createAPIKey({ applicationIds: lab, rights });
    expect(await refusalOf(claim(devEuiOf(carrier, 2), { token: key }))).toMatchObject({
      name: 'insufficient_application_rights',
      attributes: { missing: ['RIGHT_APPLICATION_DEVICES_WRITE'] },
    });
    expect(await refusalOf(one().claim({ targetApplicationIds: lab }))).toMatchObject({
      name: 'validation',
      code: 3,
    });
  });

  test('several devices are given up at once, each with its own reason if it is not', async () => {
    const prefix = `b-${carrier.toLowerCase()}`;
    await register(`${prefix}-1`, devEuiOf(carrier, 2));
    const noEuis = { applicationIds: lab, deviceId: `${prefix}-2` };
    await devices().create({ endDevice: { ids: noEuis } });
    expect(await refusalOf(one().unclaim(noEuis))).toMatchObject({ name: 'no_euis', code: 9 });
    const elsewhere = { ...noEuis, deviceId: `${prefix}-3`, joinEui: bytes('0000000000000009') };
    const devEui = bytes(devEuiOf(carrier, 9));
    await devices().create({ endDevice: { ids: { ...elsewhere, devEui } } });
    const deviceIds = [1, 2, 3, 4].map((number) => `${prefix}-${number}`);
    const { failed } = await batch().unclaim({ applicationIds: lab, deviceIds });
    expect(Object.entries(failed).map(([id, { name, code }]) => [id, name, code])).toEqual([
      [`${prefix}-2`, 'no_euis', 9],
      [`${prefix}-3`, 'claiming_not_supported', 10],
    ]);
    const ids = { applicationIds: lab, deviceId: `${prefix}-1` };
    expect(await refusalOf(one().getClaimStatus(ids))).toMatchObject({
      name: 'device_not_claimed',
    });
    const nobody = batch().unclaim({ applicationIds: lab, deviceIds: [`${prefix}-4`] });
    expect(await refusalOf(nobody)).toMatchObject({ name: 'no_devices_found', code: 3 });
  });

  test('an application is authorized with a key of its own, which is kept sealed', async () => {
    const access = createClient(ApplicationAccess, served.transport(carrier));
    const keyWith = async (...rights: Right[]) =>
      (await access.createAPIKey({ applicationIds: lab, rights })).key;
    const authorize = (apiKey: string) =>
      one().authorizeApplication({ applicationIds: lab, apiKey });
    expect(await refusalOf(authorize('nonsense'))).toMatchObject({ namespace: 'pkg/auth' });
    const weak = await keyWith(Right.APPLICATION_INFO);
    expect(await refusalOf(authorize(weak))).toMatchObject({
      name: 'insufficient_application_rights',
    });
    const key = await keyWith(Right.APPLICATION_DEVICES_READ, Right.APPLICATION_DEVICES_WRITE);
    await authorize(key);
    const { secrets } = served.store.claimAuthorizations.get('lab') ?? {};
    expect(new TextDecoder().decode(secrets)).toBe(key);
    await one().unauthorizeApplication(lab);
    expect(served.store.claimAuthorizations.get('lab')).toBeUndefined();
  });

  test('the store lists what it has, without codes', async () => {
    const store = createClient(ClaimingStore, served.transport(carrier));
    const { devices: listed } = await store.list({ joinEui: JOIN_EUI, limit: 5, page: 1 });
    expect(listed).toHaveLength(5);
    const csv = `dev_eui;join_eui;claim_authentication_code;note
0000000000000${CARRIERS.indexOf(carrier)}AA;"00000000000000BB";A1;x

12;00000000000000BB;A1
00000000000000AB;00000000000000BB;a1`;
    const imported = await store.import({ csv });
    expect(imported).toMatchObject({ added: 1, updated: 0 });
    expect(imported.problems.map(({ line }) => line)).toEqual([4, 5]);
    expect(await store.import({ csv })).toMatchObject({ added: 0, updated: 1 });
    const of = { joinEui: '00000000000000bb' };
    const [device] = (await store.list(of)).devices;
    expect(device).toMatchObject({ joinEui: bytes(of.joinEui) });
    expect(device?.claimedBy).toBeUndefined();
    const devEui = Buffer.from(device?.devEui ?? []).toString('hex');
    await store.delete({ ...of, devEui });
    expect((await store.list(of)).devices).toEqual([]);
    expect(await refusalOf(store.delete({ ...of, devEui }))).toMatchObject({
      name: 'device_not_provisioned',
      code: 5,
    });
    const without = await store.import({ csv: 'dev_eui,code\n1,2' });
    expect(without.problems[0]).toMatchObject({ line: 1 });
    const anonymous = createClient(ClaimingStore, served.transport(carrier, ''));
    expect(await refusalOf(anonymous.list({}))).toMatchObject({ name: 'no_admin' });
  });
});

test('every REST binding', async () => {
  const { rest } = served;
  const devEui = devEuiOf('rest', 1);
  const info = await rest('POST', '/edcs/claim/info', { join_eui: JOIN_EUI }, '');
  expect(info.json).toEqual({ join_eui: JOIN_EUI, supports_claiming: true });
  const infos = await rest('POST', '/edcs/claim/info/batch', {
    requests: [{ join_eui: JOIN_EUI }],
  });
  expect(infos.json).toEqual({ infos: [info.json] });
  const claimed = await rest('POST', '/edcs/claim', {
    authenticated_identifiers: {
      join_eui: JOIN_EUI,
      dev_eui: devEui,
      authentication_code: CODE,
    },
    target_application_ids: { application_id: 'lab' },
    target_device_id: 'rest-1',
  });
  expect(claimed.json).toEqual({
    device_id: 'rest-1',
    application_ids: { application_id: 'lab' },
    join_eui: JOIN_EUI,
    dev_eui: devEui,
  });
  await rest('POST', '/applications/lab/devices', { end_device: { ids: claimed.json } });
  const path = '/edcs/claim/lab/devices/rest-1';
  expect((await rest('GET', path)).json).toEqual({
    end_device_ids: claimed.json,
    home_net_id: '000001',
  });
  expect(await rest('DELETE', path)).toMatchObject({ status: 200, json: {} });
  const batch = await rest(
    'DELETE',
    '/edcs/claim/lab/devices/batch?device_ids=rest-1&device_ids=rest-2',
  );
  expect(batch.json).toMatchObject({
    application_ids: { application_id: 'lab' },
    failed: { 'rest-1': { name: 'device_not_claimed', code: 5 } },
  });
  const key = await rest('POST', '/applications/lab/api-keys', {
    rights: ['RIGHT_APPLICATION_ALL'],
  });
  const authorized = await rest('POST', '/edcs/applications/lab/authorize', {
    api_key: key.json.key,
  });
  expect(authorized).toMatchObject({ status: 200, json: {} });
  expect((await rest('DELETE', '/edcs/applications/lab/authorize')).status).toBe(200);
  const listed = await rest('GET', `/gatehouse/claimable-devices?join_eui=${JOIN_EUI}&limit=1`);
  expect(listed.headers.get('x-total-count')).toBe('12');
  expect((listed.json.devices as object[])[0]).toMatchObject({ join_eui: JOIN_EUI });
  const removed = await rest('DELETE', `/gatehouse/claimable-devices/${JOIN_EUI}/${devEui}`);
  expect(removed).toMatchObject({ status: 200, json: {} });
  expect((await rest('DELETE', `/gatehouse/claimable-devices/${JOIN_EUI}/${devEui}`)).status).toBe(
    404,
  );
});

test('what a purged application had claimed is free again, and codes lie in no file', async () => {
  const { rest, store, directory } = served;
  const application = { ids: { application_id: 'gone' } };
  await rest('POST', '/users/admin/applications', { application });
  const devEui = devEuiOf('rest', 2);
  const source = { join_eui: JOIN_EUI, dev_eui: devEui, authentication_code: CODE };
  const claimFor = (id: string) =>
    rest('POST', '/edcs/claim', {
      authenticated_identifiers: source,
      target_application_ids: { application_id: id },
    });
  expect((await claimFor('gone')).status).toBe(200);
  expect((await claimFor('lab')).status).toBe(400);
  await rest('DELETE', '/applications/gone/purge');
  expect((await claimFor('lab')).status).toBe(200);
  await store.unit(() => undefined);
  const holding = readdirSync(directory).filter((name) =>
    readFileSync(join(directory, name)).includes(CODE),
  );
  expect(holding).toEqual([]);
});
