import { create } from '@bufbuild/protobuf';
import { EmptySchema, type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { ApplicationAccess } from '../../api/gen/ttn/lorawan/v3/application_services_pb.js';
import { GatewayAccess } from '../../api/gen/ttn/lorawan/v3/gateway_services_pb.js';
import {
  type APIKey,
  APIKeySchema,
  type APIKeys,
  APIKeysSchema,
  type Right,
  type Rights,
  RightsSchema,
} from '../../api/gen/ttn/lorawan/v3/rights_pb.js';
import { UserAccess } from '../../api/gen/ttn/lorawan/v3/user_services_pb.js';
import { type Registry, rightName, rightOf } from '../../registry/index.ts';
import type { ApiKeyOwner } from '../../store/index.ts';
import { newApiKey } from '../api-keys.ts';
import type { Call } from '../call.ts';
import { requireGrantable, requireLogin, rightsOn, type Target } from '../rights.ts';
import { type Served, serve } from '../router.ts';
import { collaboratorMethods } from './collaborators.ts';
import { oneUserOnly, requireAdminUser } from './users.ts';

/** What keys are for: as the rights check names it, and as it is stored. */
interface Subject {
  readonly target: Target;
  readonly owner: ApiKeyOwner;
}

const applicationSubject = (ids: { readonly applicationId: string } | undefined): Subject => {
  const applicationId = ids?.applicationId ?? '';
  return { target: { kind: 'application', id: applicationId }, owner: { applicationId } };
};
const gatewaySubject = (ids: { readonly gatewayId: string } | undefined): Subject => {
  const gatewayId = ids?.gatewayId ?? '';
  return { target: { kind: 'gateway', id: gatewayId }, owner: { gatewayId } };
};
const userSubject = (ids: { readonly userId: string } | undefined): Subject => {
  requireAdminUser(ids?.userId ?? '');
  return { target: { kind: 'user', id: ids?.userId ?? '' }, owner: {} };
};

interface KeyRequest {
  readonly name: string;
  readonly rights: readonly Right[];
  readonly expiresAt?: Timestamp | undefined;
}
interface PageRequest {
  readonly limit: number;
  readonly page: number;
  readonly order: string;
}
interface UpdateRequest {
  readonly apiKey?: APIKey | undefined;
  readonly fieldMask?: { readonly paths: readonly string[] } | undefined;
}

/** What the three access services do with keys, whatever the keys are for. */
function keyMethods(registry: Registry) {
  const { apiKeys } = registry;
  return {
    rights({ target }: Subject, { caller }: Call): Rights {
      requireLogin(caller);
      const rights = rightsOn(caller, target).map(rightOf);
      return create(RightsSchema, { rights: rights.filter((right) => right !== undefined) });
    },
    /** The one answer that holds the token. */
    async create({ owner, target }: Subject, request: KeyRequest, { caller }: Call) {
      requireGrantable(caller, request.rights.map(rightName), target);
      const { token, ...made } = newApiKey();
      const { name, rights, expiresAt } = request;
      const expiry = expiresAt && { expiresAtMs: timestampMs(expiresAt) };
      const key = await apiKeys.create(owner, { ...made, name, rights, ...expiry });
      key.key = token;
      return key;
    },
    async list({ owner }: Subject, request: PageRequest, call: Call): Promise<APIKeys> {
      const { keys, total } = await apiKeys.list(owner, request);
      call.setTotalCount(total);
      return create(APIKeysSchema, { apiKeys: keys });
    },
    get: ({ owner }: Subject, id: string) => apiKeys.get(owner, id),
    async update({ owner, target }: Subject, { apiKey, fieldMask }: UpdateRequest, call: Call) {
      const key = apiKey ?? create(APIKeySchema);
      const updated = await apiKeys.update(owner, key, fieldMask?.paths ?? [], (moved) =>
        requireGrantable(call.caller, moved, target),
      );
      return updated ?? create(APIKeySchema);
    },
    async delete({ owner }: Subject, id: string) {
      await apiKeys.delete(owner, id);
      return create(EmptySchema);
    },
  };
}

/** API keys of applications, gateways and the user, and who works on the first two. */
export function accessServices(registry: Registry): Served[] {
  const keys = keyMethods(registry);
  return [
    serve(ApplicationAccess, {
      listRights: (ids, call) => keys.rights(applicationSubject(ids), call),
      createAPIKey: (request, call) =>
        keys.create(applicationSubject(request.applicationIds), request, call),
      listAPIKeys: (request, call) =>
        keys.list(applicationSubject(request.applicationIds), request, call),
      getAPIKey: ({ applicationIds, keyId }) => keys.get(applicationSubject(applicationIds), keyId),
      updateAPIKey: (request, call) =>
        keys.update(applicationSubject(request.applicationIds), request, call),
      deleteAPIKey: ({ applicationIds, keyId }) =>
        keys.delete(applicationSubject(applicationIds), keyId),
      ...collaboratorMethods('application', async ({ applicationIds }) => {
        await registry.applications.get(applicationIds?.applicationId ?? '', []);
      }),
    }),
    serve(GatewayAccess, {
      listRights: (ids, call) => keys.rights(gatewaySubject(ids), call),
      createAPIKey: (request, call) =>
        keys.create(gatewaySubject(request.gatewayIds), request, call),
      listAPIKeys: (request, call) => keys.list(gatewaySubject(request.gatewayIds), request, call),
      getAPIKey: ({ gatewayIds, keyId }) => keys.get(gatewaySubject(gatewayIds), keyId),
      updateAPIKey: (request, call) =>
        keys.update(gatewaySubject(request.gatewayIds), request, call),
      deleteAPIKey: ({ gatewayIds, keyId }) => keys.delete(gatewaySubject(gatewayIds), keyId),
      ...collaboratorMethods('gateway', async ({ gatewayIds }) => {
        await registry.gateways.get(gatewayIds?.gatewayId ?? '', []);
      }),
    }),
    serve(UserAccess, {
      listRights: (ids, call) => keys.rights(userSubject(ids), call),
      createAPIKey: (request, call) => keys.create(userSubject(request.userIds), request, call),
      listAPIKeys: (request, call) => keys.list(userSubject(request.userIds), request, call),
      getAPIKey: ({ userIds, keyId }) => keys.get(userSubject(userIds), keyId),
      updateAPIKey: (request, call) => keys.update(userSubject(request.userIds), request, call),
      deleteAPIKey: ({ userIds, keyId }) => keys.delete(userSubject(userIds), keyId),
      createLoginToken() {
        throw oneUserOnly({ method: 'UserAccess.CreateLoginToken' });
      },
    }),
  ];
}
