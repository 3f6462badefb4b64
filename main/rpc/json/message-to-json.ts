import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import {
  type Any,
  AnySchema,
  type Duration,
  type FieldMask,
  type Timestamp,
} from '@bufbuild/protobuf/wkt';
import {
  fieldForm,
  holdsPlainStruct,
  messageForm,
  namesOf,
  unwrappedScalar,
} from './contract-options.ts';
import { durationText, timestampText } from './time-text.ts';

/** How one field is written; undefined leaves it out. */
type Write = (value: unknown, context: WriteContext) => JsonValue | undefined;

export interface WriteContext {
  /** Types that may stand in a `google.protobuf.Any`. */
  readonly registry: Registry;
}

interface FieldPlan {
  readonly name: string;
  readonly localName: string;
  /** Name of the oneof's property and of this arm. */
  readonly oneof?: { readonly property: string; readonly arm: string };
  readonly write: Write;
}

type Loose = Readonly<Record<string, unknown>>;

const HEX = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).toUpperCase().padStart(2, '0'),
);

function hexText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}

const base64Text = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

function floatValue(value: number): JsonValue {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

/** A scalar as it is written, zero included. */
function scalarValue(type: ScalarType, hexBytes: number, value: unknown): JsonValue {
  if (value instanceof Uint8Array) return hexBytes > 0 ? hexText(value) : base64Text(value);
  if (typeof value === 'bigint') return value.toString();
  if (type === ScalarType.FLOAT) return floatValue(Math.fround(value as number));
  if (type === ScalarType.DOUBLE) return floatValue(value as number);
  return value as JsonValue;
}

function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === 0 || value === 0n || value === '' || value === false || value === undefined;
}

/** Shortest decimal text of a 32-bit float, as other implementations print it. */
function floatNumber(type: ScalarType, json: JsonValue): JsonValue {
  return type === ScalarType.FLOAT && typeof json === 'number' && !Number.isInteger(json)
    ? Number.parseFloat(json.toPrecision(8).replace(/\.?0+$/, '')) === json
      ? json
      : shortestFloat(json)
    : json;
}

function shortestFloat(value: number): number {
  for (let digits = 1; digits <= 9; digits += 1) {
    const shorter = Number.parseFloat(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shorter;
  }
  return value;
}

function prefixText(bytes: Uint8Array): string {
  return `${hexText(bytes.subarray(0, 4))}/${bytes[4] ?? 0}`;
}

function itemWriter(
  field: DescField,
  plain: boolean,
): (value: unknown, context: WriteContext) => JsonValue {
  const hexBytes = fieldForm(field)?.hexBytes ?? 0;
  if (fieldForm(field)?.devAddrPrefixes) return (value) => prefixText(value as Uint8Array);
  if (field.enum) {
    const names = namesOf(field.enum);
    return (value) =>
      plain ? (value as number) : (names.out.get(value as number) ?? (value as number));
  }
  if (holdsPlainStruct(field)) return (value) => value as JsonObject;
  const scalar = unwrappedScalar(field);
  if (scalar !== undefined) return (value) => floatNumber(scalar, scalarValue(scalar, 0, value));
  if (field.message) {
    const desc = field.message;
    return (value, context) => writeMessage(desc, value as Message, context, plain);
  }
  const type = field.scalar ?? ScalarType.STRING;
  return (value) => floatNumber(type, scalarValue(type, hexBytes, value));
}

function listWriter(field: DescField, plain: boolean): Write {
  const item = itemWriter(field, plain);
  return (value, context) => {
    const list = value as readonly unknown[];
    return list.length === 0 ? undefined : list.map((one) => item(one, context));
  };
}

function mapWriter(field: DescField, plain: boolean): Write {
  const item = itemWriter(field, plain);
  return (value, context) => {
    const entries = Object.entries(value as Loose);
    if (entries.length === 0) return undefined;
    return Object.fromEntries(entries.map(([key, one]) => [key, item(one, context)]));
  };
}

function writerOf(field: DescField, plain: boolean): Write {
  if (field.fieldKind === 'list') return listWriter(field, plain);
  if (field.fieldKind === 'map') return mapWriter(field, plain);
  const whole = itemWriter(field, plain);
  if (field.fieldKind === 'message' || field.oneof || field.proto.proto3Optional) {
    return (value, context) => (value === undefined ? undefined : whole(value, context));
  }
  return (value, context) => (isZero(value) ? undefined : whole(value, context));
}

const plans = new WeakMap<DescMessage, { normal?: FieldPlan[]; plain?: FieldPlan[] }>();

function planOf(desc: DescMessage, plain: boolean): FieldPlan[] {
  const kind = plain ? 'plain' : 'normal';
  const known = plans.get(desc) ?? {};
  const plan =
    known[kind] ??
    desc.fields.map((field) => ({
      name: field.name,
      localName: field.localName,
      ...(field.oneof && { oneof: { property: field.oneof.localName, arm: field.localName } }),
      write: writerOf(field, plain),
    }));
  plans.set(desc, { ...known, [kind]: plan });
  return plan;
}

const camelCase = (path: string): string =>
  path.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Messages that were packed here, so that writing them does not decode what was just encoded. */
const packed = new WeakMap<Any, Message>();

/** Packs a message into an `Any`; `bytes` is the same message if it is encoded already. It must not change any more. */
export function packAny(desc: DescMessage, message: Message, bytes?: Uint8Array): Any {
  const any = create(AnySchema, {
    typeUrl: `type.googleapis.com/${desc.typeName}`,
    value: bytes ?? toBinary(desc, message),
  });
  packed.set(any, message);
  return any;
}

function writeAny(any: Any, context: WriteContext): JsonValue {
  const name = any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);
  const desc = context.registry.getMessage(name);
  if (!desc) return { '@type': any.typeUrl, value: base64Text(any.value) };
  const message = packed.get(any) ?? fromBinary(desc, any.value);
  const json = writeMessage(desc, message, context, false);
  if (
    name.startsWith('google.protobuf.') ||
    typeof json !== 'object' ||
    json === null ||
    Array.isArray(json)
  ) {
    return { '@type': any.typeUrl, value: json };
  }
  return { '@type': any.typeUrl, ...json };
}

