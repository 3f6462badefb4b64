import { isIP } from 'node:net';
import {
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type Message,
} from '@bufbuild/protobuf';
import type { Duration, Timestamp } from '@bufbuild/protobuf/wkt';
import { oneof as oneofOption, type Rules } from '../api/gen/gatehouse/options/v1/options_pb.js';
import { defineError, type GatehouseError } from '../base/errors.ts';
import type { ValidationScope } from './field-masks.ts';
import { fieldForm } from './json/contract-options.ts';
import { fieldValue, isZero } from './message-path.ts';

export const validationFailed = defineError(
  'pkg/errors:validation',
  'INVALID_ARGUMENT',
  'Field {field} of {name} is not valid: {reason}.',
);

export const badIdentifiers = defineError(
  'pkg/ttnpb:identifiers',
  'INVALID_ARGUMENT',
  'The identifiers are not valid.',
);

const MAX_PATTERN_INPUT = 10_000;
const patterns = new Map<string, RegExp>();

function pattern(source: string): RegExp {
  let compiled = patterns.get(source);
  if (!compiled) {
    compiled = new RegExp(source, 'u');
    patterns.set(source, compiled);
  }
  return compiled;
}

const compile = (source: string): RegExp => {
  try {
    return pattern(source);
  } catch {
    // Patterns of the contract escape characters that the strict mode of JavaScript does not let one escape.
    const loose = new RegExp(source);
    patterns.set(source, loose);
    return loose;
  }
};

function textReason(rules: Rules, text: string): string | undefined {
  const length = BigInt([...text].length);
  if (rules.minLen !== undefined && length < rules.minLen)
    return `value length must be at least ${rules.minLen} characters`;
  if (rules.maxLen !== undefined && length > rules.maxLen)
    return `value length must be at most ${rules.maxLen} characters`;
  if (rules.in.length > 0 && !rules.in.includes(text))
    return `value must be in list ${rules.in.join(' ')}`;
  if (
    rules.pattern !== undefined &&
    (text.length > MAX_PATTERN_INPUT || !compile(rules.pattern).test(text))
  ) {
    return `value does not match the pattern ${rules.pattern}`;
  }
  if (rules.ip && isIP(text) === 0) return 'value must be a valid IP address';
  if (rules.email && !/^[^@\s]+@[^@\s]+$/.test(text)) return 'value must be a valid email address';
  if (rules.uri && !URL.canParse(text)) return 'value must be an absolute URI';
  if (rules.uriRef && !URL.canParse(text, 'http://localhost')) return 'value must be a URI';
  return undefined;
}

function bytesReason(rules: Rules, bytes: Uint8Array): string | undefined {
  const length = BigInt(bytes.length);
  if (rules.len !== undefined && length !== rules.len)
    return `value length must be ${rules.len} bytes`;
  if (rules.minLen !== undefined && length < rules.minLen)
    return `value length must be at least ${rules.minLen} bytes`;
  if (rules.maxLen !== undefined && length > rules.maxLen)
    return `value length must be at most ${rules.maxLen} bytes`;
  return undefined;
}

function numberReason(rules: Rules, number: number): string | undefined {
  const { gt, gte, lte } = rules;
  if (gte !== undefined && lte !== undefined && gte > lte) {
    return number > lte && number < gte
      ? `value must be at most ${lte} or at least ${gte}`
      : undefined;
  }
  if (gt !== undefined && number <= gt) return `value must be greater than ${gt}`;
  if (gte !== undefined && number < gte) return `value must be greater than or equal to ${gte}`;
  if (lte !== undefined && number > lte) return `value must be less than or equal to ${lte}`;
  if (rules.notInNumbers.includes(BigInt(Math.trunc(number)))) return `value must not be ${number}`;
  if (rules.inNumbers.length > 0 && !rules.inNumbers.includes(BigInt(Math.trunc(number)))) {
    return `value must be in list ${rules.inNumbers.join(' ')}`;
  }
  return undefined;
}

