import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import { anyPack, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import {
  fieldForm,
  holdsPlainStruct,
  messageForm,
  namesOf,
  unwrappedScalar,
} from './contract-options.ts';
import { parseDuration, parseTimestamp } from './time-text.ts';

export interface ReadContext {
  /** Types that may stand in a `google.protobuf.Any`. */
  readonly registry: Registry;
}

/** JSON that does not fit the message. `path` is where, in proto names. */
export class JsonMismatch extends Error {
  override readonly name = 'JsonMismatch';
  readonly path: string;

  constructor(path: string, expected: string) {
    super(`${path || 'the body'} has to be ${expected}`);
    this.path = path;
  }
}

type Loose = Record<string, unknown>;
type Read = (json: JsonValue, path: string, context: ReadContext) => unknown;

const HEX_TEXT = /^(?:[0-9a-fA-F]{2})*$/;
const BASE64_TEXT = /^[A-Za-z0-9+/_-]*={0,2}$/;

function base64Bytes(text: string): Uint8Array | undefined {
  if (!BASE64_TEXT.test(text)) return undefined;
  const bytes = Buffer.from(text.replaceAll('-', '+').replaceAll('_', '/'), 'base64');
  const wanted = Math.floor((text.replace(/=+$/, '').length * 3) / 4);
  return bytes.length === wanted ? new Uint8Array(bytes) : undefined;
}

/** Bytes in base64, standard or URL alphabet, padded or not. */
export function readBase64(text: string, path: string): Uint8Array {
  const bytes = base64Bytes(text);
  if (!bytes) throw new JsonMismatch(path, 'base64');
  return bytes;
}

function readHexOrBase64(text: string, size: number, path: string): Uint8Array {
  if (text === '') return new Uint8Array();
  if (text.length === size * 2 && HEX_TEXT.test(text))
    return new Uint8Array(Buffer.from(text, 'hex'));
  const bytes = base64Bytes(text);
  if (bytes?.length === size) return bytes;
  throw new JsonMismatch(path, `${size * 2} hex digits`);
}

function readInteger(json: JsonValue, path: string, min: number, max: number): number {
  const number = typeof json === 'string' && json.trim() !== '' ? Number(json) : json;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) {
    throw new JsonMismatch(path, `a whole number from ${min} to ${max}`);
  }
  return number;
}

function readBigInteger(json: JsonValue, path: string, min: bigint, max: bigint): bigint {
  const text = typeof json === 'number' && Number.isSafeInteger(json) ? String(json) : json;
  if (typeof text === 'string' && /^-?\d{1,20}$/.test(text)) {
    const number = BigInt(text);
    if (number >= min && number <= max) return number;
  }
  throw new JsonMismatch(path, 'a whole number, as text or number');
}

function readFloat(json: JsonValue, path: string): number {
  if (typeof json === 'number') return json;
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
  if (typeof json === 'string' && json.trim() !== '' && Number.isFinite(Number(json)))
    return Number(json);
  throw new JsonMismatch(path, 'a number');
}

function readScalar(type: ScalarType, json: JsonValue, path: string): unknown {
  switch (type) {
    case ScalarType.STRING:
      if (typeof json !== 'string') throw new JsonMismatch(path, 'text');
      return json;
    case ScalarType.BOOL:
      if (typeof json !== 'boolean') throw new JsonMismatch(path, 'true or false');
      return json;
    case ScalarType.BYTES:
      if (typeof json !== 'string') throw new JsonMismatch(path, 'base64');
      return readBase64(json, path);
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return readFloat(json, path);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return readInteger(json, path, 0, 0xffff_ffff);
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return readBigInteger(json, path, 0n, (1n << 64n) - 1n);
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return readBigInteger(json, path, -(1n << 63n), (1n << 63n) - 1n);
    default:
      return readInteger(json, path, -0x8000_0000, 0x7fff_ffff);
  }
}

function readEnum(field: DescField & { enum: NonNullable<DescField['enum']> }): Read {
  const names = namesOf(field.enum);
  return (json, path) => {
    if (typeof json === 'number' && Number.isInteger(json)) return json;
    if (typeof json === 'string') {
      const number = names.in.get(json) ?? (/^-?\d+$/.test(json) ? Number(json) : undefined);
      if (number !== undefined) return number;
    }
    throw new JsonMismatch(path, `a value of ${field.enum.name}`);
  };
}

function readPrefix(json: JsonValue, path: string): Uint8Array {
  const match = typeof json === 'string' ? /^([0-9a-fA-F]{8})\/(\d{1,2})$/.exec(json) : null;
  if (!match?.[1] || Number(match[2]) > 32)
    throw new JsonMismatch(path, 'a prefix such as 26000000/7');
  return new Uint8Array([...Buffer.from(match[1], 'hex'), Number(match[2])]);
}

function readStruct(json: JsonValue, path: string): JsonObject {
  if (!isObject(json)) throw new JsonMismatch(path, 'an object');
  return json;
}

function itemReader(field: DescField): Read {
  const form = fieldForm(field);
  if (form?.devAddrPrefixes) return readPrefix;
  if (form?.hexBytes) {
    const size = form.hexBytes;
    return (json, path) => {
      if (typeof json !== 'string') throw new JsonMismatch(path, `${size * 2} hex digits`);
      return readHexOrBase64(json, size, path);
    };
  }
  if (field.enum) return readEnum(field as DescField & { enum: NonNullable<DescField['enum']> });
  if (holdsPlainStruct(field)) return readStruct;
  const scalar = unwrappedScalar(field);
  if (scalar !== undefined)
    return (json, path) => readScalar(scalar, isObject(json) ? (json.value ?? null) : json, path);
  if (field.message) {
    const desc = field.message;
    return (json, path, context) => readMessage(desc, json, path, context);
  }
  const type = field.scalar ?? ScalarType.STRING;
  return (json, path) => readScalar(type, json, path);
}

