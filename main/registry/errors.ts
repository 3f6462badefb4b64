import { defineError } from '../base/errors.ts';

export const idTaken = defineError(
  'pkg/util/store:id_taken',
  'ALREADY_EXISTS',
  'This id is taken already. Choose another one.',
);

const EUIS_TAKEN =
  'An end device with JoinEUI {join_eui} and DevEUI {dev_eui} is registered already as {device_id} in application {application_id}. Use that device, or delete it first.';
export const identityEuisTaken = defineError(
  'pkg/identityserver:end_device_euis_taken',
  'ALREADY_EXISTS',
  EUIS_TAKEN,
);
export const registryEuisTaken = defineError(
  'pkg/internal/registry:end_device_euis_taken',
  'ALREADY_EXISTS',
  EUIS_TAKEN,
);

export const endDeviceNotFound = defineError(
  'pkg/identityserver/store:end_device_not_found',
  'NOT_FOUND',
  'There is no end device {device_id} in application {application_id}. Check both ids.',
);
export const applicationNotFound = defineError(
  'pkg/identityserver/store:application_not_found',
  'NOT_FOUND',
  'There is no application {application_id}. Check the id, or create the application.',
);
export const gatewayNotFound = defineError(
  'pkg/identityserver/store:gateway_not_found',
  'NOT_FOUND',
  'There is no gateway {gateway_id}. Check the id, or register the gateway.',
);
export const gatewayNotFoundByEui = defineError(
  'pkg/identityserver/store:gateway_not_found_by_eui',
  'NOT_FOUND',
  'There is no gateway with EUI {gateway_eui}. Check the EUI, or register the gateway.',
);
export const restoreWindowExpired = defineError(
  'pkg/identityserver:restore_window_expired',
  'FAILED_PRECONDITION',
  'What was deleted can be restored for a day, and that is over. Create it anew.',
);
export const noEuiOrBlockAvailable = defineError(
  'pkg/identityserver/store:no_eui_or_block_available',
  'FAILED_PRECONDITION',
  'All DevEUIs of this workspace are issued. Use one of a block of your own.',
);
export const apiKeyNotFound = defineError(
  'pkg/identityserver/store:api_key_not_found',
  'NOT_FOUND',
  'The {entity_type} {entity_id} has no API key {api_key_id}. Check the id; the list of keys has it.',
);
export const gatewayEuiTaken = defineError(
  'pkg/identityserver:gateway_eui_taken',
  'ALREADY_EXISTS',
  'A gateway with EUI {gateway_eui} is registered already as {gateway_id}. Use that one, or delete it first.',
);
export const applicationHasDevices = defineError(
  'pkg/identityserver:application_has_devices',
  'FAILED_PRECONDITION',
  'The application still has {count} end devices. Delete them first.',
);

const ADDRESS_MISMATCH =
  'The server address {address} differs from {expected}, the one of the application. Use the same address, or leave it out.';
export const networkServerAddressMismatch = defineError(
  'pkg/identityserver:network_server_address_mismatch',
  'INVALID_ARGUMENT',
  ADDRESS_MISMATCH,
);
export const applicationServerAddressMismatch = defineError(
  'pkg/identityserver:application_server_address_mismatch',
  'INVALID_ARGUMENT',
  ADDRESS_MISMATCH,
);
export const joinServerAddressMismatch = defineError(
  'pkg/identityserver:join_server_address_mismatch',
  'INVALID_ARGUMENT',
  ADDRESS_MISMATCH,
);
export const claimAuthenticationCode = defineError(
  'pkg/identityserver:claim_authentication_code',
  'INVALID_ARGUMENT',
  'The claim authentication code has times without a value, or ends before it begins. Correct its value and times.',
);

export const noJoinEui = defineError(
  'pkg/joinserver:no_join_eui',
  'INVALID_ARGUMENT',
  'The device has no JoinEUI. Give one; 0000000000000000 is allowed.',
);
export const noDevEui = defineError(
  'pkg/joinserver:no_dev_eui',
  'INVALID_ARGUMENT',
  'The device has no DevEUI. Give the one printed on the device.',
);

const FIELD_VALUE = 'The value of {field} is missing or not allowed here. Correct it.';
export const joinFieldValue = defineError(
  'pkg/joinserver:field_value',
  'INVALID_ARGUMENT',
  FIELD_VALUE,
);
export const networkFieldValue = defineError(
  'pkg/networkserver:field_value',
  'INVALID_ARGUMENT',
  FIELD_VALUE,
);
export const applicationFieldValue = defineError(
  'pkg/applicationserver:field_value',
  'INVALID_ARGUMENT',
  FIELD_VALUE,
);

