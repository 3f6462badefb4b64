import { create, createRegistry } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { GatewayConnectionStatsSchema } from '../../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { silentLogger } from '../../base/logger.ts';
import { virtualClock } from '../../base/virtual-clock.ts';
import type { Caller } from '../call.ts';
import { createHandler } from '../fetch-handler.ts';
import { createRouter } from '../router.ts';
import { createStaticFiles } from '../static-files.ts';
import { gatewayServerService } from './gateway-server.ts';

const logger = silentLogger();

async function batch(body: unknown, caller: Caller = { kind: 'desktop' }) {
  const stats = (gatewayId: string) =>
    gatewayId === 'roof' || gatewayId === 'cellar'
      ? create(GatewayConnectionStatsSchema, {
          protocol: 'udp',
          uplinkCount: 7n,
          roundTripTimes: { min: { nanos: 5_000_000 }, count: 3 },
        })
      : undefined;
  const handle = createHandler({
    router: createRouter({
      clock: virtualClock(),
      logger,
      services: [
        gatewayServerService({
          connectionStats: () => {
            throw new Error('not called here');
          },
          knownConnectionStats: stats,
        }),
      ],
    }),
    registry: createRegistry(),
    logger,
    files: createStaticFiles('.'),
  });
  const request = new Request('http://localhost/api/v3/gs/gateways/connection/stats', {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const answer = await handle(request, caller);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const ids = (...gatewayIds: string[]) => gatewayIds.map((gateway_id) => ({ gateway_id }));

test('connections of many gateways come by their ids, without those that were never connected', async () => {
  const all = await batch({ gateway_ids: ids('roof', 'attic', 'cellar') });
  const entry = {
    protocol: 'udp',
    uplink_count: '7',
    round_trip_times: { min: '0.005s', count: 3 },
  };
  expect(all.body).toEqual({ entries: { roof: entry, cellar: entry } });
});

test('a field mask chooses, and one that does not exist is refused', async () => {
  const gateway_ids = ids('roof');
  const some = await batch({
    gateway_ids,
    field_mask: { paths: ['uplink_count', 'round_trip_times.count'] },
  });
  expect(some.body).toEqual({
    entries: { roof: { uplink_count: '7', round_trip_times: { count: 3 } } },
  });
  const wrong = await batch({ gateway_ids, field_mask: { paths: ['antennas'] } });
  expect(wrong.status).toBe(400);
});

test('one to a hundred gateways can be asked for, by those who may read their status', async () => {
  expect((await batch({ gateway_ids: [] })).status).toBe(400);
  expect(
    (await batch({ gateway_ids: ids(...Array.from({ length: 101 }, (_, n) => `gw-${n}`)) })).status,
  ).toBe(400);
  const stranger = await batch({ gateway_ids: ids('roof') }, { kind: 'anonymous' });
  expect(stranger.status).toBe(403);
});
