import { create } from '@bufbuild/protobuf';
import { ApplicationsSchema } from '../../api/gen/ttn/lorawan/v3/application_pb.js';
import { ClientsSchema } from '../../api/gen/ttn/lorawan/v3/client_pb.js';
import {
  EntityRegistrySearch,
  SearchAccountsResponseSchema,
} from '../../api/gen/ttn/lorawan/v3/entity_search_services_pb.js';
import { State } from '../../api/gen/ttn/lorawan/v3/enums_pb.js';
import { GatewaysSchema } from '../../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { OrganizationsSchema } from '../../api/gen/ttn/lorawan/v3/organization_pb.js';
import { UsersSchema } from '../../api/gen/ttn/lorawan/v3/user_pb.js';
import { defineError } from '../../base/errors.ts';
import { matchesFilter, type Registry, type SearchedEntity } from '../../registry/index.ts';
import type { Call, Caller } from '../call.ts';
import { ADMIN_USER, maySeeAll, requireLogin } from '../rights.ts';
import { type Served, serve } from '../router.ts';
import { adminAlone, adminUser } from './users.ts';

const searchForbidden = defineError(
  'pkg/identityserver:search_forbidden',
  'PERMISSION_DENIED',
  'Keys of one application or gateway may not search. Use a key of the user.',
);

function requireSearch(caller: Caller, right: string): void {
  requireLogin(caller);
  if (!maySeeAll(caller, right)) throw searchForbidden();
}

/** Answers for what a workspace has none of. */
function none<T>(caller: Caller, right: string, call: Call, empty: T): T {
  requireSearch(caller, right);
  call.setTotalCount(0);
  return empty;
}

function adminAsEntity(createdAtMs: number): SearchedEntity {
  const { name, description, attributes } = adminUser(createdAtMs, ['name']);
  return { id: ADMIN_USER, name, description, attributes };
}

/** Search for applications, gateways and the user. @param createdAtMs when the workspace was made */
export function entitySearchService(registry: Registry, createdAtMs: number): Served {
  return serve(EntityRegistrySearch, {
    async searchApplications(request, call) {
      requireSearch(call.caller, 'RIGHT_USER_APPLICATIONS_LIST');
      const paths = request.fieldMask?.paths ?? [];
      const found = await registry.applications.list({ ...request, filter: request }, paths);
      call.setTotalCount(found.total);
      return create(ApplicationsSchema, { applications: found.applications });
    },
    async searchGateways(request, call) {
      requireSearch(call.caller, 'RIGHT_USER_GATEWAYS_LIST');
      const paths = request.fieldMask?.paths ?? [];
      const found = await registry.gateways.list({ ...request, filter: request }, paths);
      call.setTotalCount(found.total);
      return create(GatewaysSchema, { gateways: found.gateways });
    },
    searchClients: (_, call) =>
      none(call.caller, 'RIGHT_USER_CLIENTS_LIST', call, create(ClientsSchema)),
    searchOrganizations: (_, call) =>
      none(call.caller, 'RIGHT_USER_ORGANIZATIONS_LIST', call, create(OrganizationsSchema)),
    searchUsers(request, call) {
      const isState = request.state.length === 0 || request.state.includes(State.APPROVED);
      const isFound =
        isState && !request.deleted && matchesFilter(adminAsEntity(createdAtMs), request);
      call.setTotalCount(isFound ? 1 : 0);
      if (!isFound) return create(UsersSchema);
      return adminAlone(createdAtMs, request.page, request.fieldMask?.paths ?? []);
    },
    searchAccounts({ query, collaboratorOf, complementCollaborators }) {
      // The user works on everything, so asking for who does not yet finds nobody.
      const isOut = collaboratorOf.case !== undefined && complementCollaborators;
      const isFound = !isOut && matchesFilter(adminAsEntity(createdAtMs), { query });
      const accountIds = isFound
        ? [{ ids: { case: 'userIds', value: { userId: ADMIN_USER } } } as const]
        : [];
      return create(SearchAccountsResponseSchema, { accountIds });
    },
  });
}
