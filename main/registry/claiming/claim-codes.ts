import { GatehouseError } from '../../base/errors.ts';
import { type DevEui, type JoinEui, parseEui64 } from '../../lorawan/index.ts';
import { unknownFormat } from '../qr-codes/errors.ts';
import { type DeviceLabel, LABEL_FORMATS } from '../qr-codes/formats.ts';

/** Reads a label in the first format that fits, in the order of The Things Stack's generator. */
export function readLabel(text: string): DeviceLabel {
  for (const format of LABEL_FORMATS) {
    try {
      return format.parse(text);
    } catch (error) {
      if (!(error instanceof GatehouseError)) throw error;
    }
  }
  throw unknownFormat();
}

/** A device and its code, from a line of text. */
export interface CodeRow {
  readonly joinEui: JoinEui;
  readonly devEui: DevEui;
  readonly code: string;
}

export interface CodeRows {
  readonly rows: readonly CodeRow[];
  /** Lines that were not understood, from 1. */
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

const COLUMNS = ['join_eui', 'dev_eui', 'claim_authentication_code'] as const;
const CODE = /^[A-Z0-9]{1,32}$/;

function cellsOf(line: string, separator: string): string[] {
  return line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function readRow(cells: readonly string[], places: readonly number[]): CodeRow | string {
  const [joinText = '', devText = '', code = ''] = places.map((place) => cells[place] ?? '');
  const joinEui = parseEui64(joinText);
  if (joinEui === undefined) return `join_eui "${joinText}" does not have 16 hex digits`;
  const devEui = parseEui64(devText);
  if (devEui === undefined) return `dev_eui "${devText}" does not have 16 hex digits`;
  if (!CODE.test(code)) return 'claim_authentication_code has to be 1 to 32 of A to Z and 0 to 9';
  return { joinEui: joinEui as JoinEui, devEui: devEui as DevEui, code };
}

/**
 * Reads text with a header line and one device per line, cells between commas or semicolons. Other columns are skipped.
 */
export function readCodes(csv: string): CodeRows {
  const lines = csv.replace(/^\uFEFF/, '').split(/\r?\n/);
  const [head = ''] = lines;
  const separator = head.includes(';') ? ';' : ',';
  const names = cellsOf(head, separator).map((name) => name.toLowerCase());
  const places = COLUMNS.map((column) => names.indexOf(column));
  const missing = COLUMNS.filter((_, index) => places[index] === -1);
  if (missing.length > 0)
    return { rows: [], problems: [{ line: 1, reason: `no column ${missing.join(', ')}` }] };
  const rows: CodeRow[] = [];
  const problems: { line: number; reason: string }[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '') continue;
    const row = readRow(cellsOf(line, separator), places);
    if (typeof row === 'string') problems.push({ line: index + 1, reason: row });
    else rows.push(row);
  }
  return { rows, problems };
}
