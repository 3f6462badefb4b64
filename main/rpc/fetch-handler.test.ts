import { create, createRegistry } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { expect, test } from 'vitest';
import { EndDeviceRegistry } from '../api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { EventSchema, Events } from '../api/gen/ttn/lorawan/v3/events_pb.js';
import { GatewayStatusSchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { GatewayRegistry } from '../api/gen/ttn/lorawan/v3/gateway_services_pb.js';
import { silentLogger } from '../base/logger.ts';
import { virtualClock } from '../base/virtual-clock.ts';
import type { Caller } from './call.ts';
import { createHandler } from './fetch-handler.ts';
import { createRouter, serve } from './router.ts';

const status = create(GatewayStatusSchema, { ip: ['192.0.2.1'] });
const handle = createHandler({
  router: createRouter({
    clock: virtualClock(),
    logger: silentLogger(),
    services: [
      serve(EndDeviceRegistry, {}),
      serve(GatewayRegistry, {}),
      serve(Events, {
        async *stream() {
          yield create(EventSchema, {
            name: 'gs.status.receive',
            data: anyPack(GatewayStatusSchema, status),
          });
        },
      }),
    ],
  }),
  registry: createRegistry(),
  logger: silentLogger(),
  files: async () => new Response('page'),
});

const events = '/ttn.lorawan.v3.Events/Stream';
const post = (path: string, caller: Caller, contentType: string) =>
  handle(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: '{}',
    }),
    caller,
  );

test('events carry any message the services know, in Connect JSON and in REST', async () => {
  const transport = createConnectTransport({
    baseUrl: 'http://localhost',
    useBinaryFormat: false,
    jsonOptions: { registry: createRegistry(GatewayStatusSchema) },
    fetch: (input, init) => handle(new Request(input, init), { kind: 'desktop' }),
  });
  for await (const event of createClient(Events, transport).stream({})) {
    expect(event.data?.typeUrl).toMatch(/ttn\.lorawan\.v3\.GatewayStatus$/);
  }
  const rest = await post('/api/v3/events', { kind: 'desktop' }, 'text/plain');
  expect(JSON.parse(await rest.text())).toEqual({
    result: {
      name: 'gs.status.receive',
      data: { '@type': 'type.googleapis.com/ttn.lorawan.v3.GatewayStatus', ip: ['192.0.2.1'] },
    },
  });
});

test('gRPC, which needs trailers, is refused where there are none', async () => {
  expect((await post(events, { kind: 'desktop' }, 'application/grpc')).status).toBe(415);
});

test('other origins are let in with a key, never with our own session', async () => {
  const origins = async (caller: Caller) =>
    (await post('/api/v3/nowhere', caller, 'text/plain')).headers.get(
      'access-control-allow-origin',
    );
  expect(await origins({ kind: 'anonymous' })).toBe('*');
  expect(await origins({ kind: 'session' })).toBeNull();
  expect(await origins({ kind: 'desktop' })).toBeNull();
});
