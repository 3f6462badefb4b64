import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { create, createRegistry } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { createConnectTransport as createWebTransport } from '@connectrpc/connect-web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { EventSchema, Events } from '../api/gen/ttn/lorawan/v3/events_pb.js';
import { systemClock } from '../base/clock.ts';
import { defineError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { callerOfHeader, hashSecret } from './api-keys.ts';
import type { Call, Caller } from './call.ts';
import { createHandler, type Handle } from './fetch-handler.ts';
import { startGrpcServer } from './grpc-server.ts';
import { createRouter, serve } from './router.ts';

const TOKEN = 'NNSXS.KEYID.SECRET';
const deviceNotFound = defineError(
  'pkg/identityserver/store:end_device_not_found',
  'NOT_FOUND',
  'end device `{application_id}:{device_id}` not found',
);

let subscriptions = 0;

/** Streams `tail` events, then waits for ever. */
async function* stream(tail: number, call: Call) {
  subscriptions += 1;
  try {
    for (let n = 0; n < tail; n += 1) {
      yield create(EventSchema, { name: `e.${n}`, time: timestampFromMs(0) });
    }
    await new Promise<void>((resolve) => {
      if (call.signal.aborted) resolve();
      call.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    subscriptions -= 1;
  }
}

const router = createRouter({
  clock: systemClock(),
  logger: silentLogger(),
  services: [
    serve(EndDeviceRegistry, {
      get({ endDeviceIds }) {
        const applicationId = endDeviceIds?.applicationIds?.applicationId ?? '';
        const deviceId = endDeviceIds?.deviceId ?? '';
        if (deviceId !== 'door-7') {
          throw deviceNotFound({ application_id: applicationId, device_id: deviceId });
        }
        return create(EndDeviceSchema, {
          ...(endDeviceIds && { ids: endDeviceIds }),
          name: 'Back door',
        });
      },
    }),
    serve(Events, { stream: ({ tail }, call) => stream(tail, call) }),
  ],
});

const callerOf = (authorization: string | null | undefined): Caller =>
  callerOfHeader(
    authorization,
    (id) =>
      id === 'KEYID'
        ? { id, name: 'test', secretHash: hashSecret('SECRET'), rights: [], admin: true }
        : undefined,
    Date.now(),
  );

const handle: Handle = createHandler({
  router,
  registry: createRegistry(),
  logger: silentLogger(),
  files: async () => new Response('page'),
});
const served = (request: Request): Promise<Response> =>
  handle(request, callerOf(request.headers.get('authorization')));

/** Hands a page's fetch to the handler as Electron does: no signal on the request, body read through a Node stream. */
async function emulatedProtocolHandle(
  input: RequestInfo | URL,
  init?: RequestInit,
): Promise<Response> {
  const { signal, ...rest } = init ?? {};
  const response = await served(new Request(input, rest));
  const body = response.body;
  if (!body) return response;
  const reader = body.getReader();
  const relayed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  signal?.addEventListener('abort', () => {
    reader.cancel(signal.reason).catch(() => undefined);
  });
  return new Response(relayed, { status: response.status, headers: response.headers });
}

function nodeHttp(): Server {
  return createServer(async (incoming, outgoing) => {
    const controller = new AbortController();
    outgoing.once('close', () => controller.abort());
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = new Request(`http://127.0.0.1${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers: incoming.headers as Record<string, string>,
      signal: controller.signal,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    const response = await served(request);
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const chunk of response.body ?? []) outgoing.write(chunk);
    outgoing.end();
  });
}

const server = nodeHttp();
let grpc: Awaited<ReturnType<typeof startGrpcServer>>;
const transports: Record<string, () => Transport> = {
  'in memory': () =>
    createWebTransport({
      baseUrl: 'http://localhost',
      useBinaryFormat: true,
      fetch: (input, init) => served(new Request(input, init)),
    }),
  'HTTP/1.1': () =>
    createConnectTransport({
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      httpVersion: '1.1',
    }),
  'HTTP/2 gRPC': () => createGrpcTransport({ baseUrl: `http://${grpc.address}` }),
  'emulated protocol.handle': () =>
    createWebTransport({
      baseUrl: 'app://gatehouse',
      useBinaryFormat: true,
      fetch: emulatedProtocolHandle,
    }),
};

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  grpc = await startGrpcServer({ router, host: '127.0.0.1', port: 0, callerOf });
});
afterAll(async () => {
  await grpc.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const headers = { authorization: `Bearer ${TOKEN}` };
const door = (deviceId: string) => ({
  endDeviceIds: { deviceId, applicationIds: { applicationId: 'shop' } },
});

describe.each(Object.keys(transports))('over %s', (carrier) => {
  const transport = (): Transport => (transports[carrier] as () => Transport)();

  test('a unary call answers', async () => {
    const client = createClient(EndDeviceRegistry, transport());
    const device = await client.get(door('door-7'), { headers });
    expect(device.name).toBe('Back door');
  });

  test('an error keeps its identity and attributes', async () => {
    const client = createClient(EndDeviceRegistry, transport());
    const error = await client.get(door('door-8'), { headers }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectError);
    const connect = error as ConnectError;
    expect(connect.code).toBe(Code.NotFound);
    expect(connect.findDetails(ErrorDetailsSchema)[0]).toMatchObject({
      namespace: 'pkg/identityserver/store',
      name: 'end_device_not_found',
      attributes: { application_id: 'shop', device_id: 'door-8' },
    });
  });

  test('a mask the method does not take is refused before rights are looked at', async () => {
    const client = createClient(EndDeviceRegistry, transport());
    const error = await client
      .get({ ...door('door-7'), fieldMask: { paths: ['root_keys'] } })
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect((error as ConnectError).rawMessage).toContain('field_mask_paths');
  });

  test('without credentials nothing is answered', async () => {
    const client = createClient(EndDeviceRegistry, transport());
    const error = await client
      .get(door('door-7'))
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect((error as ConnectError).code).toBe(Code.PermissionDenied);
  });

  test('a method without implementation says so', async () => {
    const client = createClient(EndDeviceRegistry, transport());
    const error = await client
      .delete({ deviceId: 'door-7', applicationIds: { applicationId: 'shop' } }, { headers })
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect((error as ConnectError).code).toBe(Code.Unimplemented);
  });

  test('a thousand messages arrive, and an abort after a collection ends the subscription', async () => {
    const client = createClient(Events, transport());
    const controller = new AbortController();
    let count = 0;
    const reading = (async () => {
      for await (const _ of client.stream({ tail: 1_000 }, { headers, signal: controller.signal }))
        count += 1;
    })().catch(() => undefined);
    while (count < 1_000) await nextTurn();
    expect(subscriptions).toBe(1);
    (globalThis as { gc?: () => void }).gc?.();
    controller.abort();
    await reading;
    const limit = performance.now() + 1_000;
    while (subscriptions > 0 && performance.now() < limit) await nextTurn();
    expect(subscriptions).toBe(0);
  });
});

describe('REST', () => {
  const get = (path: string, init: RequestInit = {}) =>
    served(new Request(`http://localhost${path}`, { headers, ...init }));

  test('a binding answers in the JSON form of The Things Stack', async () => {
    const response = await get('/api/v3/applications/shop/devices/door-7?field_mask=name');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ids: { device_id: 'door-7', application_ids: { application_id: 'shop' } },
      name: 'Back door',
    });
  });

  test('errors have the body of The Things Stack', async () => {
    const response = await get('/api/v3/applications/shop/devices/door-8');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 5,
      message:
        'error:pkg/identityserver/store:end_device_not_found (end device `shop:door-8` not found)',
      details: [
        {
          '@type': 'type.googleapis.com/ttn.lorawan.v3.ErrorDetails',
          namespace: 'pkg/identityserver/store',
          name: 'end_device_not_found',
          attributes: { application_id: 'shop', device_id: 'door-8' },
          code: 5,
        },
      ],
    });
  });

  test.each([
    ['/api/v3/nowhere', 'GET', 404, 5],
    ['/api/v3/events', 'GET', 501, 12],
  ])('%s answers %s with its own code', async (path, method, status, code) => {
    const response = await get(path, { method });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code, details: [] });
  });

  test('a body that is no JSON, or none of this method, is refused', async () => {
    for (const body of ['{', '[1]', '{"tail":"many"}', '\u0000'.repeat(65_536)]) {
      const response = await get('/api/v3/events', { method: 'POST', body });
      expect(response.status).toBe(400);
    }
    const invalid = await get('/api/v3/events', {
      method: 'POST',
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    expect(invalid.status).toBe(400);
  });

  test('a broken rule names field, message and reason, nested', async () => {
    const response = await get('/api/v3/applications/Shop!/devices/door-7');
    expect(await response.json()).toMatchObject({
      code: 3,
      details: [{ namespace: 'pkg/errors', name: 'validation', cause: { name: 'validation' } }],
    });
  });

  test('a stream sends one result a line', async () => {
    const response = await get('/api/v3/events', { method: 'POST', body: '{"tail":2}' });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(JSON.parse(first)).toEqual({ result: { name: 'e.0', time: '1970-01-01T00:00:00Z' } });
    expect(first.endsWith('\n')).toBe(true);
    await reader.cancel();
    while (subscriptions > 0) await nextTurn();
  });

  test('bad credentials have the identities of The Things Stack', async () => {
    const cases = [
      ['Bearer nonsense', 'token', 400],
      ['Bearer NNSXS.OTHER.SECRET', 'api_key_not_found', 401],
      ['Bearer NNSXS.KEYID.WRONG', 'invalid_authorization', 401],
      ['Basic abc', 'unsupported_authorization', 401],
    ] as const;
    for (const [authorization, name, status] of cases) {
      const response = await get('/api/v3/applications/shop/devices/door-7', {
        headers: { authorization },
      });
      expect(response.status).toBe(status);
      expect(await response.json()).toMatchObject({ details: [{ name }] });
    }
  });
});
