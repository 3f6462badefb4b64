import type { DescMethod, Message } from '@bufbuild/protobuf';
import { Access, type RightRule } from '../api/gen/gatehouse/options/v1/options_pb.js';
import { RightSchema } from '../api/gen/ttn/lorawan/v3/rights_pb.js';
import { defineError } from '../base/errors.ts';
import { type ApiKeyCaller, type Caller, isAdmin } from './call.ts';
import { maskPathsOf, methodForm, touches } from './field-masks.ts';
import { valueAt } from './message-path.ts';

export const unauthenticated = defineError(
  'pkg/auth/rights:unauthenticated',
  'UNAUTHENTICATED',
  'This call needs credentials. Send an API key as "Authorization: Bearer NNSXS…".',
);
export const noCredentials = defineError(
  'pkg/rpcmetadata:unauthenticated',
  'UNAUTHENTICATED',
  'This call needs credentials. Send an API key as "Authorization: Bearer NNSXS…".',
);
export const noApplicationRights = defineError(
  'pkg/auth/rights:no_application_rights',
  'PERMISSION_DENIED',
  'The caller has no rights on application {uid}.',
);
export const insufficientApplicationRights = defineError(
  'pkg/auth/rights:insufficient_application_rights',
  'PERMISSION_DENIED',
  'The API key lacks rights on application {uid}: {missing}.',
);
export const noGatewayRights = defineError(
  'pkg/auth/rights:no_gateway_rights',
  'PERMISSION_DENIED',
  'The caller has no rights on gateway {uid}.',
);
export const insufficientGatewayRights = defineError(
  'pkg/auth/rights:insufficient_gateway_rights',
  'PERMISSION_DENIED',
  'The API key lacks rights on gateway {uid}: {missing}.',
);
export const noUserRights = defineError(
  'pkg/auth/rights:no_user_rights',
  'PERMISSION_DENIED',
  'The caller has no rights on user {uid}.',
);
export const insufficientUserRights = defineError(
  'pkg/auth/rights:insufficient_user_rights',
  'PERMISSION_DENIED',
  'The API key lacks rights on user {uid}: {missing}.',
);
export const noAdmin = defineError(
  'pkg/auth/rights:no_admin',
  'PERMISSION_DENIED',
  'Only an administrator may do this.',
);

export const noClusterKey = defineError(
  'pkg/auth/cluster:no_cluster_key',
  'UNAUTHENTICATED',
  'Only other servers of this network may call this, and the caller gave no credentials.',
);
export const wrongClusterKey = defineError(
  'pkg/auth/cluster:cluster_key',
  'PERMISSION_DENIED',
  'Only other servers of this network may call this. An API key of an administrator is accepted too.',
);
export const accessNotDeclared = defineError(
  'gatehouse/rpc:access_not_declared',
  'PERMISSION_DENIED',
  'The contract does not say who may call {method}, so nobody may. This is a fault of Gatehouse; please report it.',
);

/** The only user: who the desktop window, the browser session and keys without an owner act for. */
export const ADMIN_USER = 'admin';

/** Rights that stand for several others. */
function includes(rights: ReadonlySet<string>, wanted: string): boolean {
  if (rights.has(wanted) || rights.has('RIGHT_ALL')) return true;
  const kind = wanted.split('_')[1];
  if (rights.has(`RIGHT_${kind}_ALL`)) return true;
  return (
    rights.has('RIGHT_APPLICATION_LINK') &&
    [
      'RIGHT_APPLICATION_INFO',
      'RIGHT_APPLICATION_TRAFFIC_READ',
      'RIGHT_APPLICATION_TRAFFIC_DOWN_WRITE',
    ].includes(wanted)
  );
}

/** What a right is needed on. */
export interface Target {
  readonly kind: 'application' | 'gateway' | 'user';
  readonly id: string;
}

const REFUSALS = {
  application: { none: noApplicationRights, lacking: insufficientApplicationRights },
  gateway: { none: noGatewayRights, lacking: insufficientGatewayRights },
  user: { none: noUserRights, lacking: insufficientUserRights },
} as const;

const prefixOf = (kind: Target['kind']): string => `RIGHT_${kind.toUpperCase()}_`;

function targetOf(method: DescMethod, request: Message, rule: RightRule): Target {
  const ids = (valueAt(method.input, request, rule.on) ?? {}) as {
    applicationId?: string;
    gatewayId?: string;
    userId?: string;
  };
  if (rule.right.startsWith(prefixOf('gateway')))
    return { kind: 'gateway', id: ids.gatewayId ?? '' };
  if (rule.right.startsWith(prefixOf('user'))) return { kind: 'user', id: ids.userId ?? '' };
  return { kind: 'application', id: ids.applicationId ?? '' };
}

