import {
  clone,
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Application, ApplicationSchema } from '../api/gen/ttn/lorawan/v3/application_pb.js';
import type { ApplicationLinks } from './application-links.ts';
import type { RegistryContext } from './context.ts';
import { applicationHasDevices, applicationNotFound, idTaken } from './errors.ts';
import { mergeByPaths, pickByPaths, without } from './masks.ts';
import { orderOf, pageOf } from './paging.ts';

/** A stored message. */
export function decodeMessage<Desc extends DescMessage>(
  desc: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  return fromBinary(desc, bytes);
}

export interface ListRequest {
  readonly limit?: number;
  readonly page?: number;
  readonly order?: string;
}

export interface ApplicationRegistry {
  create(application: Application): Promise<Application>;
  get(applicationId: string, paths: readonly string[]): Promise<Application>;
  list(
    request: ListRequest,
    paths: readonly string[],
  ): Promise<{ applications: Application[]; total: number }>;
  update(application: Application, paths: readonly string[]): Promise<Application>;
  /** Refused while there are devices. API keys and settings of the application go with it. */
  delete(applicationId: string): Promise<void>;
}

const FIXED_PATHS = ['ids', 'created_at', 'updated_at', 'deleted_at'];
const IMPLICIT_PATHS = ['ids', 'created_at', 'updated_at'];

function find({ store }: RegistryContext, applicationId: string): Application {
  const row = store.applications.get(applicationId);
  if (!row) throw applicationNotFound({ application_id: applicationId });
  return decodeMessage(ApplicationSchema, row.message);
}

function save({ store }: RegistryContext, application: Application): void {
  store.applications.put({
    applicationId: application.ids?.applicationId ?? '',
    name: application.name,
    createdAtMs: application.createdAt ? timestampMs(application.createdAt) : 0,
    message: toBinary(ApplicationSchema, application),
  });
}

const answer = (application: Application, paths: readonly string[]): Application =>
  pickByPaths(ApplicationSchema, application, [...paths, ...IMPLICIT_PATHS]);

export function createApplicationRegistry(
  context: RegistryContext,
  links: ApplicationLinks,
): ApplicationRegistry {
  const { store } = context;
  return {
    create: (application) =>
      context.transact((effects) => {
        const applicationId = application.ids?.applicationId ?? '';
        if (store.applications.get(applicationId)) throw idTaken();
        const stored = clone(ApplicationSchema, application);
        stored.createdAt = context.now();
        stored.updatedAt = stored.createdAt;
        delete stored.deletedAt;
        save(context, stored);
        effects.event('application.create', { kind: 'application', applicationId });
        return stored;
      }),
    async get(applicationId, paths) {
      return answer(find(context, applicationId), paths);
    },
    async list({ limit, page, order }, paths) {
      const { rows, total } = store.applications.list({
        ...orderOf(order, ['application_id', 'name', 'created_at'], 'application_id'),
        ...pageOf(limit, page),
      });
      return {
        applications: rows.map(({ message }) =>
          answer(decodeMessage(ApplicationSchema, message), paths),
        ),
        total,
      };
    },
    update: (application, paths) =>
      context.transact((effects) => {
        const applicationId = application.ids?.applicationId ?? '';
        const stored = find(context, applicationId);
        const effective = without(paths, ...FIXED_PATHS);
        mergeByPaths(ApplicationSchema, stored, application, effective);
        stored.updatedAt = context.now();
        save(context, stored);
        effects.event('application.update', { kind: 'application', applicationId }, effective);
        return answer(stored, effective);
      }),
    delete: (applicationId) =>
      context.transact((effects) => {
        find(context, applicationId);
        const count = store.identityDevices.count(applicationId);
        if (count > 0) throw applicationHasDevices({ count });
        store.applications.delete(applicationId);
        store.apiKeys.deleteByApplication(applicationId);
        links.drop(applicationId);
        effects.event('application.delete', { kind: 'application', applicationId });
      }),
  };
}

/** An application with nothing but its id. */
export function newApplication(applicationId: string, name = ''): Application {
  return create(ApplicationSchema, { ids: { applicationId }, name });
}
