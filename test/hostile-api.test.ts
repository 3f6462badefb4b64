import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerAbpDevice } from './support/abp-device.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { HOSTILE_REQUESTS } from './support/hostile-requests.ts';
import { type Api, programApi } from './support/program-api.ts';
import { type RawConnection, rawCall, rawConnection } from './support/raw-http.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-hostile-api-'));
let program: HeadlessProcess;
let api: Api;

beforeAll(async () => {
  program = await startHeadless(directory);
  api = programApi(program);
  await api('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'shop' }, name: 'Shop' },
  });
  const device = await registerAbpDevice(api, {
    applicationId: 'shop',
    deviceId: 'door-7',
    devAddr: '02AB0001',
  });
  // With an encoder a decoded payload goes all the way to the script.
  await api('PUT', `/as/applications/shop/devices/${device.deviceId}`, {
    end_device: {
      ids: { device_id: device.deviceId, application_ids: { application_id: 'shop' } },
      formatters: {
        down_formatter: 'FORMATTER_JAVASCRIPT',
        down_formatter_parameter: 'function encodeDownlink() { return { bytes: [1] }; }',
      },
    },
    field_mask: { paths: ['formatters'] },
  });
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A call as any client makes it works, at once. */
async function expectNormalCall(): Promise<void> {
  const startedAtMs = performance.now();
  expect(await api('GET', '/applications/shop?field_mask=name')).toMatchObject({ name: 'Shop' });
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
}

test.each(HOSTILE_REQUESTS)(
  '$name: refused with $status, and the next call works',
  async ({ request, status, says = '' }) => {
    const answer = await rawCall(program, request);
    expect(answer.status, answer.text.slice(0, 500)).toBe(status);
    expect(answer.text).toContain(says);
    // Neither a stack nor a fault of the program's own.
    expect(answer.text).not.toMatch(/\.ts:\d|\n\s+at |rpc_recovered/);
    if (request.path.startsWith('/api/') && status !== 431 && request.method !== 'TRACE') {
      const json = JSON.parse(answer.text) as { code?: number; error?: { code: number } };
      expect(json.error?.code ?? json.code).toBeGreaterThan(0);
    }
    await expectNormalCall();
  },
);

test('a body nobody reads does not hold up the connection it came on', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const body = 'x'.repeat(2_000_000);
  for (const [path, status] of [
    ['/api/v3/nowhere', 404],
    ['/api/v3/users/admin/applications', 400],
  ] as const) {
    expect(await rawCall(program, { path, body, agent })).toMatchObject({ status });
    const next = await rawCall(program, { method: 'GET', path: '/api/v3/applications', agent });
    expect(next.status).toBe(200);
  }
  agent.destroy();
});

test('two hundred connections that trickle bytes are cut, and disturb nobody meanwhile', async () => {
  const address = program.addresses.http ?? '';
  const slow: RawConnection[] = [];
  for (let count = 0; count < 100; count += 1) {
    slow.push(
      await rawConnection(address, `GET /api/v3/applications HTTP/1.1\r\nHost: ${address}`),
    );
  }
  const head = `POST /api/v3/users/admin/applications HTTP/1.1\r\nHost: ${address}\r\nAuthorization: Bearer ${API_KEY}\r\nContent-Length: 1000\r\n\r\n{`;
  const bodies: RawConnection[] = [];
  for (let count = 0; count < 100; count += 1) bodies.push(await rawConnection(address, head));
  const trickle = setInterval(() => {
    for (const { socket } of slow) if (socket.writable) socket.write('x');
  }, 500);
  await expectNormalCall();
  // The limit for headers is ten seconds.
  await Promise.all(slow.map(({ closed }) => closed));
  clearInterval(trickle);
  expect(slow.filter((one) => !one.text().startsWith('HTTP/1.1 408'))).toEqual([]);
  await expectNormalCall();
  for (const { socket } of bodies) socket.destroy();
  await expectNormalCall();
}, 25_000);

/** One gRPC call with these bytes as its body; resolves with status and message. */
function grpcCall(session: ClientHttp2Session, body: Uint8Array, encoding?: string) {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/gatehouse.v1.Frames/List',
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    authorization: `Bearer ${API_KEY}`,
    ...(encoding !== undefined && { 'grpc-encoding': encoding }),
  });
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const take = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] === undefined) return;
      const text = decodeURIComponent(String(headers['grpc-message'] ?? ''));
      resolve({ status: Number(headers['grpc-status']), text });
    };
    stream.once('response', take);
    stream.once('trailers', take);
    stream.once('error', reject);
    stream.resume();
    stream.end(body);
  });
}

function envelope(flags: number, message: Uint8Array): Buffer {
  const head = Buffer.from([flags, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

test('gRPC: cut messages, wrong lengths and compression bombs have their own status', async () => {
  const session = connectHttp2(`http://${program.addresses.grpc}`);
  const [INVALID_ARGUMENT, RESOURCE_EXHAUSTED, INTERNAL] = [3, 8, 13];
  try {
    const cut = await grpcCall(session, Buffer.from('00000000640102', 'hex'));
    expect(cut.status).toBe(INVALID_ARGUMENT);
    const immense = await grpcCall(session, Buffer.from('00ffffffff0102', 'hex'));
    expect(immense.status).toBe(RESOURCE_EXHAUSTED);
    const broken = await grpcCall(session, envelope(0, Buffer.from('1a7f61', 'hex')));
    expect(broken).toEqual({ status: INTERNAL, text: 'parse binary: premature EOF' });
    const bomb = gzipSync(Buffer.alloc(300 * 2 ** 20));
    expect(bomb.length).toBeLessThan(2 ** 20);
    const { rss_bytes: before } = await api('GET', '/gatehouse/diagnostics');
    const burst = await grpcCall(session, envelope(1, bomb), 'gzip');
    expect(burst.status).toBe(RESOURCE_EXHAUSTED);
    const { rss_bytes: after } = await api('GET', '/gatehouse/diagnostics');
    // It is unpacked no further than the largest message, 16 MiB.
    expect(Number(after) - Number(before)).toBeLessThan(120 * 2 ** 20);
    expect((await grpcCall(session, envelope(0, Buffer.alloc(0)))).status).toBe(0);
  } finally {
    session.destroy();
  }
  await expectNormalCall();
});

test('HTTP/2 connections that begin and say no more disturb nobody', async () => {
  const address = program.addresses.grpc ?? '';
  const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const settings = Buffer.from('000000040000000000', 'hex');
  const beginnings = ['', 'PRI * HT', PREFACE, Buffer.concat([Buffer.from(PREFACE), settings])];
  const halfOpen: RawConnection[] = [];
  for (let count = 0; count < 80; count += 1)
    halfOpen.push(await rawConnection(address, beginnings[count % 4] ?? ''));
  const wrong = await rawConnection(address, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await wrong.closed;
  const session = connectHttp2(`http://${address}`);
  // Streams that are opened and reset before they say anything.
  for (let count = 0; count < 50; count += 1) {
    const stream = session.request({ ':method': 'POST', ':path': '/gatehouse.v1.Frames/List' });
    stream.on('error', () => undefined);
    stream.close();
  }
  expect((await grpcCall(session, envelope(0, Buffer.alloc(0)))).status).toBe(0);
  session.destroy();
  for (const { socket } of halfOpen) socket.destroy();
  await expectNormalCall();
});

test('none of it was an error of the program', () => {
  expect(program.child.exitCode).toBeNull();
  const logged = program.errors().split('\n');
  expect(logged.filter((line) => /unhandled|"level":[56]0/i.test(line)).slice(0, 3)).toEqual([]);
});
