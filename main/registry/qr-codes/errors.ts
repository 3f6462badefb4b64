import { defineError } from '../../base/errors.ts';

export const formatNotFound = defineError(
  'pkg/qrcodegenerator:format_not_found',
  'NOT_FOUND',
  'There is no QR code format {id}. Choose one of the list of formats.',
);
export const unknownFormat = defineError(
  'pkg/qrcodegenerator/qrcode/enddevices:unknown_format',
  'INVALID_ARGUMENT',
  'The text is not the QR code of an end device in any known format. Check that the whole code was read.',
);
export const badFormat = defineError(
  'pkg/qrcodegenerator/qrcode/enddevices:format',
  'INVALID_ARGUMENT',
  'The text is not a QR code of this format. Leave the format out to have it found.',
);
export const badCharacter = defineError(
  'pkg/qrcodegenerator/qrcode/enddevices:character',
  'INVALID_ARGUMENT',
  'The character {r} cannot stand in a QR code of this format. Choose another format, or another code.',
);
export const noJoinEui = defineError(
  'pkg/qrcodegenerator/qrcode/enddevices:no_join_eui',
  'FAILED_PRECONDITION',
  'The device has no JoinEUI, which its QR code would hold. Give one.',
);
export const noDevEui = defineError(
  'pkg/qrcodegenerator/qrcode/enddevices:no_dev_eui',
  'FAILED_PRECONDITION',
  'The device has no DevEUI, which its QR code would hold. Give one.',
);
export const badEui = defineError(
  'pkg/types:invalid_eui',
  'INVALID_ARGUMENT',
  'An EUI in the QR code does not have 16 hex digits.',
);
