export { defaultMacSettings } from './default-mac-settings.ts';
export { createDownlinkQueue } from './downlink-queue.ts';
export type { NetworkServer, NetworkServerOptions } from './network-server.ts';
export { createNetworkServer } from './network-server.ts';
export { newMacState } from './new-mac-state.ts';
export type { NetworkSettings, RandomBytes } from './ports.ts';
