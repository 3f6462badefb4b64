export type {
  AcceptedJoin,
  JoinDevice,
  JoinedKeys,
  JoinRegistry,
  JoinRequest,
  JoinServer,
  JoinServerOptions,
  RejectedJoin,
} from './join-server.ts';
export { createJoinServer } from './join-server.ts';
