import { setTimeout as pause } from 'node:timers/promises';
import { create, createRegistry } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { describe, expect, test } from 'vitest';
import { EventSchema, Events } from '../api/gen/ttn/lorawan/v3/events_pb.js';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import { isOwnUrl } from '../desktop/origin.ts';
import type { Call, Caller } from './call.ts';
import { createHandler } from './fetch-handler.ts';
import { createProtocolHandler } from './protocol-handle.ts';
import { createRouter, serve } from './router.ts';
import { emulatedProtocolFetch } from './testing/emulated-protocol.ts';

const { gc } = globalThis as { gc?: () => void };
/** A collection that never happens would prove nothing. */
function collectGarbage(): void {
  if (!gc) throw new Error('The tests have to run with --expose-gc.');
  gc();
}

function createApi() {
  const calls: Call[] = [];
  const ended: PromiseWithResolvers<number> = Promise.withResolvers();
  const handle = createHandler({
    router: createRouter({
      clock: virtualClock(),
      logger: silentLogger(),
      services: [
        serve(Events, {
          // One message, and never another: nothing but the abort can end it.
          async *stream(_, call) {
            calls.push(call);
            yield create(EventSchema, { name: 'e.0' });
            await new Promise<void>((resolve) => {
              call.signal.addEventListener('abort', () => resolve(), { once: true });
            });
            ended.resolve(performance.now());
          },
        }),
      ],
    }),
    registry: createRegistry(),
    logger: silentLogger(),
    files: async () => new Response('page'),
  });
  return { calls, ended: ended.promise, handle };
}

/** Once nobody reads any more the call has to end within this time. */
const LIMIT_MS = 50;

describe('the handler of our scheme', () => {
  test('ends a call that never answers again when its page leaves, even after a collection', async () => {
    const { ended, handle } = createApi();
    const fetchApp = emulatedProtocolFetch(
      createProtocolHandler({ handle, isOwn: isOwnUrl, logger: silentLogger() }),
    );
    const transport = createConnectTransport({ baseUrl: 'app://gatehouse', fetch: fetchApp });
    const leaving = new AbortController();
    const stream = createClient(Events, transport).stream({}, { signal: leaving.signal });
    const reader = stream[Symbol.asyncIterator]();
    expect((await reader.next()).value?.name).toBe('e.0');
    // Requests are finalized on a later turn than the one they are collected on.
    for (let times = 0; times < 3; times += 1) {
      collectGarbage();
      await pause(1);
    }
    const left = performance.now();
    leaving.abort();
    expect((await ended) - left).toBeLessThan(LIMIT_MS);
    await reader.next().catch(() => undefined);
  });

  test('says that our own window calls, whatever a request says', async () => {
    const callers: Caller[] = [];
    const handler = createProtocolHandler({
      handle: async (_, caller) => {
        callers.push(caller);
        return new Response('page');
      },
      isOwn: isOwnUrl,
      logger: silentLogger(),
    });
    await handler(new Request('app://gatehouse/', { headers: { authorization: 'Bearer X' } }));
    expect(callers).toEqual([{ kind: 'desktop' }]);
  });

  test('serves one host only', async () => {
    const asked: string[] = [];
    const handler = createProtocolHandler({
      handle: async ({ url }) => {
        asked.push(url);
        return new Response('page');
      },
      isOwn: isOwnUrl,
      logger: silentLogger(),
    });
    const get = (url: string): Promise<Response> => {
      const request = new Request('http://placeholder/');
      // `Request` itself refuses some of these, Chromium need not.
      Object.defineProperty(request, 'url', { value: url });
      return handler(request);
    };
    for (const url of ['app://evil/', 'app://gatehouse.evil/', 'app://gatehouse@evil/']) {
      expect((await get(url)).status).toBe(404);
    }
    expect(await (await get('app://gatehouse/frames')).text()).toBe('page');
    expect(asked).toEqual(['app://gatehouse/frames']);
  });

  test('answers and logs when the API fails, and tells the page nothing of the cause', async () => {
    const errors: unknown[] = [];
    const handler = createProtocolHandler({
      handle: () => Promise.reject(new Error('broken')),
      isOwn: isOwnUrl,
      logger: { error: (fields) => errors.push(fields) },
    });
    const response = await handler(new Request('app://gatehouse/'));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('broken');
    expect(errors).toEqual([{ error: 'broken' }]);
  });
});
