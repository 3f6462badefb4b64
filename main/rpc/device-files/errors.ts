import { defineError } from '../../base/errors.ts';

export const converterNotFound = defineError(
  'pkg/devicetemplateconverter:converter',
  'NOT_FOUND',
  'There is no file format {id}. Choose one of the list of formats.',
);
export const jsonToken = defineError(
  'pkg/util/io:json_token',
  'INVALID_ARGUMENT',
  'The file is not the JSON of end devices; correct it.',
);
export const jsonDevice = defineError(
  'gatehouse/templates:json_device',
  'INVALID_ARGUMENT',
  'Device {number} of the file, at line {line}: {problem}.',
);
export const csvHeader = defineError(
  'pkg/devicetemplates:csv_header',
  'INVALID_ARGUMENT',
  'The first line of the file names none of the known columns. Begin the file with a line such as "id;dev_eui;join_eui;app_key".',
);
export const parseCsv = defineError(
  'pkg/devicetemplates:parse_csv',
  'INVALID_ARGUMENT',
  'Line {line} of the file, column {column}, is not CSV: {message}. The row begins at line {start_line}.',
);
export const parseCsvField = defineError(
  'pkg/devicetemplates:parse_csv_field',
  'INVALID_ARGUMENT',
  'The cell in row {line}, column {column}, cannot be read; correct it.',
);
export const csvCell = defineError(
  'gatehouse/templates:csv_cell',
  'INVALID_ARGUMENT',
  'Column {name} takes {expected}.',
);
export const importedTwice = defineError(
  'gatehouse/templates:imported_twice',
  'ALREADY_EXISTS',
  'The file has {twin} twice. Remove one of the two.',
);
