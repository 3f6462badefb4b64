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
import {
  type EntityFilter,
  filterPaths,
  matchesFilter,
  type SearchedEntity,
} from './entity-search.ts';
import { applicationHasDevices, applicationNotFound, idTaken } from './errors.ts';
import { mergeByPaths, pickByPaths, without } from './masks.ts';
import { orderOf, pageOfMatches } from './paging.ts';

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
  /** Only what matches. */
  readonly filter?: EntityFilter;
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

const searched = ({ ids, name, description, attributes }: Application): SearchedEntity => ({
  id: ids?.applicationId ?? '',
  name,
  description,
  attributes,
});

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
    async list(request, paths) {
      const { filter = {} } = request;
      const order = orderOf(
        request.order,
        ['application_id', 'name', 'created_at'],
        'application_id',
      );
      const { items, total } = pageOfMatches(
        (page) => store.applications.list({ ...order, ...page }),
        (row) => decodeMessage(ApplicationSchema, row.message),
        (application) => matchesFilter(searched(application), filter),
        request,
      );
      const all = [...paths, ...filterPaths(filter)];
      return { applications: items.map((application) => answer(application, all)), total };
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
        store.apiKeys.deleteByOwner({ applicationId });
        links.drop(applicationId);
        effects.event('application.delete', { kind: 'application', applicationId });
      }),
  };
}

/** An application with nothing but its id. */
export function newApplication(applicationId: string, name = ''): Application {
  return create(ApplicationSchema, { ids: { applicationId }, name });
}
