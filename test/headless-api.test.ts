import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';

const APP_KEY = '8AFE71A145B253E49C3031AD068277A1';
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-api-'));
let program: HeadlessProcess;

beforeAll(async () => {
  program = await startHeadless(directory);
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function call(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}`, ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

const ids = {
  device_id: 'door-7',
  application_ids: { application_id: 'shop' },
  dev_eui: '0004A30B001C0530',
  join_eui: '0000000000000001',
};

test('an application and an OTAA device are registered by the documented calls', async () => {
  const application = await call('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'shop' }, name: 'Shop' },
  });
  expect(application.json).toMatchObject({ ids: { application_id: 'shop' }, name: 'Shop' });
  const device = await call('POST', '/applications/shop/devices', {
    end_device: { ids: { ...ids, application_ids: undefined }, name: 'Back door' },
  });
  expect(device.json).toMatchObject({ ids, name: 'Back door' });
  const join = await call('PUT', '/js/applications/shop/devices/door-7', {
    end_device: { ids, root_keys: { app_key: { key: APP_KEY } } },
    field_mask: { paths: ['root_keys.app_key.key'] },
  });
  expect(join.json).toMatchObject({ root_keys: { app_key: { key: APP_KEY } } });
  const network = await call('PUT', '/ns/applications/shop/devices/door-7', {
    end_device: {
      ids,
      supports_join: true,
      frequency_plan_id: 'EU_863_870',
      lorawan_version: '1.0.3',
      lorawan_phy_version: 'PHY_V1_0_3_REV_A',
    },
    field_mask: {
      paths: ['supports_join', 'frequency_plan_id', 'lorawan_version', 'lorawan_phy_version'],
    },
  });
  expect(network.json).toMatchObject({ lorawan_version: 'MAC_V1_0_3', supports_join: true });
  const applicationSide = await call('PUT', '/as/applications/shop/devices/door-7', {
    end_device: { ids },
    field_mask: { paths: [] },
  });
  expect(applicationSide.status).toBe(200);
});

test('a gRPC client from another generator reads what REST wrote', async () => {
  const root = fileURLToPath(new URL('../main/api/proto', import.meta.url));
  const definition = loadSync('ttn/lorawan/v3/end_device_services.proto', {
    includeDirs: [root],
    keepCase: true,
  });
  const { ttn } = loadPackageDefinition(definition) as never as {
    ttn: {
      lorawan: {
        v3: { EndDeviceRegistry: new (...args: unknown[]) => Record<string, CallableFunction> };
      };
    };
  };
  const client = new ttn.lorawan.v3.EndDeviceRegistry(
    program.addresses.grpc,
    credentials.createInsecure(),
  );
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${API_KEY}`);
  const device = await new Promise<Record<string, unknown>>((resolve, reject) => {
    const request = {
      end_device_ids: { ...ids, dev_eui: Buffer.alloc(0), join_eui: Buffer.alloc(0) },
      field_mask: { paths: ['name'] },
    };
    client.Get?.(request, metadata, (error: Error | null, answer: Record<string, unknown>) =>
      error ? reject(error) : resolve(answer),
    );
  });
  expect(device.name).toBe('Back door');
  expect((device.ids as { dev_eui: Buffer }).dev_eui.toString('hex')).toBe('0004a30b001c0530');
});

test('errors carry the identity and status of The Things Stack', async () => {
  const taken = await call('POST', '/applications/shop/devices', { end_device: { ids } });
  expect(taken).toMatchObject({
    status: 409,
    json: { details: [{ namespace: 'pkg/util/store', name: 'id_taken' }] },
  });
  const mask = await call('GET', '/applications/shop/devices/door-7?field_mask=root_keys');
  expect(mask.json).toMatchObject({
    code: 3,
    details: [{ namespace: 'pkg/rpcmiddleware/validator', name: 'field_mask_paths' }],
  });
  const unknown = await call('GET', '/ns/applications/shop/devices/door-9');
  expect(unknown).toMatchObject({
    status: 404,
    json: { details: [{ namespace: 'pkg/redis', name: 'not_found' }] },
  });
  const nobody = await call('GET', '/applications/shop/devices/door-7', undefined, {
    authorization: '',
  });
  expect(nobody).toMatchObject({
    status: 403,
    json: { details: [{ name: 'no_application_rights' }] },
  });
});

