import type { Direction } from '../identifiers.ts';
import type { Issue } from '../issue.ts';
import { type FieldValue, readField, writeField } from './fields.ts';
import { RELAY_ROWS } from './relay-table.ts';
import type { CommandOfRow, MacCommandRow } from './row.ts';
import { CORE_ROWS } from './table.ts';

type Rows = typeof CORE_ROWS | typeof RELAY_ROWS;

/** A MAC command: name and fields, which the name determines. */
export type MacCommand = CommandOfRow<Rows[number]>;

/** Names of all MAC commands, e.g. `LinkAdrReq`. */
export type MacCommandName = MacCommand['name'];

/** The command of that name. */
export type MacCommandNamed<N extends MacCommandName> = Extract<MacCommand, { readonly name: N }>;

interface Placed {
  readonly cid: number;
  readonly direction: Direction;
  /** Place of the CID. */
  readonly offset: number;
  /** Bytes including the CID. */
  readonly length: number;
}

/** A command as it was found, with its place. */
export type DecodedMacCommand = MacCommand & Placed;

/** All commands this program knows. */
export const MAC_COMMAND_ROWS: readonly MacCommandRow<MacCommandName>[] = [
  ...CORE_ROWS,
  ...RELAY_ROWS,
];

const ROW_BY_CID = {
  up: new Map<number, MacCommandRow>(),
  down: new Map<number, MacCommandRow>(),
};
const ROW_BY_NAME = new Map<string, MacCommandRow>();
for (const row of MAC_COMMAND_ROWS) {
  ROW_BY_CID[row.direction].set(row.cid, row);
  ROW_BY_NAME.set(row.name, row);
}

/** Hz per unit of the 24-bit frequency fields in all bands below 1 GHz. */
export const DEFAULT_FREQUENCY_MULTIPLIER_HZ = 100;

/** Description of the command with that CID. */
export function macCommandRow(cid: number, direction: Direction): MacCommandRow | undefined {
  return ROW_BY_CID[direction].get(cid);
}

/** Description of the command of that name. */
export function macCommandRowByName(name: MacCommandName): MacCommandRow {
  return ROW_BY_NAME.get(name)!;
}

/** Options of reading and writing commands. */
export interface MacCommandOptions {
  /** `frequencyMultiplierHz` of the band; 100 unless given. */
  readonly frequencyMultiplierHz?: number;
}

/** What a sequence of MAC commands contains. */
export interface DecodedMacCommands {
  readonly commands: readonly DecodedMacCommand[];
  readonly issues: readonly Issue[];
}

function hexCid(cid: number): string {
  return `0x${cid.toString(16).toUpperCase().padStart(2, '0')}`;
}

function unknownCommand(cid: number, direction: Direction): Pick<Issue, 'code' | 'message'> {
  const other = macCommandRow(cid, direction === 'up' ? 'down' : 'up');
  return other
    ? {
        code: 'mac_command_direction',
        message: `CID ${hexCid(cid)} (${other.name}) does not exist as a ${direction}link command; the rest is not read.`,
      }
    : {
        code: 'mac_command_unknown',
        message: `CID ${hexCid(cid)} is unknown, so its length is too; the rest is not read.`,
      };
}

function extraBytes(row: MacCommandRow, fixed: Uint8Array): number {
  const spec = row.fields.find((field) => field.name === row.extraBytesField);
  return spec ? Number(readField(spec, fixed, 1)) : 0;
}

/** Bytes of the command including its CID, or undefined when it is cut short. */
function commandLength(row: MacCommandRow, bytes: Uint8Array, start: number): number | undefined {
  const fixedEnd = start + 1 + row.payloadBytes;
  if (fixedEnd > bytes.length) return undefined;
  const length = 1 + row.payloadBytes + extraBytes(row, bytes.subarray(start + 1, fixedEnd));
  return start + length > bytes.length ? undefined : length;
}

/**
 * Reads MAC commands one after another. The first that is unknown or cut short ends reading with an issue; those
 * before it are returned.
 *
 * @param bytes FOpts, or FRMPayload of FPort 0, in the clear
 * @param options.offset place of the first byte within the frame, for the places in the result
 */
export function decodeMacCommands(
  bytes: Uint8Array,
  direction: Direction,
  options: MacCommandOptions & { readonly offset?: number } = {},
): DecodedMacCommands {
  const { offset = 0, frequencyMultiplierHz = DEFAULT_FREQUENCY_MULTIPLIER_HZ } = options;
  const commands: DecodedMacCommand[] = [];
  let start = 0;
  const stop = (reason: Pick<Issue, 'code' | 'message'>): DecodedMacCommands => ({
    commands,
    issues: [{ offset: offset + start, length: bytes.length - start, ...reason }],
  });
  while (start < bytes.length) {
    const cid = bytes[start]!;
    const row = macCommandRow(cid, direction);
    if (!row) return stop(unknownCommand(cid, direction));
    const length = commandLength(row, bytes, start);
    if (length === undefined) {
      return stop({
        code: 'mac_command_too_short',
        message: `${row.name} is cut short: ${bytes.length - start - 1} bytes follow its CID.`,
      });
    }
    const payload = bytes.subarray(start + 1, start + length);
    const fields: Record<string, FieldValue> = {};
    for (const spec of row.fields) {
      fields[spec.name] = readField(spec, payload, frequencyMultiplierHz);
    }
    const place = { cid, direction, offset: offset + start, length };
    commands.push({ name: row.name, fields, ...place } as DecodedMacCommand);
    start += length;
  }
  return { commands, issues: [] };
}

/** CID and payload of a command. A value that does not fit its bits is the caller's mistake and throws. */
export function encodeMacCommand(command: MacCommand, options: MacCommandOptions = {}): Uint8Array {
  const { frequencyMultiplierHz = DEFAULT_FREQUENCY_MULTIPLIER_HZ } = options;
  const row = macCommandRowByName(command.name);
  const values: Readonly<Record<string, FieldValue>> = command.fields;
  const extra = row.extraBytesField === undefined ? 0 : Number(values[row.extraBytesField]);
  const bytes = new Uint8Array(1 + row.payloadBytes + extra);
  bytes[0] = row.cid;
  const payload = bytes.subarray(1);
  for (const spec of row.fields) {
    const value = values[spec.name];
    if (value === undefined) throw new RangeError(`${command.name} needs ${spec.name}`);
    writeField(spec, payload, value, frequencyMultiplierHz);
  }
  return bytes;
}

/** Commands one after another, as FOpts or the FRMPayload of FPort 0 carry them. */
export function encodeMacCommands(
  commands: readonly MacCommand[],
  options: MacCommandOptions = {},
): Uint8Array {
  return Uint8Array.from(commands.flatMap((command) => [...encodeMacCommand(command, options)]));
}

/** Bytes of a command of fixed length including its CID. */
export function macCommandLength(name: MacCommandName): number {
  return 1 + macCommandRowByName(name).payloadBytes;
}
