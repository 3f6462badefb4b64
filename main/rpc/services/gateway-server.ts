import type { GatewayConnectionStats } from '../../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { Gs } from '../../api/gen/ttn/lorawan/v3/gatewayserver_pb.js';
import { type Served, serve } from '../router.ts';

/** What the service needs of the gateway server. */
export interface ConnectionStatsPort {
  /** Throws `not_connected` for a gateway that was not heard since the start. */
  connectionStats(gatewayId: string): GatewayConnectionStats;
}

/** Connections of gateways. */
export function gatewayServerService(gateways: ConnectionStatsPort): Served {
  return serve(Gs, {
    getGatewayConnectionStats: ({ gatewayId }) => gateways.connectionStats(gatewayId),
  });
}
