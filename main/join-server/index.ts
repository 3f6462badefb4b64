export {
  decodePayload,
  joinDeviceNotFound,
  macVersionUnknown,
  majorVersion,
  noJoinRequest,
  payloadType,
  provisionerUnknown,
  refusal,
  registryOperation,
  sessionNotFound,
} from './errors.ts';
export type {
  JoinDevice,
  JoinRegistry,
  JoinServer,
  JoinServerOptions,
  JoinSettings,
} from './join-server.ts';
export { createJoinServer } from './join-server.ts';
