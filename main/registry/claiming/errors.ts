import { defineError } from '../../base/errors.ts';

export const claimingNotSupported = defineError(
  'pkg/deviceclaimingserver:claiming_not_supported',
  'ABORTED',
  'No device with JoinEUI {eui} can be claimed here. Import the devices of that JoinEUI with their codes first.',
);
export const noEui = defineError(
  'pkg/deviceclaimingserver:no_eui',
  'INVALID_ARGUMENT',
  'A device is claimed by its DevEUI, and none was given.',
);
export const qrCodeData = defineError(
  'pkg/deviceclaimingserver:qr_code_data',
  'INVALID_ARGUMENT',
  'The QR code cannot be read. Check that the whole code was read.',
);
export const claimDeviceNotFound = defineError(
  'pkg/deviceclaimingserver:device_not_found',
  'NOT_FOUND',
  'There is no end device {device_id} in application {application_id}. Check both ids.',
);
export const noEuis = defineError(
  'pkg/deviceclaimingserver:no_euis',
  'FAILED_PRECONDITION',
  'The end device {device_id} has no JoinEUI or no DevEUI, so it cannot have been claimed.',
);
export const noDevicesFound = defineError(
  'pkg/deviceclaimingserver:no_devices_found',
  'INVALID_ARGUMENT',
  'None of these end devices is in application {application_id}. Check the ids.',
);

/** Refusals of a Join Server, by the names clients know from The Things Join Server. */
export const deviceNotProvisioned = defineError(
  'pkg/deviceclaimingserver/enddevices/ttjsv2:device_not_provisioned',
  'NOT_FOUND',
  'No device with DevEUI {dev_eui} can be claimed here. Check the EUI, or import the device with its code.',
);
export const deviceNotClaimed = defineError(
  'pkg/deviceclaimingserver/enddevices/ttjsv2:device_not_claimed',
  'NOT_FOUND',
  'The device with DevEUI {dev_eui} has not been claimed.',
);
export const deviceAccessDenied = defineError(
  'pkg/deviceclaimingserver/enddevices/ttjsv2:device_access_denied',
  'INVALID_ARGUMENT',
  'The code is not that of the device with DevEUI {dev_eui}, or another application has claimed it.',
);
