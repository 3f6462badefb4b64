export type { JoinDevice, JoinRegistry, JoinServerOptions } from './join-server.ts';
export { createJoinServer } from './join-server.ts';
