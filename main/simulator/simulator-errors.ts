import { defineError } from '../base/errors.ts';

export const unsupportedBand = defineError(
  'gatehouse/simulator:unsupported_band',
  'INVALID_ARGUMENT',
  'Simulated devices do not know the band {band_id}. Use one of {supported}.',
);

export const invalidDevice = defineError(
  'gatehouse/simulator:invalid_device',
  'INVALID_ARGUMENT',
  'The simulated device cannot be created: {problem}',
);

export const deviceExists = defineError(
  'gatehouse/simulator:device_exists',
  'ALREADY_EXISTS',
  'A simulated device {device_id} exists already. Remove it first or choose another id.',
);

export const deviceNotFound = defineError(
  'gatehouse/simulator:device_not_found',
  'NOT_FOUND',
  'There is no simulated device {device_id}. It may have been removed.',
);

export const gatewayExists = defineError(
  'gatehouse/simulator:gateway_exists',
  'ALREADY_EXISTS',
  'A virtual gateway {gateway_id} exists already. Choose another id.',
);

export const notJoined = defineError(
  'gatehouse/simulator:not_joined',
  'FAILED_PRECONDITION',
  'The simulated device {device_id} has no session yet. Let it join first.',
);

export const noJoin = defineError(
  'gatehouse/simulator:no_join',
  'FAILED_PRECONDITION',
  'The simulated device {device_id} is activated by personalization and cannot join.',
);

export const noRejoin = defineError(
  'gatehouse/simulator:no_rejoin',
  'FAILED_PRECONDITION',
  'The simulated device {device_id} has no LoRaWAN 1.1 session of a join, so it has nothing to rejoin. Let it join a LoRaWAN 1.1 network first.',
);

export const payloadTooLong = defineError(
  'gatehouse/simulator:payload_too_long',
  'INVALID_ARGUMENT',
  'A payload of {length} bytes does not fit data rate DR{data_rate_index}, which carries at most {max_length} bytes. Shorten it or use a higher data rate.',
);

export const nothingToReplay = defineError(
  'gatehouse/simulator:nothing_to_replay',
  'FAILED_PRECONDITION',
  'The simulated device {device_id} has not sent an uplink that could be replayed. Send one first.',
);

export const invalidFault = defineError(
  'gatehouse/simulator:invalid_fault',
  'INVALID_ARGUMENT',
  'The simulated device {device_id} cannot make this mistake: {problem}',
);

export const queueFull = defineError(
  'gatehouse/simulator:queue_full',
  'RESOURCE_EXHAUSTED',
  'The simulated device {device_id} has {length} uplinks waiting. Wait until they are sent.',
);
