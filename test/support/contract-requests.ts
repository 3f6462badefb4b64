/** The methods of `ttn.lorawan.v3` as its generated descriptors have them, and requests to each that keep its rules. */
import { readdirSync } from 'node:fs';
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  getOption,
  hasOption,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageInitShape,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { Transport } from '@connectrpc/connect';
import {
  field as fieldOption,
  oneof,
  type Rules,
} from '../../main/api/gen/gatehouse/options/v1/options_pb.js';
import { type HttpRule, http } from '../../main/api/gen/google/api/annotations_pb.js';

const CONTRACT = new URL('../../main/api/gen/ttn/lorawan/v3/', import.meta.url);

const isService = (one: unknown): one is DescService =>
  typeof one === 'object' && one !== null && 'kind' in one && one.kind === 'service';

/** Every service that the generated files declare. */
export async function contractServices(): Promise<DescService[]> {
  const files = readdirSync(CONTRACT).filter((name) => name.endsWith('_pb.js'));
  const modules = await Promise.all(files.map((name) => import(new URL(name, CONTRACT).href)));
  return modules.flatMap((module: object) => Object.values(module).filter(isService));
}

/** Texts that identifiers, codes and ids of the contract look like; the first that keeps the rules is taken. */
const TEXTS = [
  'walk',
  'WALK',
  'walk@gatehouse.invalid',
  'EU_863_870',
  '1.0.3',
  'LW:D0:70B3D57ED0000001:0004A30B001C0530:00000000',
];

const formOf = (desc: DescField) =>
  hasOption(desc, fieldOption) ? getOption(desc, fieldOption) : undefined;

function keeps(rules: Rules | undefined, text: string): boolean {
  if (!rules || (rules.ignoreEmpty && text === '')) return true;
  return (
    BigInt(text.length) >= (rules.minLen ?? 0n) &&
    BigInt(text.length) <= (rules.maxLen ?? 10_000n) &&
    (rules.in.length === 0 || rules.in.includes(text)) &&
    (!rules.email || text.includes('@')) &&
    (rules.pattern === undefined || new RegExp(rules.pattern).test(text))
  );
}

function textFor(desc: DescField, rules: Rules | undefined): string {
  const found = [...TEXTS, ...(rules?.in ?? [])].find((text) => text !== '' && keeps(rules, text));
  if (found === undefined) throw new Error(`no text fits ${desc.parent.typeName}.${desc.name}`);
  return found;
}

function bytesFor(desc: DescField, rules: Rules | undefined): Uint8Array {
  const length = formOf(desc)?.hexBytes || Number(rules?.len ?? rules?.minLen ?? 1n);
  return new Uint8Array(length).fill(1);
}

/** Whether a field has to be set for its rules to hold. */
function isNeeded(desc: DescField, rules: Rules | undefined): boolean {
  if (!rules) return false;
  if (rules.required || (rules.minItems ?? 0n) > 0n) return true;
  if (rules.ignoreEmpty || desc.fieldKind === 'list' || desc.fieldKind === 'map') return false;
  if (desc.scalar === ScalarType.STRING) return !keeps(rules, '');
  return (rules.len ?? rules.minLen ?? 0n) > 0n || (rules.gte ?? 0) > 0 || rules.gt !== undefined;
}

/** A value of a field, or one item of a list. */
function oneValue(desc: DescField, rules: Rules | undefined): unknown {
  if (desc.message) return sampleOf(desc.message);
  if (desc.enum) return desc.enum.values.at(-1)?.number;
  if (desc.scalar === ScalarType.BYTES) return bytesFor(desc, rules);
  if (desc.scalar === ScalarType.STRING) return textFor(desc, rules);
  return Math.max(rules?.gte ?? 0, (rules?.gt ?? 0) + 1);
}

/** A message with what its rules ask for and no more. */
function sampleOf(desc: DescMessage): Record<string, unknown> {
  const sample: Record<string, unknown> = {};
  for (const field of desc.fields) {
    const rules = formOf(field)?.rules;
    if (field.oneof) {
      const { oneof: arms } = field;
      const isRequired = hasOption(arms, oneof) && getOption(arms, oneof).required;
      if (isRequired && arms.fields[0] === field)
        sample[arms.localName] = { case: field.localName, value: oneValue(field, rules) };
    } else if (isNeeded(field, rules)) {
      sample[field.localName] =
        field.fieldKind === 'list' ? [oneValue(field, rules?.items)] : oneValue(field, rules);
    }
  }
  return sample;
}

