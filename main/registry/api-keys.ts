import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type APIKey,
  APIKeySchema,
  type Right,
  RightSchema,
} from '../api/gen/ttn/lorawan/v3/rights_pb.js';
import type { EntityRef } from '../events/index.ts';
import type { ApiKeyOwner, ApiKeyRow } from '../store/index.ts';
import type { ListRequest } from './applications.ts';
import type { RegistryContext } from './context.ts';
import { apiKeyNotFound, applicationNotFound, gatewayNotFound } from './errors.ts';
import { covers } from './masks.ts';
import { orderOf, pageOf } from './paging.ts';

/** A key to store. Its secret is known to the caller only; here is its hash. */
export interface NewApiKey {
  readonly id: string;
  readonly secretHash: Uint8Array;
  readonly name: string;
  readonly rights: readonly Right[];
  readonly expiresAtMs?: number;
}

/** API keys of applications, of gateways, and of the administrator. No answer holds a secret. */
export interface ApiKeyRegistry {
  create(owner: ApiKeyOwner, key: NewApiKey): Promise<APIKey>;
  get(owner: ApiKeyOwner, id: string): Promise<APIKey>;
  list(owner: ApiKeyOwner, request: ListRequest): Promise<{ keys: APIKey[]; total: number }>;
  /**
   * Changes name, rights or expiry. `authorize` gets the names of the rights that come or go and throws if the caller may
   * not touch them. A key that is left without rights is deleted, which older clients do instead of calling delete;
   * the answer is undefined then.
   */
  update(
    owner: ApiKeyOwner,
    key: APIKey,
    paths: readonly string[],
    authorize: (rights: readonly string[]) => void,
  ): Promise<APIKey | undefined>;
  delete(owner: ApiKeyOwner, id: string): Promise<void>;
  /** The key a call comes with; undefined if there is none, or if what it is for has been deleted. */
  ofCall(id: string): ApiKeyRow | undefined;
}

/** Name of a right, as stored and as the contract's options spell it. */
export const rightName = (right: Right): string => RightSchema.value[right]?.name ?? '';

/** The right of a name; undefined if there is none. */
export const rightOf = (name: string): Right | undefined =>
  RightSchema.values.find((one) => one.name === name)?.number;

/**
 * What an update without a mask changes, which clients of the first SDK send: what is set. One that sets nothing is that
 * SDK's way to delete a key.
 */
function pathsOfSet({ name, rights }: APIKey): string[] {
  if (name === '' && rights.length === 0) return ['rights'];
  return [...(name !== '' ? ['name'] : []), ...(rights.length > 0 ? ['rights'] : [])];
}

const ORDERS = ['api_key_id', 'name', 'created_at', 'expires_at'] as const;

function toMessage(row: ApiKeyRow): APIKey {
  return create(APIKeySchema, {
    id: row.id,
    name: row.name,
    rights: row.rights.map(rightOf).filter((right) => right !== undefined),
    createdAt: timestampFromMs(row.createdAtMs),
    updatedAt: timestampFromMs(row.updatedAtMs),
    ...(row.expiresAtMs !== undefined && { expiresAt: timestampFromMs(row.expiresAtMs) }),
  });
}

const entityOf = ({ applicationId, gatewayId }: ApiKeyOwner): EntityRef | undefined => {
  if (applicationId !== undefined) return { kind: 'application', applicationId };
  return gatewayId === undefined ? undefined : { kind: 'gateway', gatewayId };
};

function notFound({ applicationId, gatewayId }: ApiKeyOwner, id: string): Error {
  return apiKeyNotFound({
    api_key_id: id,
    entity_type: applicationId !== undefined ? 'application' : gatewayId ? 'gateway' : 'user',
    entity_id: applicationId ?? gatewayId ?? 'admin',
  });
}

