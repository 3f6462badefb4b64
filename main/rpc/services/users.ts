import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { State } from '../../api/gen/ttn/lorawan/v3/enums_pb.js';
import {
  type User,
  UserSchema,
  type Users,
  UsersSchema,
} from '../../api/gen/ttn/lorawan/v3/user_pb.js';
import { UserRegistry } from '../../api/gen/ttn/lorawan/v3/user_services_pb.js';
import { defineError } from '../../base/errors.ts';
import { pickByPaths } from '../../registry/index.ts';
import { ADMIN_USER } from '../rights.ts';
import { type Served, serve } from '../router.ts';

const userNotFound = defineError(
  'pkg/identityserver/store:user_not_found',
  'NOT_FOUND',
  'There is no user {user_id}. Gatehouse has one user, admin.',
);
export const oneUserOnly = defineError(
  'gatehouse/users:one_user_only',
  'UNIMPLEMENTED',
  'Gatehouse has one user, admin, without a password and without settings, so there is no {method}. Use API keys.',
);

const IMPLICIT_PATHS = ['ids', 'created_at', 'updated_at'];

/** Refuses any user but the one there is. */
export function requireAdminUser(userId: string): void {
  if (userId !== ADMIN_USER) throw userNotFound({ user_id: userId });
}

/** The user, as far as a mask asks. */
export function adminUser(createdAtMs: number, paths: readonly string[]): User {
  const createdAt = timestampFromMs(createdAtMs);
  const user = create(UserSchema, {
    ids: { userId: ADMIN_USER },
    createdAt,
    updatedAt: createdAt,
    name: 'Administrator',
    state: State.APPROVED,
    admin: true,
  });
  return pickByPaths(UserSchema, user, [...paths, ...IMPLICIT_PATHS]);
}

/** A page of the list of users, whose only entry is on the first. */
export function adminAlone(createdAtMs: number, page: number, paths: readonly string[]): Users {
  return create(UsersSchema, { users: page > 1 ? [] : [adminUser(createdAtMs, paths)] });
}

const refuse = (method: string) => (): never => {
  throw oneUserOnly({ method: `UserRegistry.${method}` });
};

/** The registry of users, which holds one. @param createdAtMs when the workspace was made */
export function userService(createdAtMs: number): Served {
  return serve(UserRegistry, {
    get({ userIds, fieldMask }) {
      requireAdminUser(userIds?.userId ?? '');
      return adminUser(createdAtMs, fieldMask?.paths ?? []);
    },
    list({ page, deleted, fieldMask }, call) {
      call.setTotalCount(deleted ? 0 : 1);
      return deleted ? create(UsersSchema) : adminAlone(createdAtMs, page, fieldMask?.paths ?? []);
    },
    create: refuse('Create'),
    update: refuse('Update'),
    createTemporaryPassword: refuse('CreateTemporaryPassword'),
    updatePassword: refuse('UpdatePassword'),
    delete: refuse('Delete'),
    restore: refuse('Restore'),
    purge: refuse('Purge'),
  });
}
