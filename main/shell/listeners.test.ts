import { createServer } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { openListener } from './listeners.ts';

const busy = createServer();
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  ({ port } = busy.address() as { port: number });
});
afterAll(() => {
  busy.close();
});

/** A real listener. */
async function start(host: string, wanted: number) {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, host, resolve);
  });
  const found = (server.address() as { port: number }).port;
  server.close();
  return { address: `${host}:${found}` };
}
const open = (host: string, wanted: number, explicit: boolean) =>
  openListener('http', { host, port: wanted, explicit }, silentLogger(), start);

test('a busy default moves to a free port, a busy wish is an error that says what to do', async () => {
  expect((await open('127.0.0.1', port, false)).address).not.toBe(`127.0.0.1:${port}`);
  await expect(open('127.0.0.1', port, true)).rejects.toMatchObject({
    code: 'gatehouse/shell:port_busy',
    message: expect.stringContaining('--http'),
  });
});

test('an address of another computer is said to be one', async () => {
  // TEST-NET-3 is nobody's.
  await expect(open('203.0.113.1', 1_885, true)).rejects.toThrow(
    'this computer has no such address',
  );
});
