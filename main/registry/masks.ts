import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageShape,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { copyMessage } from './copy-message.ts';
import { oneofConflict, unknownPath } from './errors.ts';

/**
 * Field masks over messages. Paths are snake_case with dots; a oneof is a path element of its own
 * (`mac_settings.adr.mode.dynamic.margin`), maps and lists are addressed as a whole, and a wrapper has a path with and
 * one without `.value`.
 */

/** Whether a mask names `path` itself or one of its parents. */
export function covers(paths: readonly string[], path: string): boolean {
  return paths.some((requested) => requested === path || path.startsWith(`${requested}.`));
}

/** Whether a mask names `path`, a parent, or anything below it. */
export function touches(paths: readonly string[], path: string): boolean {
  return covers(paths, path) || paths.some((requested) => requested.startsWith(`${path}.`));
}

/** A mask without some paths and what is below them. */
export function without(paths: readonly string[], ...excluded: readonly string[]): string[] {
  return paths.filter((path) => !covers(excluded, path));
}

type Member =
  | { readonly kind: 'field'; readonly field: DescField }
  | { readonly kind: 'oneof'; readonly oneof: DescOneof };

const membersByDesc = new WeakMap<DescMessage, ReadonlyMap<string, Member>>();

/** Fields and oneofs of a message by name. Masks name the same ones over and over. */
function membersOf(desc: DescMessage): ReadonlyMap<string, Member> {
  let members = membersByDesc.get(desc);
  if (!members) {
    members = new Map<string, Member>([
      ...desc.oneofs.map((oneof) => [oneof.name, { kind: 'oneof', oneof }] as const),
      ...desc.fields.map((field) => [field.name, { kind: 'field', field }] as const),
    ]);
    membersByDesc.set(desc, members);
  }
  return members;
}

function memberOf(desc: DescMessage, name: string, path: string): Member {
  const member = membersOf(desc).get(name);
  if (!member) throw unknownPath({ forbidden_paths: [path] });
  return member;
}

type Loose = Record<string, unknown>;

/** Copies one field with all in it; nothing of it is shared afterwards. */
function copyField(target: ReflectMessage, source: ReflectMessage, field: DescField): void {
  if (!source.isSet(field)) {
    target.clear(field);
    return;
  }
  const name = field.oneof ? field.oneof.localName : field.localName;
  (target.message as unknown as Loose)[name] = copyMessage(
    (source.message as unknown as Loose)[name],
  );
}

function child(
  parent: ReflectMessage,
  field: DescField & { message: DescMessage },
): ReflectMessage {
  return parent.isSet(field)
    ? (parent.get(field) as ReflectMessage)
    : reflect(field.message, create(field.message));
}

interface Merge {
  readonly path: string;
  /** What to do when another arm of a oneof is set: fail, or leave the path out. */
  readonly onConflict: 'fail' | 'skip';
}

function mergeField(
  target: ReflectMessage,
  source: ReflectMessage,
  field: DescField,
  rest: readonly string[],
  merge: Merge,
): void {
  if (rest.length === 0) {
    copyField(target, source, field);
    return;
  }
  if (field.fieldKind !== 'message') throw unknownPath({ forbidden_paths: [merge.path] });
  if (!target.isSet(field) && !source.isSet(field)) return;
  const into = child(target, field);
  mergeSegments(into, child(source, field), rest, merge);
  target.set(field, into);
}

function mergeOneof(
  target: ReflectMessage,
  source: ReflectMessage,
  oneof: DescOneof,
  rest: readonly string[],
  merge: Merge,
): void {
  const wanted = source.oneofCase(oneof);
  const present = target.oneofCase(oneof);
  const [arm, ...below] = rest;
  if (arm === undefined) {
    if (present && present !== wanted) target.clear(present);
    if (wanted) copyField(target, source, wanted);
    return;
  }
  const field = oneof.fields.find((candidate) => candidate.name === arm);
  if (!field) throw unknownPath({ forbidden_paths: [merge.path] });
  if ((wanted && wanted !== field) || (present && present !== field)) {
    if (merge.onConflict === 'skip') return;
    const oneofPath = merge.path.slice(0, merge.path.length - `.${rest.join('.')}`.length);
    throw oneofConflict({ path: merge.path, oneof: oneofPath });
  }
  mergeField(target, source, field, below, merge);
}

function mergeSegments(
  target: ReflectMessage,
  source: ReflectMessage,
  segments: readonly string[],
  merge: Merge,
): void {
  const [name = '', ...rest] = segments;
  const member = memberOf(target.desc, name, merge.path);
  if (member.kind === 'oneof') mergeOneof(target, source, member.oneof, rest, merge);
  else mergeField(target, source, member.field, rest, merge);
}

/**
 * Copies the masked paths of `source` into `target`. A parent path that is absent in `source` clears the whole
 * sub-tree; a child path is skipped where neither message has its parent, and becomes zero inside a parent that only
 * `target` has.
 */
export function mergeByPaths<Desc extends DescMessage>(
  desc: Desc,
  target: MessageShape<Desc>,
  source: MessageShape<Desc>,
  paths: readonly string[],
): void {
  const into = reflect(desc, target);
  const from = reflect(desc, source);
  for (const path of paths) {
    mergeSegments(into, from, path.split('.'), { path, onConflict: 'fail' });
  }
}

/** A new message with only the masked paths of `source`. */
export function pickByPaths<Desc extends DescMessage>(
  desc: Desc,
  source: MessageShape<Desc>,
  paths: readonly string[],
): MessageShape<Desc> {
  const target = create(desc);
  const into = reflect(desc, target);
  const from = reflect(desc, source);
  for (const path of paths) {
    mergeSegments(into, from, path.split('.'), { path, onConflict: 'skip' });
  }
  return target;
}

/** Follows a path to the message that holds its last field; undefined where something on the way is not set. */
function resolve(
  message: ReflectMessage,
  path: string,
): { holder: ReflectMessage; field: DescField } | undefined {
  let holder = message;
  const segments = path.split('.');
  for (const [index, name] of segments.entries()) {
    const member = memberOf(holder.desc, name, path);
    if (member.kind === 'oneof') continue;
    const { field } = member;
    if (index === segments.length - 1) return { holder, field };
    if (!holder.isSet(field) || field.fieldKind !== 'message') return undefined;
    holder = holder.get(field) as ReflectMessage;
  }
  return undefined;
}

/** Whether a path is set at all: a message is there, a list is not empty, a plain value differs from zero. */
export function isPathSet<Desc extends DescMessage>(
  desc: Desc,
  message: MessageShape<Desc>,
  path: string,
): boolean {
  const found = resolve(reflect(desc, message), path);
  return found?.holder.isSet(found.field) ?? false;
}

/** Whether bytes are absent or all zero. */
export function isZeroBytes(bytes: Uint8Array | undefined): boolean {
  return !bytes || bytes.every((byte) => byte === 0);
}