function timeReason(rules: Rules, message: Message, nowMs: number): string | undefined {
  if (message.$typeName !== 'google.protobuf.Timestamp') return undefined;
  const { seconds, nanos } = message as Timestamp | Duration;
  const ms = Number(seconds) * 1000 + nanos / 1e6;
  if (rules.gtNow && ms <= nowMs) return 'value must be greater than now';
  if (rules.ltNow && ms >= nowMs) return 'value must be less than now';
  return undefined;
}

function valueReason(
  field: DescField,
  rules: Rules,
  value: unknown,
  nowMs: number,
): string | undefined {
  if (rules.ignoreEmpty && isZero(value)) return undefined;
  if (rules.definedOnly && field.enum && !field.enum.value[value as number]) {
    return 'value must be one of the defined enum values';
  }
  if (typeof value === 'string') return textReason(rules, value);
  if (value instanceof Uint8Array) return bytesReason(rules, value);
  if (typeof value === 'number' || typeof value === 'bigint')
    return numberReason(rules, Number(value));
  if (typeof value === 'object' && value !== null && '$typeName' in value) {
    return timeReason(rules, value as Message, nowMs);
  }
  return undefined;
}

function countReason(rules: Rules, count: number): string | undefined {
  if (rules.minItems !== undefined && BigInt(count) < rules.minItems)
    return `value must contain at least ${rules.minItems} item(s)`;
  if (rules.maxItems !== undefined && BigInt(count) > rules.maxItems)
    return `value must contain no more than ${rules.maxItems} item(s)`;
  return undefined;
}

function collectionReason(
  field: DescField,
  rules: Rules,
  value: unknown,
  nowMs: number,
): string | undefined {
  if (Array.isArray(value)) {
    const items = rules.items;
    const unique = rules.unique && new Set(value).size !== value.length;
    return (
      countReason(rules, value.length) ??
      (unique ? 'repeated value must contain unique items' : undefined) ??
      (items &&
        value.map((one) => valueReason(field, items, one, nowMs)).find((one) => one !== undefined))
    );
  }
  const entries = Object.entries(value as object);
  const { keys, values } = rules;
  return (
    countReason(rules, entries.length) ??
    (keys && entries.map(([key]) => textReason(keys, key)).find((one) => one !== undefined)) ??
    (values &&
      entries
        .map(([, one]) => valueReason(field, values, one, nowMs))
        .find((one) => one !== undefined))
  );
}

/** Paths to hold against the constraints, as a tree; `whole` ends one. */
type Scope = 'whole' | ReadonlyMap<string, Scope>;

function scopeOf(paths: readonly string[]): Scope {
  const heads = new Map<string, string[]>();
  for (const path of paths) {
    const dot = path.indexOf('.');
    const head = dot < 0 ? path : path.slice(0, dot);
    const rests = heads.get(head) ?? [];
    rests.push(dot < 0 ? '' : path.slice(dot + 1));
    heads.set(head, rests);
  }
  return new Map(
    [...heads].map(([head, rests]) => [head, rests.includes('') ? 'whole' : scopeOf(rests)]),
  );
}

/** What of a scope lies below a member; a field of a oneof lies below the oneof. */
function within(scope: Scope | undefined, name: string): Scope | undefined {
  return scope === 'whole' ? 'whole' : scope?.get(name);
}

function nested(
  field: DescField,
  value: unknown,
  nowMs: number,
  scope: Scope,
): GatehouseError | undefined {
  if (!field.message || field.message.typeName.startsWith('google.protobuf.')) return undefined;
  const items = Array.isArray(value)
    ? value
    : field.fieldKind === 'map'
      ? Object.values(value as object)
      : [value];
  for (const item of items) {
    const cause = messageError(field.message, item as Message, nowMs, scope);
    if (cause) return cause;
  }
  return undefined;
}

const isCollection = (field: DescField): boolean =>
  field.fieldKind === 'list' || field.fieldKind === 'map';

/** Seconds since 1970 of the first and the last time that can be written as text (years 1 to 9999). */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;
/** Longest duration of `google.protobuf.Duration`, about 10 000 years. */
const MAX_DURATION_SECONDS = 315_576_000_000n;
const NANOS_PER_SECOND = 1_000_000_000;

