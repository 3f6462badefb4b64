import { defineError, type GatehouseError } from '../base/errors.ts';
import type { FormatterFailure } from './formatters/formatter-result.ts';

export const noPayload = defineError(
  'pkg/applicationserver:no_payload',
  'INVALID_ARGUMENT',
  'The downlink has no payload. Give frm_payload, or decoded_payload for a device with a formatter.',
);

export const noFPort = defineError(
  'pkg/applicationserver:no_f_port',
  'INVALID_ARGUMENT',
  'The downlink has no FPort. Give one from 1 to 223.',
);

export const noDeviceSession = defineError(
  'pkg/applicationserver:no_device_session',
  'FAILED_PRECONDITION',
  'Device {device_uid} has no session yet. It has to join first, or be given an ABP session.',
);

export const retriesInvalid = defineError(
  'pkg/applicationserver:downlink_max_retries_invalid',
  'INVALID_ARGUMENT',
  'A confirmed downlink may be tried at most {max} times.',
);

export const maxRetriesReached = defineError(
  'pkg/applicationserver:max_retries_reached',
  'ABORTED',
  'The device acknowledged the downlink in none of its {max_retries} attempts. Check that it hears downlinks, and queue it again.',
);

const formatterFailed = defineError(
  'pkg/messageprocessors:formatter',
  'INVALID_ARGUMENT',
  'The payload formatter failed: {reason}',
);

/** What a client is told of a formatter that failed: the engine's text, its kind and the line of the script. */
export function formatterError({ code, message, line }: FormatterFailure): GatehouseError {
  return formatterFailed({
    reason: line === undefined ? message : `${message} (line ${line})`,
    formatter_error: code,
    ...(line !== undefined && { line }),
  });
}

export const applicationDeviceNotFound = defineError(
  'pkg/applicationserver:device_not_found',
  'NOT_FOUND',
  'Device {device_uid} is not registered with the application server.',
);

export const payloadCryptoSkipped = defineError(
  'pkg/applicationserver/io/grpc:payload_crypto_skipped',
  'FAILED_PRECONDITION',
  'Payloads of device {device_uid} pass through encrypted, so an uplink of it cannot be simulated.',
);

export const alreadySimulated = defineError(
  'pkg/applicationserver/io/grpc:simulated',
  'INVALID_ARGUMENT',
  'The message is marked as simulated already. Leave `simulated` out; it is set for you.',
);
