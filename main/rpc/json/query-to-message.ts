import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { messageForm } from './contract-options.ts';
import { JsonMismatch, jsonToMessage, type ReadContext, readBase64 } from './json-to-message.ts';

type Loose = Record<string, unknown>;

function child(message: Message, field: DescField): Message | undefined {
  if (field.fieldKind !== 'message') return undefined;
  const loose = message as unknown as Loose;
  if (field.oneof) {
    const arm = loose[field.oneof.localName] as { case?: string; value?: Message };
    if (arm.case !== field.localName) {
      loose[field.oneof.localName] = { case: field.localName, value: create(field.message) };
    }
    return (loose[field.oneof.localName] as { value: Message }).value;
  }
  loose[field.localName] ??= create(field.message);
  return loose[field.localName] as Message;
}

const findField = (desc: DescMessage, name: string): DescField | undefined =>
  desc.fields.find((field) => field.name === name || field.jsonName === name);

/** Enums in queries are read by full name or number only. */
function enumNumber(field: DescField, text: string, path: string): number {
  const named = field.enum?.values.find((one) => one.name === text)?.number;
  const number = named ?? (/^-?\d+$/.test(text) ? Number(text) : undefined);
  if (number === undefined)
    throw new JsonMismatch(path, `a value of ${field.enum?.name ?? 'the enum'}`);
  return number;
}

/** One value as it stands in a query. Bytes, EUIs too, are base64 here, never hex. */
function readText(field: DescField, text: string, path: string, context: ReadContext): unknown {
  if (field.enum) return enumNumber(field, text, path);
  if (field.scalar === ScalarType.BYTES) return readBase64(text, path);
  const json = field.scalar === ScalarType.BOOL ? text === 'true' : text;
  if (field.scalar === ScalarType.BOOL && text !== 'true' && text !== 'false') {
    throw new JsonMismatch(path, 'true or false');
  }
  // A message of this one field reads the value exactly as a body would.
  const holder = jsonToMessage(
    field.parent,
    { [field.name]: field.fieldKind === 'list' ? [json] : json },
    context,
  );
  const loose = holder as unknown as Loose;
  const value = field.oneof
    ? (loose[field.oneof.localName] as { value: unknown }).value
    : loose[field.localName];
  return field.fieldKind === 'list' ? (value as unknown[])[0] : value;
}

function assign(message: Message, field: DescField, value: unknown): void {
  const loose = message as unknown as Loose;
  if (field.fieldKind === 'list') (loose[field.localName] as unknown[]).push(value);
  else if (field.oneof) loose[field.oneof.localName] = { case: field.localName, value };
  else loose[field.localName] = value;
}

const isLeafMessage = (field: DescField): boolean =>
  field.message !== undefined &&
  (field.message.typeName.startsWith('google.protobuf.') ||
    (messageForm(field.message)?.bareValue ?? false));

/** Sets an entry of a map of texts, written `name[key]=value`; other maps have no form in a query. */
function assignEntry(message: Message, field: DescField, key: string, text: string): void {
  if (field.fieldKind !== 'map' || field.scalar !== ScalarType.STRING) return;
  const map = (message as unknown as Loose)[field.localName] as Record<string, string>;
  Object.defineProperty(map, key, {
    value: text,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Sets one dotted path to a text. Unknown names are ignored. */
export function setPath(
  desc: DescMessage,
  message: Message,
  path: string,
  text: string,
  context: ReadContext,
): void {
  let at = message;
  let type = desc;
  const names = path.split('.');
  for (const [depth, part] of names.entries()) {
    const [, name = part, key] = /^([^[]+)\[(.*)\]$/.exec(part) ?? [];
    const field = findField(type, name);
    if (!field) return;
    if (key !== undefined || field.fieldKind === 'map') {
      if (key !== undefined) assignEntry(at, field, key, text);
      return;
    }
    const isLast = depth === names.length - 1;
    if (field.message?.typeName === 'google.protobuf.FieldMask') {
      const mask = child(at, field) as Message & { paths: string[] };
      mask.paths.push(...text.split(',').filter((one) => one !== ''));
      return;
    }
    if (isLast || isLeafMessage(field)) {
      if (field.message && field.fieldKind === 'message' && !isLeafMessage(field)) return;
      assign(at, field, readText(field, text, path, context));
      return;
    }
    const next = child(at, field);
    if (!next || !field.message) return;
    at = next;
    type = field.message;
  }
}

/** Reads query parameters into a message: dotted paths, repeated names for lists. */
export function applyQuery(
  desc: DescMessage,
  message: Message,
  query: URLSearchParams,
  context: ReadContext,
): void {
  for (const [name, text] of query) setPath(desc, message, name, text, context);
}