/** Times and durations have bounds of their own: beyond them they have no JSON form, so they must not be stored. */
function boundsReason(field: DescField, value: unknown): string | undefined {
  if (field.fieldKind !== 'message') return undefined;
  const { typeName } = field.message;
  if (typeName === 'google.protobuf.Timestamp') {
    const { seconds, nanos } = value as Timestamp;
    const isInside =
      seconds >= FIRST_SECOND && seconds <= LAST_SECOND && nanos >= 0 && nanos < NANOS_PER_SECOND;
    return isInside ? undefined : 'value must be a time of the years 1 to 9999';
  }
  if (typeName === 'google.protobuf.Duration') {
    const { seconds, nanos } = value as Duration;
    const isInside =
      seconds <= MAX_DURATION_SECONDS &&
      seconds >= -MAX_DURATION_SECONDS &&
      Math.abs(nanos) < NANOS_PER_SECOND;
    return isInside ? undefined : 'value must be a duration of at most 10000 years';
  }
  return undefined;
}

function ownReason(field: DescField, value: unknown, nowMs: number): string | undefined {
  const rules = fieldForm(field)?.rules;
  if (!rules) return undefined;
  return isCollection(field)
    ? collectionReason(field, rules, value, nowMs)
    : valueReason(field, rules, value, nowMs);
}

interface Checked {
  readonly desc: DescMessage;
  readonly nowMs: number;
  readonly scope: Scope;
}

function fieldError(
  field: DescField,
  value: unknown,
  { desc, nowMs, scope }: Checked,
): GatehouseError | undefined {
  const fail = (reason: string, cause?: GatehouseError): GatehouseError =>
    validationFailed({ field: field.name, reason, name: desc.name }, cause ? { cause } : {});
  if (value === undefined) {
    return fieldForm(field)?.rules?.required ? fail('value is required') : undefined;
  }
  const reason = boundsReason(field, value) ?? ownReason(field, value, nowMs);
  if (reason) return fail(reason);
  const cause = nested(field, value, nowMs, scope);
  return cause && fail('embedded message failed validation', cause);
}

function messageError(
  desc: DescMessage,
  message: Message,
  nowMs: number,
  scope: Scope,
): GatehouseError | undefined {
  for (const field of desc.fields) {
    const holder = field.oneof ? within(scope, field.oneof.name) : scope;
    const below = within(holder, field.name);
    if (below === undefined) continue;
    const error = fieldError(field, fieldValue(message, field), { desc, nowMs, scope: below });
    if (error) return error;
  }
  for (const one of desc.oneofs) {
    if (within(scope, one.name) === undefined) continue;
    if (!hasOption(one, oneofOption) || !getOption(one, oneofOption).required) continue;
    const arm = (message as unknown as Record<string, { case?: string }>)[one.localName];
    if (arm?.case === undefined) {
      return validationFailed({ field: one.name, reason: 'value is required', name: desc.name });
    }
  }
  return undefined;
}

/** A request's scope: everything, but of the message the mask is about only what the mask and its name cover. */
function requestScope(desc: DescMessage, limit: ValidationScope | undefined): Scope {
  if (!limit) return 'whole';
  const members: [string, Scope][] = desc.fields.map((field) => [
    field.name,
    field.name === limit.field ? scopeOf(limit.paths) : 'whole',
  ]);
  return new Map([...members, ...desc.oneofs.map((one): [string, Scope] => [one.name, 'whole'])]);
}

/**
 * Checks a request against the contract's constraints; throws `pkg/errors:validation` or `pkg/ttnpb:identifiers`.
 *
 * @param limit the part to look at, for methods that write masked fields
 */
export function validateRequest(
  desc: DescMessage,
  request: Message,
  nowMs: number,
  limit?: ValidationScope,
): void {
  const error = messageError(desc, request, nowMs, requestScope(desc, limit));
  if (!error) return;
  if (desc.name.endsWith('Identifiers')) throw badIdentifiers({}, { cause: error });
  throw error;
}