/** Whether a key says anything about a target; its rights are another question. */
function isFor({ applicationId, gatewayId }: ApiKeyCaller, target: Target): boolean {
  if (applicationId !== undefined)
    return target.kind === 'application' && target.id === applicationId;
  if (gatewayId !== undefined) return target.kind === 'gateway' && target.id === gatewayId;
  return target.kind !== 'user' || target.id === ADMIN_USER;
}

/** Whether an application key or user may do something on an application; throws the API's error otherwise. */
export function requireRight(caller: Caller, right: string, target: Target): void {
  requireRights(caller, [right], target);
}

function requireRights(caller: Caller, rights: readonly string[], target: Target): void {
  if (caller.kind === 'refused') throw caller.error;
  if (isAdmin(caller)) return;
  const refusal = REFUSALS[target.kind];
  if (caller.kind !== 'api_key' || !isFor(caller, target)) throw refusal.none({ uid: target.id });
  const missing = rights.filter((right) => !includes(caller.rights, right));
  if (missing.length > 0) throw refusal.lacking({ uid: target.id, missing });
}

/** Names of the rights a caller has on a target, those that others imply included. */
export function rightsOn(caller: Caller, target: Target): string[] {
  const all = RightSchema.values.map(({ name }) => name);
  const possible = all.filter((name) => name.startsWith(prefixOf(target.kind)));
  if (isAdmin(caller)) return possible;
  if (caller.kind !== 'api_key' || !isFor(caller, target)) return [];
  return possible.filter((name) => includes(caller.rights, name));
}

/**
 * Refuses to give a key rights on a target that the caller does not have there. A key of an application or gateway takes
 * rights of that kind only; one of the user takes any.
 */
export function requireGrantable(caller: Caller, rights: readonly string[], target: Target): void {
  requireRights(caller, rights, target);
  const foreign =
    target.kind === 'user'
      ? []
      : rights.filter((right) => !right.startsWith(prefixOf(target.kind)));
  if (foreign.length > 0) throw REFUSALS[target.kind].lacking({ uid: target.id, missing: foreign });
}

/** Refuses callers without valid credentials. */
export function requireLogin(caller: Caller): void {
  if (caller.kind === 'refused') throw caller.error;
  if (caller.kind === 'anonymous') throw unauthenticated();
}

/** Refuses callers that may not do everything. */
export function requireAdmin(caller: Caller, refusal: () => Error): void {
  if (caller.kind === 'refused') throw caller.error;
  if (!isAdmin(caller)) throw refusal();
}

/** Whether the caller acts for the user and may see all entities of a kind; keys of one entity may not. */
export function maySeeAll(caller: Caller, right: string): boolean {
  if (isAdmin(caller)) return true;
  if (caller.kind !== 'api_key') return false;
  const { applicationId, gatewayId, rights } = caller;
  return applicationId === undefined && gatewayId === undefined && includes(rights, right);
}

function checkRights(
  method: DescMethod,
  request: Message,
  caller: Caller,
  rules: readonly RightRule[],
): void {
  const mask = maskPathsOf(method.input, request) ?? [];
  const applying = rules.filter(
    ({ whenMask }) =>
      whenMask.length === 0 || whenMask.some((path) => mask.some((one) => touches(one, path))),
  );
  const wanted = new Map<string, { target: Target; rights: string[] }>();
  for (const rule of applying) {
    const target = targetOf(method, request, rule);
    const key = `${target.kind} ${target.id}`;
    const known = wanted.get(key);
    if (known) known.rights.push(rule.right);
    else wanted.set(key, { target, rights: [rule.right] });
  }
  for (const { target, rights } of wanted.values()) requireRights(caller, rights, target);
}

/** Throws unless the caller may call the method with this request. */
export function checkAccess(method: DescMethod, request: Message, caller: Caller): void {
  const form = methodForm(method);
  const access = form?.access ?? Access.UNSPECIFIED;
  if (access === Access.ANYONE) return;
  if (caller.kind === 'refused') throw caller.error;
  switch (access) {
    case Access.LOGIN:
      if (caller.kind === 'anonymous') throw unauthenticated();
      return;
    case Access.CREDENTIALS:
      if (caller.kind === 'anonymous') throw noCredentials();
      return;
    case Access.RIGHTS:
      checkRights(method, request, caller, form?.rights ?? []);
      return;
    case Access.IN_SERVICE:
      return;
    case Access.ADMIN:
      if (!isAdmin(caller)) throw noAdmin();
      return;
    case Access.CLUSTER:
      if (isAdmin(caller)) return;
      throw caller.kind === 'anonymous' ? noClusterKey() : wrongClusterKey();
    default:
      throw accessNotDeclared({ method: `${method.parent.name}.${method.name}` });
  }
}