test('a gateway client may spell the header of its key with a prefix', async () => {
  const path = '/applications/shop/devices/door-7';
  const asked = (headers: Record<string, string>) =>
    call('GET', path, undefined, { authorization: '', ...headers });
  const metadata = { 'grpc-metadata-authorization': `Bearer ${API_KEY}` };
  expect((await asked(metadata)).status).toBe(200);
  const wrong = { 'grpc-metadata-authorization': `Bearer ${API_KEY}X` };
  expect((await asked(wrong)).json).toMatchObject({ details: [{ name: 'invalid_authorization' }] });
  expect(await asked({ ...wrong, authorization: `Bearer ${API_KEY}` })).toMatchObject({
    status: 401,
    json: { details: [{ name: 'two_credentials' }] },
  });
});

test('events of an application are streamed as they happen', async () => {
  const controller = new AbortController();
  const response = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({ identifiers: [{ application_ids: { application_id: 'shop' } }] }),
    signal: controller.signal,
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const next = async () =>
    JSON.parse(new TextDecoder().decode((await reader.read()).value)) as {
      result: { name: string };
    };
  expect((await next()).result.name).toBe('events.stream.start');
  await call('PUT', '/applications/shop/devices/door-7', {
    end_device: { ids, name: 'Front door' },
    field_mask: { paths: ['name'] },
  });
  expect((await next()).result.name).toBe('end_device.update');
  controller.abort();
});

const rawGet = (headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const [host, port] = (program.addresses.http ?? '').split(':');
    httpRequest({ host, port, path: '/api/v3/applications', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });

test('a foreign Host is refused whatever it asks', async () => {
  expect(await rawGet({ host: 'evil.example' })).toBe(421);
  expect(await rawGet({ host: `${program.addresses.http}.evil.example` })).toBe(421);
});

test('the printed link opens one session, which counts for our own page only', async () => {
  const origin = `http://${program.addresses.http}`;
  const token = /#token=(\S+)/.exec(program.lines.join('\n'))?.[1];
  const open = (headers: Record<string, string>) =>
    fetch(`${origin}/session`, { method: 'POST', headers, body: JSON.stringify({ token }) });
  expect((await open({ origin: 'http://evil.example' })).status).toBe(401);
  const opened = await open({ origin });
  expect(opened.status).toBe(204);
  expect(opened.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
  expect((await open({ origin })).status).toBe(401);
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
  expect(await rawGet({ host: program.addresses.http ?? '', cookie, origin })).toBe(200);
  expect(
    await rawGet({ host: program.addresses.http ?? '', cookie, origin: 'http://evil.example' }),
  ).toBe(401);
  expect(await rawGet({ host: program.addresses.http ?? '', cookie })).toBe(401);
});

test('a second process is told who holds the data folder', async () => {
  await expect(startHeadless(directory)).rejects.toThrow(/gatehouse\/store:locked/);
});

test('a killed program has lost nothing it acknowledged, and no key lies in its files', async () => {
  const stored = await call('PUT', '/applications/shop/devices/door-7', {
    end_device: { ids, name: 'Side door' },
    field_mask: { paths: ['name'] },
  });
  expect(stored.status).toBe(200);
  await program.stop('SIGKILL');
  program = await startHeadless(directory);
  const device = await call('GET', '/applications/shop/devices/door-7?field_mask=name');
  expect(device.json).toMatchObject({ name: 'Side door' });
  const key = Buffer.from(APP_KEY, 'hex');
  const holding = readdirSync(directory).filter((name) =>
    readFileSync(join(directory, name)).includes(key),
  );
  expect(holding).toEqual([]);
  const join_ = await call('GET', '/js/applications/shop/devices/door-7?field_mask=root_keys');
  expect(join_.json).toMatchObject({ root_keys: { app_key: { key: APP_KEY } } });
});
