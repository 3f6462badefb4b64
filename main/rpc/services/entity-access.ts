import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  AuthInfoResponseSchema,
  EntityAccess,
} from '../../api/gen/ttn/lorawan/v3/identityserver_pb.js';
import { type APIKeySchema, Right } from '../../api/gen/ttn/lorawan/v3/rights_pb.js';
import { rightOf } from '../../registry/index.ts';
import { type ApiKeyCaller, type Caller, isAdmin } from '../call.ts';
import { ADMIN_USER } from '../rights.ts';
import { type Served, serve } from '../router.ts';

/** What a key is for, as the API names entities. */
function entityOf({ applicationId, gatewayId }: ApiKeyCaller) {
  if (applicationId !== undefined)
    return { case: 'applicationIds', value: { applicationId } } as const;
  if (gatewayId !== undefined) return { case: 'gatewayIds', value: { gatewayId } } as const;
  return { case: 'userIds', value: { userId: ADMIN_USER } } as const;
}

const time = (ms: number | undefined) => (ms === undefined ? undefined : timestampFromMs(ms));

/** A key without its secret. */
function keyOf(caller: ApiKeyCaller): MessageInitShape<typeof APIKeySchema> {
  const createdAt = time(caller.createdAtMs);
  const updatedAt = time(caller.updatedAtMs);
  const expiresAt = time(caller.expiresAtMs);
  return {
    id: caller.keyId,
    name: caller.name,
    rights: [...caller.rights].map(rightOf).filter((one) => one !== undefined),
    ...(createdAt && { createdAt }),
    ...(updatedAt && { updatedAt }),
    ...(expiresAt && { expiresAt }),
  };
}

function authInfo(caller: Caller) {
  if (caller.kind === 'refused') throw caller.error;
  if (caller.kind === 'anonymous') return create(AuthInfoResponseSchema);
  const admin = isAdmin(caller);
  const base = admin ? { isAdmin: true, universalRights: { rights: [Right.ALL] } } : {};
  if (caller.kind !== 'api_key') {
    const session = { userIds: { userId: ADMIN_USER } };
    return create(AuthInfoResponseSchema, {
      ...base,
      accessMethod: { case: 'userSession', value: session },
    });
  }
  return create(AuthInfoResponseSchema, {
    ...base,
    accessMethod: {
      case: 'apiKey',
      value: { apiKey: keyOf(caller), entityIds: { ids: entityOf(caller) } },
    },
  });
}

/** What the caller may do. */
export function entityAccessService(): Served {
  return serve(EntityAccess, { authInfo: (_, { caller }) => authInfo(caller) });
}