function fieldReader(field: DescField): Read {
  const item = itemReader(field);
  if (field.fieldKind === 'list') {
    return (json, path, context) => {
      if (!Array.isArray(json)) throw new JsonMismatch(path, 'a list');
      return json.map((one, index) => item(one, `${path}[${index}]`, context));
    };
  }
  if (field.fieldKind === 'map') {
    return (json, path, context) => {
      if (!isObject(json)) throw new JsonMismatch(path, 'an object');
      const entries = Object.entries(json).map(([key, one]) => [
        key,
        item(one, `${path}.${key}`, context),
      ]);
      return Object.fromEntries(entries);
    };
  }
  return item;
}

interface FieldPlan {
  readonly field: DescField;
  readonly read: Read;
}

const plans = new WeakMap<DescMessage, ReadonlyMap<string, FieldPlan>>();

/** Fields by both of their names. */
function planOf(desc: DescMessage): ReadonlyMap<string, FieldPlan> {
  let plan = plans.get(desc);
  if (!plan) {
    const fields = desc.fields.map((field) => ({ field, read: fieldReader(field) }));
    plan = new Map(
      fields.flatMap((entry) => [
        [entry.field.name, entry] as const,
        [entry.field.jsonName, entry] as const,
      ]),
    );
    plans.set(desc, plan);
  }
  return plan;
}

function isObject(json: JsonValue | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

const snakeCase = (path: string): string =>
  path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function readMask(json: JsonValue, path: string): string[] {
  if (typeof json === 'string')
    return json === '' ? [] : json.split(',').map((one) => snakeCase(one.trim()));
  const paths = isObject(json) ? (json.paths ?? []) : undefined;
  if (!Array.isArray(paths) || paths.some((one) => typeof one !== 'string')) {
    throw new JsonMismatch(path, 'a field mask such as {"paths":["name"]} or "name,attributes"');
  }
  return paths as string[];
}

function readAny(json: JsonValue, path: string, context: ReadContext): Message {
  const url = isObject(json) ? json['@type'] : undefined;
  if (!isObject(json) || typeof url !== 'string')
    throw new JsonMismatch(path, 'an object with @type');
  const desc = context.registry.getMessage(url.slice(url.lastIndexOf('/') + 1));
  if (!desc) throw new JsonMismatch(path, 'of a known @type');
  const { '@type': _, ...rest } = json;
  const content = desc.typeName.startsWith('google.protobuf.') ? (rest.value ?? null) : rest;
  return anyPack(desc, readMessage(desc, content, path, context));
}

/** Messages whose JSON has a form of its own. */
function wellKnown(
  desc: DescMessage,
  json: JsonValue,
  path: string,
  context: ReadContext,
): Message | undefined {
  switch (desc.typeName) {
    case 'google.protobuf.Timestamp': {
      const time = typeof json === 'string' ? parseTimestamp(json) : undefined;
      if (!time) throw new JsonMismatch(path, 'a time such as 2024-05-06T07:08:09Z');
      return create(desc, time as never);
    }
    case 'google.protobuf.Duration': {
      const duration = typeof json === 'string' ? parseDuration(json) : undefined;
      if (!duration) throw new JsonMismatch(path, 'a duration such as 1.5s');
      return create(desc, duration as never);
    }
    case 'google.protobuf.FieldMask':
      return create(desc, { paths: readMask(json, path) } as never);
    case 'google.protobuf.Any':
      return readAny(json, path, context);
    case 'google.protobuf.Struct':
    case 'google.protobuf.Value':
    case 'google.protobuf.ListValue':
      return fromJson(desc, json);
    default:
      return isWrapperDesc(desc) ? readWrapper(desc, json, path) : undefined;
  }
}

/** A wrapper that stays a message: in lists, oneofs and `google.protobuf.Any`. */
function readWrapper(desc: DescMessage, json: JsonValue, path: string): Message {
  const message = create(desc);
  const field = desc.fields[0];
  if (field?.fieldKind === 'scalar') {
    const value = isObject(json) ? (json.value ?? null) : json;
    (message as unknown as Loose)[field.localName] = readScalar(field.scalar, value, path);
  }
  return message;
}

function readMessage(
  desc: DescMessage,
  json: JsonValue,
  path: string,
  context: ReadContext,
): Message {
  const special = wellKnown(desc, json, path, context);
  if (special) return special;
  const message = create(desc);
  const loose = message as unknown as Loose;
  const plan = planOf(desc);
  if (messageForm(desc)?.bareValue) {
    const field = desc.fields[0];
    if (field) loose[field.localName] = plan.get(field.name)?.read(json, path, context);
    return message;
  }
  if (!isObject(json)) throw new JsonMismatch(path, 'an object');
  for (const [name, value] of Object.entries(json)) {
    const entry = plan.get(name);
    if (!entry || value === null || value === undefined) continue;
    const { field, read } = entry;
    const at = path === '' ? field.name : `${path}.${field.name}`;
    const content = read(value, at, context);
    if (field.oneof) loose[field.oneof.localName] = { case: field.localName, value: content };
    else loose[field.localName] = content;
  }
  return message;
}

/**
 * Reads The Things Stack's JSON form: snake_case and lowerCamelCase names, enums by name, short name, alias or number, EUIs
 * and keys in hex or base64, null as unset; unknown fields are ignored. Throws {@link JsonMismatch}.
 */
export function jsonToMessage(desc: DescMessage, json: JsonValue, context: ReadContext): Message {
  return readMessage(desc, json, '', context);
}
