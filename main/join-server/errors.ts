/** Errors of the join server as its API calls tell them; The Things Stack's names. */
import { CAUSES, type CauseCode } from '../base/causes.ts';
import { defineError, type GatehouseError, type StatusName } from '../base/errors.ts';

export const noJoinRequest = defineError(
  'pkg/joinserver:no_join_request',
  'INVALID_ARGUMENT',
  'The call has no join-request. Put its 23 bytes into raw_payload.',
);
export const decodePayload = defineError(
  'pkg/joinserver:decode_payload',
  'INVALID_ARGUMENT',
  'The payload is no frame: {reason}',
);
export const majorVersion = defineError(
  'pkg/joinserver:lorawan_major_version',
  'INVALID_ARGUMENT',
  'The frame is of LoRaWAN major version {major}; there is only R1 (0).',
);
export const payloadType = defineError(
  'pkg/joinserver:payload_type',
  'INVALID_ARGUMENT',
  'The frame is of type {type}. Only a join-request can be answered here.',
);
export const macVersionUnknown = defineError(
  'pkg/joinserver:mac_version',
  'INVALID_ARGUMENT',
  'LoRaWAN version {version} is not known. Choose one of 1.0 to 1.0.4 and 1.1.',
);
export const joinDeviceNotFound = defineError(
  'pkg/joinserver:device_not_found',
  'NOT_FOUND',
  'There is no device with this JoinEUI and DevEUI. Register it with the join server first.',
);
export const provisionerUnknown = defineError(
  'pkg/joinserver:provisioner_not_found',
  'NOT_FOUND',
  'The provisioner {id} is not known here. Register the devices with their root keys instead.',
);
export const sessionNotFound = defineError(
  'gatehouse/joinserver:session_not_found',
  'NOT_FOUND',
  'There is no session with this id. The keys of the ten newest sessions of a device are kept.',
);
/** Takes the status of what it wraps: the reference does the same with its errors of unknown kind. */
export const registryOperation = defineError(
  'pkg/joinserver:registry_operation',
  'NOT_FOUND',
  'Nothing was found with these identifiers. The cause says what is missing.',
);

/** Kinds of the refusals that have a name of their own in the API. */
const STATUS_OF: Partial<Record<CauseCode, StatusName>> = {
  no_dev_eui: 'INVALID_ARGUMENT',
  unknown_join_eui: 'INVALID_ARGUMENT',
  dev_nonce_too_small: 'INVALID_ARGUMENT',
  reuse_dev_nonce: 'INVALID_ARGUMENT',
  join_nonce_too_high: 'UNKNOWN',
  no_nwk_key: 'FAILED_PRECONDITION',
  no_app_key: 'FAILED_PRECONDITION',
  mic_mismatch: 'INVALID_ARGUMENT',
};

/** A refused join as an error. What only our verdicts tell apart, such as reversed EUIs, is an unknown device or JoinEUI. */
export function refusal(cause: CauseCode): GatehouseError {
  const name = cause === 'join_eui_byte_order' ? 'unknown_join_eui' : cause;
  const status = STATUS_OF[name];
  if (!status) return registryOperation({}, { cause: joinDeviceNotFound() });
  const { text, suggestion } = CAUSES[cause];
  return defineError(`pkg/joinserver:${name}`, status, `${text} ${suggestion}`)();
}