/** Messages whose JSON has a form of its own. */
function wellKnown(
  desc: DescMessage,
  message: Message,
  context: WriteContext,
  plain: boolean,
): JsonValue | undefined {
  switch (desc.typeName) {
    case 'google.protobuf.Timestamp': {
      const { seconds, nanos } = message as Timestamp;
      return timestampText(seconds, nanos);
    }
    case 'google.protobuf.Duration': {
      const { seconds, nanos } = message as Duration;
      return durationText(seconds, nanos);
    }
    case 'google.protobuf.FieldMask': {
      const { paths } = message as FieldMask;
      return plain ? paths.map(camelCase).join(',') : paths.length > 0 ? { paths: [...paths] } : {};
    }
    case 'google.protobuf.Any':
      return writeAny(message as Any, context);
    case 'google.protobuf.Struct':
    case 'google.protobuf.Value':
    case 'google.protobuf.ListValue':
      return toJson(desc, message);
    default:
      return desc.typeName.startsWith('google.protobuf.') && desc.typeName.endsWith('Value')
        ? toJson(desc, message)
        : undefined;
  }
}

function writeMessage(
  desc: DescMessage,
  message: Message,
  context: WriteContext,
  plain: boolean,
): JsonValue {
  const special = wellKnown(desc, message, context, plain);
  if (special !== undefined) return special;
  const form = messageForm(desc);
  const asPlain = plain || (form?.plainJson ?? false);
  const loose = message as unknown as Loose;
  if (form?.bareValue) {
    const field = desc.fields[0];
    if (field) return itemWriter(field, asPlain)(loose[field.localName], context);
  }
  const json: JsonObject = {};
  for (const { name, localName, oneof, write } of planOf(desc, asPlain)) {
    let value: unknown;
    if (oneof) {
      const arm = loose[oneof.property] as { case?: string; value?: unknown } | undefined;
      if (arm?.case !== oneof.arm) continue;
      value = arm.value;
    } else {
      value = loose[localName];
      if (value === undefined) continue;
    }
    const written = write(value, context);
    if (written !== undefined) json[name] = written;
  }
  return json;
}

/**
 * A message in The Things Stack's JSON form: snake_case names, no defaults, EUIs and keys in upper-case hex, other bytes in
 * base64, 64-bit numbers as strings, enums by name.
 */
export function messageToJson(
  desc: DescMessage,
  message: Message,
  context: WriteContext,
): JsonValue {
  return writeMessage(desc, message, context, false);
}
