import { defineError } from '../../base/errors.ts';

export const brandNotFound = defineError(
  'pkg/devicerepository:brand_not_found',
  'NOT_FOUND',
  'There is no brand {brand_id} in the device catalogue. Check the id, or import a newer device repository.',
);
export const modelNotFound = defineError(
  'pkg/devicerepository:model_not_found',
  'NOT_FOUND',
  'There is no model {brand_id}/{model_id} in the device catalogue. Check the ids, or import a newer device repository.',
);

const REMOTE = 'pkg/devicerepository/store/remote';
export const versionBrandNotFound = defineError(
  `${REMOTE}:brand_not_found`,
  'NOT_FOUND',
  'There is no brand {brand_id} in the device catalogue. Check the id, or import a newer device repository.',
);
export const versionModelNotFound = defineError(
  `${REMOTE}:model_not_found`,
  'NOT_FOUND',
  'There is no model {brand_id}/{model_id} in the device catalogue. Check the ids, or import a newer device repository.',
);
export const firmwareVersionNotFound = defineError(
  `${REMOTE}:firmware_version_not_found`,
  'NOT_FOUND',
  'Model {brand_id}/{model_id} has no firmware version {firmware_version}. Choose one of those it lists.',
);
export const bandNotFound = defineError(
  `${REMOTE}:band_not_found`,
  'NOT_FOUND',
  'There is no band {band_id}. Bands are named as in EU_863_870.',
);
export const noProfileForBand = defineError(
  `${REMOTE}:no_profile_for_band`,
  'NOT_FOUND',
  'This firmware version has no profile for band {band_id}. Choose a band that it lists.',
);
export const noCodec = defineError(
  `${REMOTE}:no_codec`,
  'NOT_FOUND',
  'The device catalogue has no payload formatter for firmware version {firmware_version} in band {band_id}.',
);
export const noDecoder = defineError(
  `${REMOTE}:no_decoder`,
  'NOT_FOUND',
  'Codec {codec_id} of the device catalogue does not decode this direction.',
);
export const noEncoder = defineError(
  `${REMOTE}:no_encoder`,
  'NOT_FOUND',
  'Codec {codec_id} of the device catalogue does not encode downlinks.',
);
export const noTemplateIdentifiers = defineError(
  `${REMOTE}:no_template_identifiers`,
  'INVALID_ARGUMENT',
  'Say which template: give version_ids, or end_device_profile_ids.',
);
export const missingProfileIdentifiers = defineError(
  'pkg/devicerepository/store/bleve:missing_profile_identifiers',
  'INVALID_ARGUMENT',
  'A profile needs both numbers: vendor_id and vendor_profile_id.',
);
export const endDeviceProfileNotFound = defineError(
  'pkg/devicerepository/store/bleve:end_device_profile_not_found',
  'NOT_FOUND',
  'The device catalogue has no profile {vendor_profile_id} of vendor {vendor_id}.',
);
export const regionalParametersVersion = defineError(
  'pkg/devicerepository/store:regional_parameters_version',
  'NOT_FOUND',
  'The profile names regional parameters {phy_version}, which this program does not know.',
);
export const noVersionIdentifiers = defineError(
  'pkg/messageprocessors/devicerepository:no_version_identifiers',
  'INVALID_ARGUMENT',
  'The device does not say which model of the device catalogue it is. Set its version_ids, or choose another payload formatter.',
);

export const importRunning = defineError(
  'gatehouse/catalogue:busy',
  'FAILED_PRECONDITION',
  'Another import or change of the device catalogue is going on. Wait until it is done.',
);
export const importCancelled = defineError(
  'gatehouse/catalogue:cancelled',
  'CANCELED',
  'The import was ended before it was complete. The catalogue is as it was.',
);
export const importFailed = defineError(
  'gatehouse/catalogue:import_failed',
  'INTERNAL',
  'The import ended unexpectedly ({reason}). The catalogue is as it was.',
);
export const sourceUnreadable = defineError(
  'gatehouse/catalogue:source_unreadable',
  'INVALID_ARGUMENT',
  '{source} cannot be read ({reason}). Give a folder or a ZIP file on the computer Gatehouse runs on.',
);
export const notARepository = defineError(
  'gatehouse/catalogue:not_a_repository',
  'INVALID_ARGUMENT',
  '{source} is no device repository: it needs a file vendor/index.yaml that lists brands ({reason}). The catalogue is as it was.',
);
export const repositoryTooLarge = defineError(
  'gatehouse/catalogue:too_large',
  'RESOURCE_EXHAUSTED',
  '{source} has more {what} than an import takes ({limit}). The catalogue is as it was.',
);
export const versionNotFound = defineError(
  'gatehouse/catalogue:version_not_found',
  'NOT_FOUND',
  'There is no import {version_id}, or it is not complete.',
);
export const versionActive = defineError(
  'gatehouse/catalogue:version_active',
  'FAILED_PRECONDITION',
  'Import {version_id} ships with the program and cannot be changed.',
);
export const uploadNotFound = defineError(
  'gatehouse/catalogue:upload_not_found',
  'NOT_FOUND',
  'There is no upload {upload_id}. Begin again with an empty upload_id.',
);
export const uploadOffset = defineError(
  'gatehouse/catalogue:upload_offset',
  'FAILED_PRECONDITION',
  'The upload goes on at byte {size}, not at {offset}.',
);
