import { create } from '@bufbuild/protobuf';
import { type Empty, EmptySchema } from '@bufbuild/protobuf/wkt';
import type {
  ApplicationIdentifiers,
  GatewayIdentifiers,
  OrganizationOrUserIdentifiers,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  type Collaborator,
  type Collaborators,
  CollaboratorsSchema,
  type GetCollaboratorResponse,
  GetCollaboratorResponseSchema,
  Right,
} from '../../api/gen/ttn/lorawan/v3/rights_pb.js';
import { defineError } from '../../base/errors.ts';
import type { Call } from '../call.ts';
import { ADMIN_USER, requireLogin } from '../rights.ts';

const membershipNotFound = defineError(
  'pkg/identityserver/store:membership_not_found',
  'NOT_FOUND',
  'The {account_type} {account_id} is no collaborator of {entity_type} {entity_id}. In Gatehouse the only one is the user admin.',
);
const accountNotFound = defineError(
  'pkg/identityserver/store:account_not_found',
  'NOT_FOUND',
  'There is no {account_type} {account_id}. Gatehouse has one user, admin, and no organizations.',
);
const applicationNeedsCollaborator = defineError(
  'pkg/identityserver:application_needs_collaborator',
  'FAILED_PRECONDITION',
  'An application needs a collaborator with all rights, and in Gatehouse that is always the user admin.',
);
const gatewayNeedsCollaborator = defineError(
  'pkg/identityserver:gateway_needs_collaborator',
  'FAILED_PRECONDITION',
  'A gateway needs a collaborator with all rights, and in Gatehouse that is always the user admin.',
);

const KINDS = {
  application: { all: Right.APPLICATION_ALL, needsCollaborator: applicationNeedsCollaborator },
  gateway: { all: Right.GATEWAY_ALL, needsCollaborator: gatewayNeedsCollaborator },
} as const;

interface EntityIds {
  readonly applicationIds?: ApplicationIdentifiers | undefined;
  readonly gatewayIds?: GatewayIdentifiers | undefined;
}

const ADMIN = { ids: { case: 'userIds', value: { userId: ADMIN_USER } } } as const;

function accountOf(ids: OrganizationOrUserIdentifiers | undefined) {
  return ids?.ids.case === 'organizationIds'
    ? { account_type: 'organization', account_id: ids.ids.value.organizationId }
    : { account_type: 'user', account_id: ids?.ids.value?.userId ?? '' };
}

const isAdminUser = (ids: OrganizationOrUserIdentifiers | undefined): boolean =>
  ids?.ids.case === 'userIds' && ids.ids.value.userId === ADMIN_USER;

/**
 * Who works on an application or gateway: the user `admin` with all rights, always. Nobody can be added or taken away;
 * calls that would leave things as they are succeed.
 */
export function collaboratorMethods(
  kind: 'application' | 'gateway',
  checkExists: (request: EntityIds) => Promise<void>,
) {
  const { all, needsCollaborator } = KINDS[kind];
  const rightAll = Right.ALL;
  const entityOf = ({ applicationIds, gatewayIds }: EntityIds) => ({
    entity_type: kind,
    entity_id: applicationIds?.applicationId ?? gatewayIds?.gatewayId ?? '',
  });
  return {
    async getCollaborator(
      request: EntityIds & { readonly collaborator?: OrganizationOrUserIdentifiers | undefined },
    ): Promise<GetCollaboratorResponse> {
      await checkExists(request);
      const { collaborator } = request;
      if (!isAdminUser(collaborator))
        throw membershipNotFound({ ...accountOf(collaborator), ...entityOf(request) });
      return create(GetCollaboratorResponseSchema, { ids: ADMIN, rights: [all] });
    },
    async listCollaborators(
      request: EntityIds & { readonly page: number },
      call: Call,
    ): Promise<Collaborators> {
      requireLogin(call.caller);
      await checkExists(request);
      call.setTotalCount(1);
      const collaborators = request.page > 1 ? [] : [{ ids: ADMIN, rights: [all] }];
      return create(CollaboratorsSchema, { collaborators });
    },
    async setCollaborator(
      request: EntityIds & { readonly collaborator?: Collaborator | undefined },
    ): Promise<Empty> {
      await checkExists(request);
      const { ids, rights = [] } = request.collaborator ?? {};
      if (!isAdminUser(ids)) throw accountNotFound(accountOf(ids));
      if (!rights.includes(all) && !rights.includes(rightAll)) throw needsCollaborator();
      return create(EmptySchema);
    },
    async deleteCollaborator(
      request: EntityIds & { readonly collaboratorIds?: OrganizationOrUserIdentifiers | undefined },
    ): Promise<Empty> {
      await checkExists(request);
      const ids = request.collaboratorIds;
      if (isAdminUser(ids)) throw needsCollaborator();
      throw membershipNotFound({ ...accountOf(ids), ...entityOf(request) });
    },
  };
}
