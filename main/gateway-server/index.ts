export type { LinkSettings } from './connection.ts';
export type { GatewayRegistry, GatewayServer, GatewayServerOptions } from './gateway-server.ts';
export { createGatewayServer } from './gateway-server.ts';
