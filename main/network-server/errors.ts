import type { CauseCode } from '../base/causes.ts';
import { defineError } from '../base/errors.ts';
import { storeFull } from '../store/index.ts';

export const deviceNotFound = defineError(
  'pkg/networkserver:device_not_found',
  'NOT_FOUND',
  'Device {device_uid} is not registered with the network server.',
);

export const fCntTooLow = defineError(
  'pkg/networkserver:f_cnt_too_low',
  'INVALID_ARGUMENT',
  'The counter {f_cnt} of the downlink was used before. It has to be {min_f_cnt} or more.',
);

export const unknownSession = defineError(
  'pkg/networkserver:unknown_session',
  'NOT_FOUND',
  'The downlink is encrypted for a session that device {device_uid} does not have. Encrypt it for the present one.',
);

export const downlinkTooLong = defineError(
  'pkg/networkserver:application_downlink_too_long',
  'INVALID_ARGUMENT',
  'The payload has {length} bytes; device {device_uid} can receive {max} at most.',
);

export const expired = defineError(
  'pkg/networkserver:downlink_expired',
  'FAILED_PRECONDITION',
  'The time of the downlink for device {device_uid} is over or less than 2.5 seconds ahead. Choose a later one.',
);

export const queueFull = defineError(
  'pkg/networkserver:downlink_queue_capacity',
  'RESOURCE_EXHAUSTED',
  'The downlink queue of device {device_uid} is full with {max} entries. Wait until some were sent, or replace the queue.',
);

/** Why something could not be stored, in the words of a frame's verdict. */
export function storeCause(error: unknown): Extract<CauseCode, 'store_full' | 'store_failed'> {
  return storeFull.is(error) ? 'store_full' : 'store_failed';
}

export const classBCNotServed = defineError(
  'gatehouse/network-server:class_b_c_not_served',
  'UNIMPLEMENTED',
  'Gateways and times can be chosen for devices of class C only. Leave class_b_c out, and the downlink goes to {device_uid} after its next uplink.',
);

export const multicastNotServed = defineError(
  'gatehouse/network-server:multicast_not_served',
  'UNIMPLEMENTED',
  'Multicast groups are not served yet, so a downlink to {device_uid} would wait for ever. Queue it for each device.',
);
