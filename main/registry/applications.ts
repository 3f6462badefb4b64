import {
  clone,
  create,
  type DescMessage,
  fromBinary,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { type Application, ApplicationSchema } from '../api/gen/ttn/lorawan/v3/application_pb.js';
import type { DevEui } from '../lorawan/index.ts';
import type { DeletedEntity } from '../store/index.ts';
import type { ActivationSettings } from './activation-settings.ts';
import type { ApplicationLinks } from './application-links.ts';
import type { Effects, RegistryContext } from './context.ts';
import { issueDevEui } from './dev-eui-issuer.ts';
import {
  type EntityFilter,
  filterPaths,
  matchesFilter,
  type SearchedEntity,
} from './entity-search.ts';
import { applicationHasDevices, applicationNotFound, idTaken } from './errors.ts';
import { mergeByPaths, pickByPaths, without } from './masks.ts';
import { orderOf, pageOfMatches } from './paging.ts';
import { createTrash, pageOfDeleted, type Trash } from './trash.ts';

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
  /** What was deleted and can still be restored, instead of what is there. */
  readonly deleted?: boolean;
}

export interface ApplicationRegistry {
  create(application: Application): Promise<Application>;
  get(applicationId: string, paths: readonly string[]): Promise<Application>;
  list(
    request: ListRequest,
    paths: readonly string[],
  ): Promise<{ applications: Application[]; total: number }>;
  update(application: Application, paths: readonly string[]): Promise<Application>;
  /** Refused while there are devices. API keys stop working; they and the settings come back with a restore. */
  delete(applicationId: string): Promise<void>;
  /** Brings a deleted application back, within a day. */
  restore(applicationId: string): Promise<void>;
  /** Deletes an application, or what a deleted one left, for good. */
  purge(applicationId: string): Promise<void>;
  /** A DevEUI of this workspace's own block that no device has. */
  issueDevEui(applicationId: string): Promise<DevEui>;
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

/** A deleted application as lists show it. */
function deletedApplication({ message, deletedAtMs }: DeletedEntity): Application {
  const application = decodeMessage(ApplicationSchema, message);
  application.deletedAt = timestampFromMs(deletedAtMs);
  return application;
}

function listDeleted(trash: Trash, request: ListRequest, paths: readonly string[]) {
  const { filter = {} } = request;
  const matching = trash
    .list()
    .map(deletedApplication)
    .filter((application) => matchesFilter(searched(application), filter));
  const sortedBy = ({ ids, name, createdAt }: Application) => ({
    id: ids?.applicationId ?? '',
    name,
    createdAtMs: createdAt ? timestampMs(createdAt) : 0,
  });
  const { items, total } = pageOfDeleted(matching, sortedBy, request);
  const all = [...paths, ...filterPaths(filter), 'deleted_at'];
  return { applications: items.map((application) => answer(application, all)), total };
}

function checkNoDevices({ store }: RegistryContext, applicationId: string): void {
  const count = store.identityDevices.count(applicationId);
  if (count > 0) throw applicationHasDevices({ count });
}

/** What belongs to an application and lives elsewhere. */
interface ApplicationBelongings {
  readonly links: ApplicationLinks;
  readonly activationSettings: ActivationSettings;
}

/** Deleting, with and without a way back. */
function createRemoval(
  context: RegistryContext,
  trash: Trash,
  { links, activationSettings }: ApplicationBelongings,
) {
  const { store } = context;
  /** Forgets a deleted application and what belongs to it; whether there was one. */
  const forget = (applicationId: string): boolean => {
    if (!trash.forget(applicationId)) return false;
    dropBelongings(applicationId);
    return true;
  };
  const dropBelongings = (applicationId: string): void => {
    store.apiKeys.deleteByOwner({ applicationId });
    links.drop(applicationId);
    activationSettings.drop(applicationId);
    store.claimAuthorizations.delete(applicationId);
    store.claimableDevices.release(applicationId);
  };
  return {
    forget,
    delete: (applicationId: string) =>
      context.transact((effects) => {
        const application = find(context, applicationId);
        checkNoDevices(context, applicationId);
        store.applications.delete(applicationId);
        trash.put({ id: applicationId, message: toBinary(ApplicationSchema, application) });
        effects.event('application.delete', { kind: 'application', applicationId });
      }),
    restore: (applicationId: string) =>
      context.transact((effects) => {
        const { message } = trash.take(applicationId, () =>
          applicationNotFound({ application_id: applicationId }),
        );
        save(context, decodeMessage(ApplicationSchema, message));
        effects.event('application.restore', { kind: 'application', applicationId });
      }),
    purge: (applicationId: string) =>
      context.transact((effects) => {
        if (!forget(applicationId)) {
          find(context, applicationId);
          checkNoDevices(context, applicationId);
          store.applications.delete(applicationId);
          dropBelongings(applicationId);
        }
        effects.event('application.purge', { kind: 'application', applicationId });
      }),
  };
}

function issueFor(context: RegistryContext, applicationId: string, effects: Effects): DevEui {
  const application = find(context, applicationId);
  const devEui = issueDevEui(context.store);
  application.devEuiCounter += 1;
  save(context, application);
  effects.event('application.issue_dev_eui', { kind: 'application', applicationId });
  return devEui;
}

export function createApplicationRegistry(
  context: RegistryContext,
  belongings: ApplicationBelongings,
): ApplicationRegistry {
  const { store } = context;
  const trash = createTrash(context, 'application');
  const { forget, ...removal } = createRemoval(context, trash, belongings);
  return {
    ...removal,
    create: (application) =>
      context.transact((effects) => {
        const applicationId = application.ids?.applicationId ?? '';
        if (store.applications.get(applicationId)) throw idTaken();
        forget(applicationId);
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
      if (request.deleted) return listDeleted(trash, request, paths);
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
    issueDevEui: (applicationId) =>
      context.transact((effects) => issueFor(context, applicationId, effects)),
  };
}

/** An application with nothing but its id. */
export function newApplication(applicationId: string, name = ''): Application {
  return create(ApplicationSchema, { ids: { applicationId }, name });
}
