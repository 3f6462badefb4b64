import { defineError, type GatehouseError, type StatusName } from '../base/errors.ts';
import type { FormatterErrorCode, FormatterFailure } from './formatters/formatter-result.ts';

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

/** What The Things Stack calls failures of formatters, and what kind of error they are there. */
const FORMATTER_ERRORS: Readonly<Record<FormatterErrorCode, readonly [string, StatusName]>> = {
  script_timeout: ['pkg/scripting/javascript:script_timeout', 'DEADLINE_EXCEEDED'],
  script_memory: ['gatehouse/formatters:script_memory', 'RESOURCE_EXHAUSTED'],
  script_error: ['pkg/scripting/javascript:runtime', 'ABORTED'],
  entrypoint_not_found: ['pkg/scripting/javascript:entrypoint_not_found', 'NOT_FOUND'],
  no_script_output: ['pkg/scripting/javascript:no_script_output', 'ABORTED'],
  output: ['pkg/messageprocessors/javascript:output', 'UNKNOWN'],
  output_encoding: ['pkg/messageprocessors/javascript:output_encoding', 'INVALID_ARGUMENT'],
  output_errors: ['pkg/messageprocessors/javascript:output_errors', 'ABORTED'],
  formatter_script_too_large: [
    'pkg/applicationserver:formatter_script_too_large',
    'INVALID_ARGUMENT',
  ],
  formatter_not_configured: [
    'pkg/messageprocessors:formatter_not_configured',
    'FAILED_PRECONDITION',
  ],
  catalogue: ['gatehouse/formatters:catalogue', 'INTERNAL'],
  input: ['pkg/messageprocessors/cayennelpp:input', 'INVALID_ARGUMENT'],
  worker_lost: ['gatehouse/formatters:worker_lost', 'UNAVAILABLE'],
  busy: ['gatehouse/formatters:busy', 'RESOURCE_EXHAUSTED'],
};

/**
 * What is told of a formatter that failed: the engine's text, what it complained about, and the line of the script; or why
 * the device catalogue has none.
 */
export function formatterError(failure: FormatterFailure): GatehouseError {
  const { code, message, line, errors, cause } = failure;
  if (cause) return cause;
  const [name, status] = FORMATTER_ERRORS[code];
  const failed = defineError(name, status, 'The payload formatter failed: {reason}');
  return failed({
    reason: line === undefined ? message : `${message} (line ${line})`,
    ...(errors && { errors }),
    ...(line !== undefined && { line }),
  });
}

export const applicationDeviceNotFound = defineError(
  'pkg/applicationserver:device_not_found',
  'NOT_FOUND',
  'Device {device_uid} is not registered with the application server.',
);

const unknownSession = defineError(
  'pkg/applicationserver:unknown_session',
  'NOT_FOUND',
  'No session of device {device_uid} is known under this id. Let the device join again.',
);

const noAppSKey = defineError(
  'pkg/applicationserver:no_app_s_key',
  'DATA_LOSS',
  'The AppSKey of the session of device {device_uid} is not known here.',
);

const DROPS = {
  device_not_found: applicationDeviceNotFound,
  unknown_session: unknownSession,
  no_app_s_key: noAppSKey,
} as const;

/** Why something of a device goes no further. */
export type DropCause = keyof typeof DROPS;

/** The cause as an error of the API. */
export const dropError = (cause: DropCause, device_uid: string): GatehouseError =>
  DROPS[cause]({ device_uid });

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
