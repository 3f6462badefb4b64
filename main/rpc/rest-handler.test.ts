import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AUTHORIZED, createBench } from './testing/bench.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rest-'));
writeFileSync(join(folder, 'index.html'), 'page');
const bench = createBench(folder);

describe('REST', () => {
  const get = (path: string, init: RequestInit = {}) =>
    bench.fetch(new Request(`http://localhost${path}`, { headers: AUTHORIZED, ...init }));

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
    let text = '';
    while (text.split('\n').length < 3)
      text += new TextDecoder().decode((await reader.read()).value);
    const results = ['e.0', 'e.1'].map((name) => ({
      result: { name, time: '1970-01-01T00:00:00Z' },
    }));
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(results);
    expect(text.endsWith('\n')).toBe(true);
    await reader.cancel();
    while (bench.streams.live > 0) await nextTurn();
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

  test('a body that never says how long it is is read no further than 16 MiB', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(1024 * 1024).fill(0x20));
      },
    });
    const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' };
    const response = await get('/api/v3/events', init);
    expect(response.status).toBe(400);
    expect(sent).toBeLessThan(20);
  });

  test('every answer forbids caching and carries a request id', async () => {
    const headers = { ...AUTHORIZED, 'x-request-id': 'mine-1' };
    for (const path of ['/api/v3/nowhere', '/api/v3/applications/shop/devices/door-7']) {
      const response = await get(path, { headers });
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-request-id')).toBe('mine-1');
    }
  });
});
