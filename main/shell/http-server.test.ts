import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { interfaceAddresses } from './own-hosts.ts';
import { createSessions } from './sessions.ts';

const running: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

/** Answers each request with who is said to call. */
async function start(host = '127.0.0.1') {
  const sessions = createSessions();
  const server = await startHttpServer({
    host,
    port: 0,
    handle: async (_, caller) => new Response(caller.kind),
    callerOf: (authorization) => ({
      kind: 'refused',
      error: new Error(authorization),
    }),
    sessions,
    logger: silentLogger(),
  });
  running.push(server);
  const port = Number(/:(\d+)$/.exec(server.address)?.[1]);
  const origin = `http://127.0.0.1:${port}`;
  const open = () =>
    fetch(`${origin}/session`, {
      method: 'POST',
      headers: { origin },
      body: JSON.stringify({ token: sessions.issue() }),
    });
  return { sessions, port, origin, open };
}

function get(port: number, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path: '/', headers }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => resolve(`${response.statusCode} ${text.trim()}`));
    })
      .once('error', reject)
      .end();
  });
}

test('two programs on one host keep their sessions apart in one browser', async () => {
  const [first, second] = await Promise.all([start(), start()]);
  // A browser keeps the newest value of each name, whatever port it came from.
  const jar = new Map<string, string>();
  for (const { open } of [first, second]) {
    const [name = '', value = ''] =
      (await open()).headers.get('set-cookie')?.split(';')[0]?.split('=') ?? [];
    jar.set(name, value);
  }
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  for (const { port, origin } of [first, second]) {
    expect(await get(port, { host: `127.0.0.1:${port}`, origin, cookie })).toBe('200 session');
  }
  first.sessions.endAll();
  const ended = { host: `127.0.0.1:${first.port}`, origin: first.origin, cookie };
  expect(await get(first.port, ended)).toBe('200 anonymous');
});

test('a cookie that another page set in front of ours does not end the session', async () => {
  const { open, origin, port } = await start();
  const ours = (await open()).headers.get('set-cookie')?.split(';')[0] ?? '';
  const cookie = `${ours.split('=')[0]}=planted; ${ours}`;
  expect(await get(port, { host: `127.0.0.1:${port}`, origin, cookie })).toBe('200 session');
});

test('listening everywhere, it answers at the addresses of this computer and under no other name', async () => {
  const { port } = await start('0.0.0.0');
  const own = interfaceAddresses()
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => `${address}:${port}`);
  expect(own.length).toBeGreaterThan(0);
  for (const host of own) expect(await get(port, { host })).toBe('200 anonymous');
  for (const host of ['192.0.2.1', 'evil.example', 'gatehouse.local', '0.0.0.0']) {
    expect(await get(port, { host: `${host}:${port}` })).toMatch(/^421 /);
  }
});

const upgrade = (port: number, headers: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `GET /api HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
      );
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('end', () => resolve(text.split('\r\n')[0] ?? ''));
    socket.on('error', reject);
  });

test('WebSocket upgrades of foreign pages are refused', async () => {
  const { origin, port } = await start();
  expect(await upgrade(port, 'Origin: http://evil.example\r\n')).toContain('403');
  expect(
    await upgrade(port, 'Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n'),
  ).toContain('403');
  expect(await upgrade(port, '')).toContain('403');
  expect(await upgrade(port, `Origin: ${origin}\r\n`)).toContain('404');
});
