import type { FieldSpan } from '../field-span.ts';
import type { Direction } from '../identifiers.ts';
import {
  type DecodedMacCommand,
  decodeMacCommands,
  type MacCommandOptions,
  macCommandRowByName,
} from './codec.ts';
import { byteRange, explainField, type FieldSpec, type FieldValue, formatField } from './fields.ts';

function fieldSpan(
  command: DecodedMacCommand,
  spec: FieldSpec,
  value: FieldValue,
  decrypted: boolean,
): FieldSpan {
  const { first, count } = byteRange(spec, command.length - 1);
  const text = explainField(spec, value);
  const partial = spec.bits !== undefined && spec.bits % 8 !== 0;
  return {
    name: `lorawan.mac.${command.name}.${spec.name}`,
    label: spec.label,
    offset: command.offset + 1 + first,
    length: count,
    ...(partial ? { bitMask: (2 ** spec.bits - 1) * 2 ** (spec.bit & 7) } : {}),
    value: formatField(spec, value),
    ...(text === undefined ? {} : { text }),
    ...(decrypted ? { decrypted } : {}),
    children: [],
  };
}

function commandSpan(command: DecodedMacCommand, decrypted: boolean): FieldSpan {
  const row = macCommandRowByName(command.name);
  const values: Readonly<Record<string, FieldValue>> = command.fields;
  const cidText = `0x${command.cid.toString(16).toUpperCase().padStart(2, '0')}`;
  const mark = decrypted ? { decrypted } : {};
  return {
    name: `lorawan.mac.${command.name}`,
    label: command.name,
    offset: command.offset,
    length: command.length,
    value: cidText,
    text: row.section,
    ...mark,
    children: [
      {
        name: 'lorawan.mac.cid',
        label: 'CID',
        offset: command.offset,
        length: 1,
        value: cidText,
        text: command.name,
        ...mark,
        children: [],
      },
      ...row.fields
        .filter((spec) => byteRange(spec, command.length - 1).count > 0)
        .map((spec) => fieldSpan(command, spec, values[spec.name]!, decrypted)),
    ],
  };
}

/**
 * Field trees of MAC commands in the clear. Bytes that could not be read form one field at the end.
 *
 * @param options.offset place of the first byte within the frame
 * @param options.decrypted the bytes on air are encrypted
 */
export function macCommandLayout(
  bytes: Uint8Array,
  direction: Direction,
  options: MacCommandOptions & { readonly offset: number; readonly decrypted: boolean },
): readonly FieldSpan[] {
  const { commands, issues } = decodeMacCommands(bytes, direction, options);
  const spans = commands.map((command) => commandSpan(command, options.decrypted));
  const rest = issues[0];
  if (!rest) return spans;
  const unread: FieldSpan = {
    name: 'lorawan.mac.unread',
    label: 'Not read',
    offset: rest.offset,
    length: rest.length,
    value: `${rest.length} bytes`,
    text: rest.message,
    ...(options.decrypted ? { decrypted: true } : {}),
    children: [],
  };
  return [...spans, unread];
}
