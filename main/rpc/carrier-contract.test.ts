import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import {
  createGrpcWebTransport,
  createConnectTransport as createWebTransport,
} from '@connectrpc/connect-web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { Events } from '../api/gen/ttn/lorawan/v3/events_pb.js';
import { silentLogger } from '../base/logger.ts';
import { isOwnUrl } from '../desktop/origin.ts';
import { startHttpServer } from '../shell/http-server.ts';
import { createSessions } from '../shell/sessions.ts';
import { type GrpcServer, startGrpcServer } from './grpc-server.ts';
import { createProtocolHandler } from './protocol-handle.ts';
import { createBench, AUTHORIZED as headers } from './testing/bench.ts';
import { emulatedProtocolFetch } from './testing/emulated-protocol.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-carriers-'));
const interfaceFolder = join(folder, 'interface');
writeFileSync(join(folder, 'secret.txt'), 'secret');

const bench = createBench(interfaceFolder);
const { streams } = bench;
let http: Awaited<ReturnType<typeof startHttpServer>>;
let grpc: GrpcServer;

/** The window of the desktop shell needs no credentials; the caller a header names shows that it carries them too. */
const electronFetch = emulatedProtocolFetch(
  createProtocolHandler({
    handle: (request) => bench.fetch(request),
    isOwn: isOwnUrl,
    logger: silentLogger(),
  }),
);

const memoryFetch: typeof fetch = (input, init) => bench.fetch(new Request(input, init));

interface Carrier {
  readonly transport: () => Transport;
  /** The client takes in what it was sent whether it is read or not, so its reader cannot slow the source. */
  readonly isEager?: boolean;
  /** For carriers that serve REST and files too. */
  readonly fetch?: (path: string, init?: RequestInit) => Promise<Response>;
}

const carriers: Readonly<Record<string, Carrier>> = {
  'in memory': {
    transport: () =>
      createWebTransport({
        baseUrl: 'http://localhost',
        useBinaryFormat: true,
        fetch: memoryFetch,
      }),
    fetch: (path, init) => memoryFetch(`http://localhost${path}`, init),
  },
  'HTTP/1.1': {
    transport: () =>
      createConnectTransport({ baseUrl: `http://${http.address}`, httpVersion: '1.1' }),
    fetch: (path, init) => fetch(`http://${http.address}${path}`, init),
  },
  'HTTP/1.1 as gRPC-Web': {
    transport: () => createGrpcWebTransport({ baseUrl: `http://${http.address}` }),
  },
  'HTTP/2 gRPC': {
    transport: () => createGrpcTransport({ baseUrl: `http://${grpc.address}` }),
    isEager: true,
  },
  'emulated protocol.handle': {
    transport: () =>
      createWebTransport({
        baseUrl: 'app://gatehouse',
        useBinaryFormat: true,
        fetch: electronFetch,
      }),
    fetch: (path, init) => electronFetch(`app://gatehouse${path}`, init),
  },
};

beforeAll(async () => {
  mkdirSync(interfaceFolder);
  writeFileSync(join(interfaceFolder, 'index.html'), '<html>page %GATEHOUSE_NONCE%</html>');
  http = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    handle: bench.handle,
    callerOf: bench.callerOf,
    sessions: createSessions(),
    logger: silentLogger(),
  });
  grpc = await startGrpcServer({
    router: bench.router,
    host: '127.0.0.1',
    port: 0,
    callerOf: bench.callerOf,
  });
});
afterAll(async () => {
  await Promise.all([http.close(), grpc.close()]);
});

const door = (deviceId: string) => ({
  endDeviceIds: { deviceId, applicationIds: { applicationId: 'shop' } },
});
const failure = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (thrown: unknown) => ConnectError.from(thrown),
  );

/** Milliseconds from now until no stream lives any more, at most a second. */
async function timeUntilNoStream(): Promise<number> {
  const start = performance.now();
  while (streams.live > 0 && performance.now() < start + 1_000) await nextTurn();
  return performance.now() - start;
}
const { gc } = globalThis as { gc?: () => void };
/** A collection that never happens would prove nothing. */
function collectGarbage(): void {
  if (!gc) throw new Error('The tests have to run with --expose-gc.');
  gc();
}
/** A subscription has to be gone so soon after its reader. */
const LIMIT_MS = 50;