/** The smallest request that keeps the rules of a method. */
export function smallestRequest({ input }: DescMethod): Message {
  return create(input, sampleOf(input) as MessageInitShape<DescMessage>);
}

/** Every HTTP binding of a method. */
export function bindingsOf(method: DescMethod): HttpRule[] {
  if (!hasOption(method, http)) return [];
  const rule = getOption(method, http);
  return [rule, ...rule.additionalBindings];
}

export interface RestRequest {
  readonly verb: string;
  readonly path: string;
  readonly body: JsonValue | undefined;
}

/** Text for a variable of a path: what the request has there, or else something that keeps the rules. */
function variable(desc: DescMessage, message: Message | undefined, path: string): string {
  const [head, ...rest] = path.split('.');
  const field = desc.fields.find(({ name }) => name === head);
  if (!field) throw new Error(`${desc.typeName} has no field ${head}`);
  const value = message && reflect(desc, message).get(field);
  if (rest.length > 0 && field.message) {
    const inner = value as { readonly message: Message } | undefined;
    return variable(field.message, inner?.message, rest.join('.'));
  }
  const form = formOf(field);
  if (value instanceof Uint8Array && value.length > 0) return Buffer.from(value).toString('hex');
  if (form?.hexBytes) return '01'.repeat(form.hexBytes);
  if (field.enum) return field.enum.value[Number(value)]?.name ?? '';
  if (field.scalar === ScalarType.STRING) return String(value || textFor(field, form?.rules));
  return String(value || 1);
}

/** The mask of a request, which in a query is one text and in a body a list. */
function maskOf(message: Message): { readonly paths: readonly string[] } | undefined {
  const { fieldMask } = message as { fieldMask?: { paths: string[] } };
  return fieldMask;
}

function queryOf(json: JsonObject, prefix: string, query: URLSearchParams): void {
  for (const [name, value] of Object.entries(json)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'object' && one !== null && !Array.isArray(one))
        queryOf(one, `${prefix}${name}.`, query);
      else query.append(`${prefix}${name}`, String(one));
    }
  }
}

/** A request over one HTTP binding. */
export function restRequest(method: DescMethod, rule: HttpRule, message: Message): RestRequest {
  const { case: verb = '', value: template = '' } = rule.pattern;
  const mask = maskOf(message);
  const rest = { ...message, ...(mask && { fieldMask: undefined }) };
  const json = toJson(method.input, rest, { useProtoFieldName: true }) as JsonObject;
  const path = template.replaceAll(/\{([^}]+)\}/g, (_, name: string) =>
    encodeURIComponent(variable(method.input, message, name)),
  );
  if (rule.body === '*') {
    const body = { ...json, ...(mask && { field_mask: { paths: [...mask.paths] } }) };
    return { verb: verb.toUpperCase(), path, body };
  }
  const { [rule.body]: body, ...others } = json;
  const query = new URLSearchParams();
  for (const [, name = ''] of template.matchAll(/\{([^}.]+)/g)) delete others[name];
  queryOf(others, '', query);
  if (mask) query.set('field_mask', mask.paths.join(','));
  const address = query.size > 0 ? `${path}?${query}` : path;
  return {
    verb: verb.toUpperCase(),
    path: address,
    body: rule.body === '' ? undefined : (body ?? {}),
  };
}

async function* single(message: Message): AsyncIterable<Message> {
  yield message;
}

/** Calls any method and waits for its answer, or the first message of its stream. */
export async function callMethod(
  transport: Transport,
  method: DescMethod,
  request: Message,
  signal?: AbortSignal,
): Promise<void> {
  // Transports are typed by the method's own messages, which nobody knows here.
  const [desc, sent] = [method as never, request as never];
  if (method.methodKind === 'unary') {
    await transport.unary(desc, signal, undefined, undefined, sent);
    return;
  }
  const many = single(request) as never;
  const stream = await transport.stream(desc, signal, undefined, undefined, many);
  await stream.message[Symbol.asyncIterator]().next();
}
