import { create } from '@bufbuild/protobuf';
import {
  type GatewayConnectionStats,
  GatewayConnectionStatsSchema,
} from '../../api/gen/ttn/lorawan/v3/gateway_pb.js';
import {
  BatchGetGatewayConnectionStatsResponseSchema,
  Gs,
} from '../../api/gen/ttn/lorawan/v3/gatewayserver_pb.js';
import { pickByPaths } from '../../registry/masks.ts';
import { requireRight } from '../rights.ts';
import { type Served, serve } from '../router.ts';

/** What the service needs of the gateway server. */
export interface ConnectionStatsPort {
  /** Throws `not_connected` for a gateway that was not heard since the start. */
  connectionStats(gatewayId: string): GatewayConnectionStats;
  /** The same, undefined for such a gateway. */
  knownConnectionStats(gatewayId: string): GatewayConnectionStats | undefined;
}

/** Connections of gateways. */
export function gatewayServerService(gateways: ConnectionStatsPort): Served {
  return serve(Gs, {
    getGatewayConnectionStats: ({ gatewayId }) => gateways.connectionStats(gatewayId),
    batchGetGatewayConnectionStats({ gatewayIds, fieldMask }, { caller }) {
      const ids = gatewayIds.map(({ gatewayId }) => gatewayId);
      for (const id of ids)
        requireRight(caller, 'RIGHT_GATEWAY_STATUS_READ', { kind: 'gateway', id });
      const paths = fieldMask?.paths ?? [];
      const entries: Record<string, GatewayConnectionStats> = {};
      for (const id of ids) {
        const stats = gateways.knownConnectionStats(id);
        if (stats)
          entries[id] =
            paths.length === 0 ? stats : pickByPaths(GatewayConnectionStatsSchema, stats, paths);
      }
      return create(BatchGetGatewayConnectionStatsResponseSchema, { entries });
    },
  });
}