describe.each(Object.entries(carriers))('over %s', (_, carrier) => {
  const registry = () => createClient(EndDeviceRegistry, carrier.transport());
  const events = () => createClient(Events, carrier.transport());

  test('a unary call answers', async () => {
    expect((await registry().get(door('door-7'), { headers })).name).toBe('Back door');
  });

  test('an error keeps its identity and attributes', async () => {
    const error = await failure(registry().get(door('door-8'), { headers }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.findDetails(ErrorDetailsSchema)[0]).toMatchObject({
      namespace: 'pkg/identityserver/store',
      name: 'end_device_not_found',
      attributes: { application_id: 'shop', device_id: 'door-8' },
    });
  });

  test('a mask the method does not take is refused before rights are looked at', async () => {
    const masked = { ...door('door-7'), fieldMask: { paths: ['root_keys'] } };
    const error = await failure(registry().get(masked));
    expect(error.rawMessage).toContain('field_mask_paths');
  });

  test('without credentials nothing is answered', async () => {
    const error = await failure(registry().get(door('door-7')));
    expect(error.code).toBe(Code.PermissionDenied);
  });

  test('a method without implementation says so', async () => {
    const ids = { deviceId: 'door-7', applicationIds: { applicationId: 'shop' } };
    const error = await failure(registry().delete(ids, { headers }));
    expect(error.code).toBe(Code.Unimplemented);
  });

  test('an error in place of the first message keeps its identity too', async () => {
    const reading = (async () => {
      const request = { identifiers: [{ ids: { case: undefined } }] };
      for await (const event of events().stream(request, { headers })) return event;
    })();
    const error = await failure(reading);
    expect(error.code).toBe(Code.InvalidArgument);
    expect(error.findDetails(ErrorDetailsSchema)[0]).toMatchObject({ name: 'validation' });
  });

  test('a thousand messages arrive, and an abort after a collection ends the subscription', async () => {
    const controller = new AbortController();
    let count = 0;
    const reading = (async () => {
      const options = { headers, signal: controller.signal };
      for await (const _event of events().stream({ tail: 1_000 }, options)) count += 1;
    })().catch(() => undefined);
    while (count < 1_000) await nextTurn();
    expect(streams.live).toBe(1);
    await pause(5);
    collectGarbage();
    controller.abort();
    expect(await timeUntilNoStream()).toBeLessThan(LIMIT_MS);
    await reading;
  });

  test('a reader that stops reading stops the source, and ends it when it leaves', async () => {
    const controller = new AbortController();
    const before = streams.produced;
    // Much more than sockets and pipes hold.
    const request = { tail: 2_000, names: ['x'.repeat(64 * 1024)] };
    const options = { headers, signal: controller.signal };
    const reader = events().stream(request, options)[Symbol.asyncIterator]();
    expect((await reader.next()).value?.name).toBe('e.0');
    let seen = -1;
    while (seen !== streams.produced) {
      seen = streams.produced;
      await pause(100);
    }
    if (!carrier.isEager) expect(seen - before).toBeLessThan(1_000);
    collectGarbage();
    controller.abort();
    expect(await timeUntilNoStream()).toBeLessThan(LIMIT_MS);
    await reader.next().catch(() => undefined);
  });
});

const withFiles = Object.entries(carriers).flatMap(([name, { fetch }]) =>
  fetch ? [[name, fetch] as const] : [],
);

describe.each(withFiles)('REST and files over %s', (_, fetchPath) => {
  test('a stream that is left after a collection ends', async () => {
    const controller = new AbortController();
    const response = await fetchPath('/api/v3/events', {
      method: 'POST',
      headers,
      body: '{"tail":2}',
      signal: controller.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"name":"e.0"');
    expect(streams.live).toBe(1);
    await pause(5);
    collectGarbage();
    controller.abort();
    expect(await timeUntilNoStream()).toBeLessThan(LIMIT_MS);
    await reader.cancel().catch(() => undefined);
  });

  test('without credentials nothing is answered', async () => {
    const response = await fetchPath('/api/v3/applications/shop/devices/door-7');
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ details: [{ name: 'no_application_rights' }] });
  });

  test('no path leads out of the folder of the user interface', async () => {
    for (const path of ['/..%2fsecret.txt', '/%2e%2e%2fsecret.txt', '/..%5csecret.txt']) {
      const response = await fetchPath(path);
      expect(response.status).toBe(404);
      expect(await response.text()).not.toBe('secret');
    }
  });

  test('the page comes with a policy without inline code, and its nonce', async () => {
    const response = await fetchPath('/frames');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).not.toContain('unsafe');
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(nonce).toBeTruthy();
    expect(await response.text()).toContain(`page ${nonce}`);
  });
});

test('HTTP refuses names that are not its own', async () => {
  const [hostname = '', port = ''] = http.address.split(':');
  const status = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      httpRequest({ hostname, port, path: '/', headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .once('error', reject)
        .end();
    });
  for (const host of ['evil.example', `127.0.0.1.evil.example:${port}`, `127.0.0.1:${port}0`]) {
    expect(await status(host)).toBe(421);
  }
  expect(await status(`localhost:${port}`)).toBe(200);
});
