import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ApplicationLink,
  ApplicationLinkSchema,
} from '../api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { createBoundedCache } from '../store/index.ts';
import { checkScriptSizes } from './application.ts';
import type { RegistryContext } from './context.ts';
import { applicationNotFound, notFound } from './errors.ts';
import { mergeByPaths, pickByPaths } from './masks.ts';

/** Settings that the devices of an application share on the application server. */
export interface ApplicationLinks {
  /** Throws `pkg/redis:not_found` for an application that has none. */
  get(applicationId: string, paths: readonly string[]): Promise<ApplicationLink>;
  set(
    applicationId: string,
    link: ApplicationLink,
    paths: readonly string[],
  ): Promise<ApplicationLink>;
  /** Does nothing for an application that has none. */
  delete(applicationId: string): Promise<void>;
  /** For the servers' hot path. The message is shared: it must not be changed. */
  of(applicationId: string): ApplicationLink | undefined;
  /** Takes the settings away inside the unit that deletes the application. */
  drop(applicationId: string): void;
}

/** So many applications' settings are kept decoded. */
const KEPT_LINKS = 1_000;

const keyOf = (applicationId: string): string => `application_server.link.${applicationId}`;

export function createApplicationLinks(context: RegistryContext): ApplicationLinks {
  const { store } = context;
  const kept = createBoundedCache<string, { readonly link: ApplicationLink | undefined }>(
    KEPT_LINKS,
  );
  store.onRollback(kept.clear);
  const read = (applicationId: string): ApplicationLink | undefined => {
    const stored = store.settings.get(keyOf(applicationId));
    return stored && fromBinary(ApplicationLinkSchema, stored);
  };
  const drop = (applicationId: string): void => {
    store.settings.delete(keyOf(applicationId));
    kept.delete(applicationId);
  };
  return {
    async get(applicationId, paths) {
      const link = read(applicationId);
      if (!link) throw notFound();
      return pickByPaths(ApplicationLinkSchema, link, paths);
    },
    set: (applicationId, link, paths) =>
      context.transact(() => {
        checkScriptSizes('default_formatters', link.defaultFormatters, paths);
        if (!store.applications.get(applicationId))
          throw applicationNotFound({ application_id: applicationId });
        const stored = read(applicationId) ?? create(ApplicationLinkSchema);
        mergeByPaths(ApplicationLinkSchema, stored, link, paths);
        store.settings.put(keyOf(applicationId), toBinary(ApplicationLinkSchema, stored));
        kept.delete(applicationId);
        return pickByPaths(ApplicationLinkSchema, stored, paths);
      }),
    delete: (applicationId) => context.transact(() => drop(applicationId)),
    of(applicationId) {
      const known = kept.get(applicationId);
      if (known) return known.link;
      const link = read(applicationId);
      kept.set(applicationId, { link });
      return link;
    },
    drop,
  };
}
