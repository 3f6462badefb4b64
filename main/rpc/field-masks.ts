import type { DescMessage, DescMethod, Message } from '@bufbuild/protobuf';
import { getOption, hasOption } from '@bufbuild/protobuf';
import {
  type MaskRule,
  type MethodForm,
  method as methodOption,
} from '../api/gen/gatehouse/options/v1/options_pb.js';
import { defineError } from '../base/errors.ts';
import { fieldValue, isZero, valueAt } from './message-path.ts';

export const fieldMaskPaths = defineError(
  'pkg/rpcmiddleware/validator:field_mask_paths',
  'INVALID_ARGUMENT',
  'The field mask has paths this method does not take: {forbidden_paths}.',
);

export const nonZeroPath = defineError(
  'pkg/rpcmiddleware/validator:non_zero_path',
  'INVALID_ARGUMENT',
  'Field {path} is not part of this registry and has to be left out, or the field mask has to be narrower.',
);

const forms = new WeakMap<DescMethod, MethodForm | null>();

/** Our options of a method. */
export function methodForm(method: DescMethod): MethodForm | undefined {
  let form = forms.get(method);
  if (form === undefined) {
    form = hasOption(method, methodOption) ? getOption(method, methodOption) : null;
    forms.set(method, form);
  }
  return form ?? undefined;
}

const lies = (path: string, parent: string): boolean =>
  path === parent || path.startsWith(`${parent}.`);

/** Whether a mask path covers `path`, lies below it, or is it. */
export function touches(maskPath: string, path: string): boolean {
  return lies(maskPath, path) || lies(path, maskPath);
}

/** The mask of a request, if it has one. */
export function maskPathsOf(desc: DescMessage, request: Message): readonly string[] | undefined {
  const mask = valueAt(desc, request, 'field_mask') as { paths: readonly string[] } | undefined;
  return mask?.paths;
}

function isAllowed(rule: MaskRule, path: string): boolean {
  return rule.paths.includes(path) || rule.subtrees.some((subtree) => lies(path, subtree));
}

function checkHidden(
  rule: MaskRule,
  desc: DescMessage,
  message: Message,
  requested: readonly string[],
  prefix: string,
): void {
  for (const field of desc.fields) {
    const path = `${prefix}${field.oneof ? `${field.oneof.name}.` : ''}${field.name}`;
    const isCovered = requested.some((one) => lies(path, one));
    const leadsToRequested = requested.some((one) => lies(one, path));
    if (!isCovered && !leadsToRequested) continue;
    const value = fieldValue(message, field);
    if (isZero(value) || rule.subtrees.some((subtree) => lies(path, subtree))) continue;
    if (isCovered && !isAllowed(rule, path)) throw nonZeroPath({ path });
    const isMessage = field.fieldKind === 'message' && typeof value === 'object';
    if (isMessage && field.message && '$typeName' in (value as object)) {
      checkHidden(rule, field.message, value as Message, requested, `${path}.`);
    }
  }
}

/** Refuses masks with paths the method does not take, then hidden fields that are set. */
export function checkMask(method: DescMethod, request: Message): void {
  const rule = methodForm(method)?.mask;
  const requested = maskPathsOf(method.input, request);
  if (!requested) return;
  // A method without a list takes no path at all.
  const forbidden = requested.filter((path) => !rule || !isAllowed(rule, path));
  if (forbidden.length > 0) {
    throw fieldMaskPaths({ forbidden_paths: forbidden });
  }
  if (!rule?.checkHidden) return;
  const message = valueAt(method.input, request, rule.message) as Message | undefined;
  const desc = method.input.fields.find((field) => field.name === rule.message)?.message;
  if (message && desc) checkHidden(rule, desc, message, requested, '');
}

/** The part of a request that is held against the constraints: these paths of the message in `field`, the rest whole. */
export interface ValidationScope {
  readonly field: string;
  readonly paths: readonly string[];
}

const IDS = 'ids';

/** A method that writes masked fields ignores all others, so only they and the identifiers, which always count, have to be valid. */
export function validationScope(method: DescMethod, request: Message): ValidationScope | undefined {
  const name = methodForm(method)?.mask?.message;
  const requested = maskPathsOf(method.input, request);
  if (!name || !requested || requested.length === 0) return undefined;
  return { field: name, paths: [...requested, IDS] };
}
