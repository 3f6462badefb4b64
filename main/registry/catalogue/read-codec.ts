import { create, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import {
  type DecodedMessagePayload,
  DecodedMessagePayloadSchema,
  type EncodedMessagePayload,
  EncodedMessagePayloadSchema,
  type MessagePayloadDecoder,
  MessagePayloadDecoderSchema,
  type MessagePayloadEncoder,
  MessagePayloadEncoderSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { PayloadFormatter } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import type { CodecKind } from '../../store/index.ts';
import { type Fields, isFields } from './fields.ts';

/** One direction of a codec: the script's file in the brand's folder, and the message without the script. */
export interface ReadCodec {
  readonly kind: CodecKind;
  readonly fileName: string;
  readonly message: MessagePayloadDecoder | MessagePayloadEncoder;
}

/** Most examples of a message of the API. */
const MOST_EXAMPLES = 20;
const FIELDS = {
  uplink_decoder: 'uplinkDecoder',
  downlink_decoder: 'downlinkDecoder',
  downlink_encoder: 'downlinkEncoder',
} as const satisfies Record<CodecKind, string>;

const member = (fields: unknown, name: string): unknown =>
  isFields(fields) && Object.hasOwn(fields, name) ? fields[name] : undefined;

/** A value as JSON can hold it; undefined for what it cannot. */
function toJson(value: unknown): JsonValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (Array.isArray(value)) return value.map((item) => toJson(item) ?? null);
  if (!isFields(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, toJson(inner) ?? null]),
  );
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((item) => typeof item === 'string')
    .slice(0, 10)
    .map((item) => item.slice(0, 100));
}

function encoded(value: unknown): EncodedMessagePayload {
  const bytes = member(value, 'bytes');
  const fPort = member(value, 'fPort');
  const isBytes =
    Array.isArray(bytes) &&
    bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256);
  const isPort = Number.isInteger(fPort) && (fPort as number) >= 0 && (fPort as number) < 256;
  return create(EncodedMessagePayloadSchema, {
    fPort: isPort ? (fPort as number) : 0,
    frmPayload: isBytes ? Uint8Array.from(bytes as number[]) : new Uint8Array(),
    warnings: texts(member(value, 'warnings')),
    errors: texts(member(value, 'errors')),
  });
}

function decoded(value: unknown): DecodedMessagePayload {
  const data = toJson(member(value, 'data'));
  return create(DecodedMessagePayloadSchema, {
    ...(isFields(data) && { data: data as JsonObject }),
    warnings: texts(member(value, 'warnings')),
    errors: texts(member(value, 'errors')),
  });
}

function examples(value: unknown): { description: string; input: unknown; output: unknown }[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, MOST_EXAMPLES).map((one) => {
    const description = member(one, 'description');
    return {
      description: typeof description === 'string' ? description.slice(0, 200) : '',
      input: member(one, 'input'),
      output: member(one, 'output'),
    };
  });
}

function decoder(codecId: string, value: unknown): MessagePayloadDecoder {
  return create(MessagePayloadDecoderSchema, {
    formatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
    codecId,
    examples: examples(value).map(({ description, input, output }) => ({
      description,
      input: encoded(input),
      output: decoded(output),
    })),
  });
}

function encoder(codecId: string, value: unknown): MessagePayloadEncoder {
  return create(MessagePayloadEncoderSchema, {
    formatter: PayloadFormatter.FORMATTER_JAVASCRIPT,
    codecId,
    examples: examples(value).map(({ description, input, output }) => ({
      description,
      input: decoded(input),
      output: encoded(output),
    })),
  });
}

/** Reads a codec file, whose scalars are typed. */
export function readCodec(codecId: string, fields: Fields): ReadCodec[] {
  return (Object.keys(FIELDS) as CodecKind[]).flatMap((kind) => {
    const part = member(fields, FIELDS[kind]);
    const fileName = member(part, 'fileName');
    if (typeof fileName !== 'string' || fileName === '') return [];
    const list = member(part, 'examples');
    const message = kind === 'downlink_encoder' ? encoder(codecId, list) : decoder(codecId, list);
    return [{ kind, fileName, message }];
  });
}
