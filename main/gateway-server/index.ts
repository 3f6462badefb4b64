export type { LinkSettings } from './connection.ts';
export type { GatewayServer, GatewayServerOptions } from './gateway-server.ts';
export { createGatewayServer } from './gateway-server.ts';
export type { GatewayRegistry } from './ports.ts';