function checkOwner({ store }: RegistryContext, { applicationId, gatewayId }: ApiKeyOwner): void {
  if (applicationId !== undefined && !store.applications.get(applicationId))
    throw applicationNotFound({ application_id: applicationId });
  if (gatewayId !== undefined && !store.gateways.get(gatewayId))
    throw gatewayNotFound({ gateway_id: gatewayId });
}

function ownerExists(
  { store }: RegistryContext,
  { applicationId, gatewayId }: ApiKeyOwner,
): boolean {
  if (applicationId !== undefined) return store.applications.get(applicationId) !== undefined;
  return gatewayId === undefined || store.gateways.get(gatewayId) !== undefined;
}

function find({ store }: RegistryContext, owner: ApiKeyOwner, id: string): ApiKeyRow {
  const row = store.apiKeys.get(id);
  const isTheirs = row?.applicationId === owner.applicationId && row?.gatewayId === owner.gatewayId;
  if (!row || !isTheirs) throw notFound(owner, id);
  return row;
}

/** The row after an update. */
function changed(row: ApiKeyRow, key: APIKey, paths: readonly string[], nowMs: number): ApiKeyRow {
  const { expiresAtMs, ...rest } = row;
  const expiry = covers(paths, 'expires_at')
    ? key.expiresAt && timestampMs(key.expiresAt)
    : expiresAtMs;
  return {
    ...rest,
    ...(covers(paths, 'name') && { name: key.name }),
    ...(covers(paths, 'rights') && { rights: key.rights.map(rightName) }),
    ...(expiry !== undefined && { expiresAtMs: expiry }),
    updatedAtMs: nowMs,
  };
}

/** Rights that come or go. */
function movedRights({ rights: before }: ApiKeyRow, { rights: after }: ApiKeyRow): string[] {
  return [...before, ...after].filter((right) => !before.includes(right) || !after.includes(right));
}

/** Tells of a key; of those of the user nobody could ask. */
function said(
  owner: ApiKeyOwner,
  what: string,
  tell: (name: string, entity: EntityRef) => void,
): void {
  const entity = entityOf(owner);
  if (entity) tell(`${entity.kind}.api-key.${what}`, entity);
}

export function createApiKeyRegistry(context: RegistryContext): ApiKeyRegistry {
  const { store, clock } = context;
  return {
    create: (owner, { secretHash, rights, ...key }) =>
      context.transact((effects) => {
        checkOwner(context, owner);
        const nowMs = clock.now();
        const row = {
          ...key,
          ...owner,
          hash: secretHash,
          rights: rights.map(rightName),
          createdAtMs: nowMs,
          updatedAtMs: nowMs,
        };
        store.apiKeys.put(row);
        said(owner, 'create', effects.event);
        return toMessage(row);
      }),
    async get(owner, id) {
      return toMessage(find(context, owner, id));
    },
    async list(owner, { limit, page, order }) {
      checkOwner(context, owner);
      const { rows, total } = store.apiKeys.list(owner, {
        ...orderOf(order, ORDERS, 'api_key_id'),
        ...pageOf(limit, page),
      });
      return { keys: rows.map(toMessage), total };
    },
    update: (owner, key, requested, authorize) =>
      context.transact((effects) => {
        const paths = requested.length > 0 ? requested : pathsOfSet(key);
        const before = find(context, owner, key.id);
        const after = changed(before, key, paths, clock.now());
        authorize(movedRights(before, after));
        if (after.rights.length === 0) {
          store.apiKeys.delete(key.id);
          said(owner, 'delete', effects.event);
          return undefined;
        }
        store.apiKeys.put(after);
        said(owner, 'update', effects.event);
        return toMessage(after);
      }),
    delete: (owner, id) =>
      context.transact((effects) => {
        find(context, owner, id);
        store.apiKeys.delete(id);
        said(owner, 'delete', effects.event);
      }),
    ofCall(id) {
      const row = store.apiKeys.get(id);
      return row && ownerExists(context, row) ? row : undefined;
    },
  };
}
