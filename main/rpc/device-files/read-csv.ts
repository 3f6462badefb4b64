import { Readable } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { type CsvError, type Info, parse } from 'csv-parse';
import { type EndDevice, EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { GatehouseError } from '../../base/errors.ts';
import { formatHex } from '../../lorawan/index.ts';
import { CSV_COLUMNS, type CsvColumn } from './csv-columns.ts';
import { csvCell, csvHeader, parseCsv, parseCsvField } from './errors.ts';
import type { ReadOptions, TemplateRow } from './template-row.ts';

/** Characters handed to the parser at once. */
const CHUNK_CHARACTERS = 64 * 1024;
const SESSION_KEY_COLUMNS = ['app_s_key', 'f_nwk_s_int_key'];

interface Header {
  /** By position; undefined where the column is not known. */
  readonly columns: readonly (CsvColumn | undefined)[];
  readonly width: number;
  readonly idFromEui: boolean;
}

interface CsvRecord {
  readonly info: Info;
  readonly record: readonly string[];
}

function* chunksOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += CHUNK_CHARACTERS) {
    yield text.slice(at, at + CHUNK_CHARACTERS);
  }
}

/** The first line says what separates cells. */
function delimiterOf(text: string): string {
  const [first = ''] = text.split('\n', 1);
  return !first.includes(';') && first.includes(',') ? ',' : ';';
}

function headerOf(names: readonly string[]): Header {
  const columns = names.map((name) => CSV_COLUMNS.find((column) => column.name === name));
  if (columns.every((column) => column === undefined)) throw csvHeader();
  const isNamed = (name: string): boolean => columns.some((column) => column?.name === name);
  return { columns, width: names.length, idFromEui: !isNamed('id') && isNamed('dev_eui') };
}

function cellError(row: number, position: number, { name, expected }: CsvColumn): GatehouseError {
  return parseCsvField({ line: row, column: position + 1 }, { cause: csvCell({ name, expected }) });
}

/** An id from the DevEUI, for files without a column of ids. */
function nameByEui(device: EndDevice, paths: string[]): void {
  const devEui = device.ids?.devEui;
  if (!devEui || devEui.length === 0) return;
  device.ids ??= create(EndDeviceIdentifiersSchema);
  device.ids.deviceId = `eui-${formatHex(devEui).toLowerCase()}`;
  paths.push('ids.device_id');
}

/**
 * A row of cells as a device, or the error of the first cell that cannot be read.
 *
 * @param row number of the row, the header not counted
 */
function readRow(
  cells: readonly string[],
  row: number,
  header: Header,
  options: ReadOptions,
): { readonly device: EndDevice; readonly paths: string[] } | GatehouseError {
  const device = create(EndDeviceSchema);
  const paths: string[] = [];
  let hasSessionKeys = false;
  for (const [position, column] of header.columns.entries()) {
    const cell = cells[position] ?? '';
    if (!column) continue;
    if (cell === '' && options.emptyCells === 'absent') continue;
    if (!column.read(device, cell)) return cellError(row, position, column);
    for (const path of column.paths) if (!paths.includes(path)) paths.push(path);
    hasSessionKeys ||= SESSION_KEY_COLUMNS.includes(column.name);
  }
  if (header.idFromEui) nameByEui(device, paths);
  if (hasSessionKeys && device.session?.keys) {
    device.session.keys.sessionKeyId = options.newSessionKeyId();
  }
  return { device, paths };
}

/** What the parser says of a row that is no CSV. */
interface BrokenRow {
  readonly broken: CsvError & { readonly lines?: number; readonly column?: number | string };
}

function csvFault({ broken }: BrokenRow, startLine: number): GatehouseError {
  const { code, lines = startLine, column } = broken;
  // The library's own message repeats a part of the row, which may hold keys.
  const message =
    code === 'CSV_QUOTE_NOT_CLOSED' ? 'a quoted cell has no end' : 'a quote is misplaced';
  return parseCsv({
    line: lines,
    column: typeof column === 'number' ? column + 1 : 1,
    start_line: startLine,
    message,
  });
}

/** The records of a text in their order, and what is none where it stands. */
function recordsOf(text: string): AsyncIterable<CsvRecord | BrokenRow> {
  const parser = parse({
    delimiter: delimiterOf(text),
    info: true,
    ltrim: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
  });
  parser.on('skip', (broken: CsvError) => void parser.push({ broken }));
  return Readable.from(chunksOf(text)).pipe(parser);
}

/**
 * Reads the CSV of The Things Stack: a header, then one device per row. Ends with an error if the header names no known
 * column; a row with misplaced quotes, too few cells or one that cannot be read is a row with an error.
 */
export async function* readCsv(text: string, options: ReadOptions): AsyncGenerator<TemplateRow> {
  let header: Header | undefined;
  let startLine = 1;
  let row = 0;
  for await (const next of recordsOf(text)) {
    const line = startLine;
    if ('broken' in next) {
      if (!header) throw csvFault(next, line);
      const { lines = line } = next.broken;
      // The parser tells of each quote; once per row is enough.
      if (lines < line) continue;
      startLine = lines + 1;
      row += 1;
      yield { line, error: csvFault(next, line) };
      continue;
    }
    const { info, record } = next;
    startLine = info.lines + 1;
    if (!header) {
      header = headerOf(record);
      continue;
    }
    row += 1;
    if (record.length !== header.width) {
      const message = `the row has ${record.length} cells, the header ${header.width}`;
      const place = { line: info.lines, column: 1, start_line: line, message };
      yield { line, error: parseCsv(place) };
      continue;
    }
    const read = readRow(record, row, header, options);
    yield read instanceof Error ? { line, error: read } : { line, ...read };
  }
  if (!header) throw csvHeader();
}