const FIELD_MASK = 'The field mask holds a path that cannot be changed. Remove it from the mask.';
export const joinFieldMask = defineError(
  'pkg/joinserver:field_mask',
  'INVALID_ARGUMENT',
  FIELD_MASK,
);
export const applicationFieldMask = defineError(
  'pkg/applicationserver:field_mask',
  'INVALID_ARGUMENT',
  FIELD_MASK,
);
export const prohibitedField = defineError(
  'pkg/ttnpb:prohibited_field',
  'UNKNOWN',
  'The field {field} cannot be set. Remove it from the mask.',
);

const READ_ONLY = 'The field {field} cannot be changed after the device was created.';
export const joinReadOnlyField = defineError(
  'pkg/joinserver/redis:read_only_field',
  'INVALID_ARGUMENT',
  READ_ONLY,
);
export const networkReadOnlyField = defineError(
  'pkg/networkserver/redis:read_only_field',
  'INVALID_ARGUMENT',
  READ_ONLY,
);
export const applicationReadOnlyField = defineError(
  'pkg/applicationserver/redis:read_only_field',
  'INVALID_ARGUMENT',
  READ_ONLY,
);

const NOT_FOUND = 'This server does not know the end device. Check the ids, or register it here.';
export const joinDeviceNotFound = defineError(
  'pkg/joinserver:device_not_found',
  'NOT_FOUND',
  NOT_FOUND,
);
export const activationSettingsNotFound = defineError(
  'pkg/joinserver:application_activation_settings_not_found',
  'NOT_FOUND',
  'The application has no activation settings. Set some first.',
);
export const noPaths = defineError(
  'pkg/joinserver:no_paths',
  'INVALID_ARGUMENT',
  'The field mask is empty. Name what is to be set.',
);
export const noKekLabel = defineError(
  'pkg/joinserver:no_kek_label',
  'INVALID_ARGUMENT',
  'A key encryption key needs a label, in the same call. Send kek_label and name it in the field mask.',
);
export const networkDeviceNotFound = defineError(
  'pkg/networkserver:device_not_found',
  'NOT_FOUND',
  NOT_FOUND,
);
export const applicationDeviceNotFound = defineError(
  'pkg/applicationserver:device_not_found',
  'NOT_FOUND',
  'This server does not know the end device {device_uid}. Check the ids, or register it here.',
);
export const notFound = defineError('pkg/redis:not_found', 'NOT_FOUND', NOT_FOUND);
export const provisionerNotFound = defineError(
  'pkg/joinserver/redis:provisioner_not_found',
  'NOT_FOUND',
  'The provisioner {id} is not known. Leave it out, or use a device with plain keys.',
);

export const scriptTooLarge = defineError(
  'pkg/applicationserver:formatter_script_too_large',
  'INVALID_ARGUMENT',
  'The formatter has {size} bytes; at most {max_size} are allowed. Shorten it.',
);
export const fieldIsZero = defineError(
  'pkg/networkserver:field_is_zero',
  'INVALID_ARGUMENT',
  'The field {name} is needed here but not set.',
);
export const fieldNotZero = defineError(
  'pkg/networkserver:field_not_zero',
  'INVALID_ARGUMENT',
  'The field {name} is set, which is not allowed here.',
);
export const frequencyPlanNotFound = defineError(
  'pkg/frequencyplans:not_found',
  'NOT_FOUND',
  'There is no frequency plan {id}. Choose one of the list.',
);
export const noBandVersion = defineError(
  'pkg/networkserver/internal:no_band_version',
  'INVALID_ARGUMENT',
  'The band {id} has no regional parameters {ver}. Choose another version.',
);
export const bandMismatch = defineError(
  'pkg/networkserver:device_and_frequency_plan_band_mismatch',
  'INVALID_ARGUMENT',
  'The device was made for band {dev_band_id}, but the frequency plan is for {fp_band_id}. Choose a plan of the device’s band.',
);
export const corruptedMacState = defineError(
  'pkg/networkserver/internal:corrupted_mac_state',
  'DATA_LOSS',
  'The device has no session to start anew from. Set its session, or let it join.',
);

export const unknownPath = defineError(
  'pkg/rpcmiddleware/validator:field_mask_paths',
  'INVALID_ARGUMENT',
  'The field mask holds unknown paths: {forbidden_paths}. Correct or remove them.',
);
export const oneofConflict = defineError(
  'gatehouse/registry:oneof_conflict',
  'INVALID_ARGUMENT',
  'The path {path} belongs to another choice than the one that is set. Put {oneof} in the field mask to change the choice.',
);
