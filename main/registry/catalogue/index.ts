import { join } from 'node:path';
import { basename } from 'node:path/posix';
import type { EndDeviceVersionIdentifiers } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { Clock } from '../../base/clock.ts';
import {
  CATALOGUE_STATE,
  type CatalogueImageRow,
  type CatalogueReader,
  type CatalogueVersionRow,
  type CodecKind,
  type Store,
} from '../../store/index.ts';
import { type CatalogueReads, createCatalogueReads } from './catalogue-reads.ts';
import type { ImportProgress } from './catalogue-tasks.ts';
import { noVersionIdentifiers } from './errors.ts';
import { GENERIC_REVISION } from './generic-brand.ts';
import { progressOf } from './latest-value.ts';
import { IMPORT_LIMITS, type ImportLimits } from './limits.ts';
import { createTaskRunner, type TaskRunner } from './task-runner.ts';
import { createUploads, type UploadPiece, type Uploads } from './uploads.ts';

export type { ListRequest } from './catalogue-reads.ts';
export type { ImportProgress } from './catalogue-tasks.ts';
export type { ImportLimits } from './limits.ts';

/** Where a repository is read from. */
export type ImportSource =
  /** A folder or ZIP file on this computer. */
  { readonly path: string } | { readonly uploadId: string };

/**
 * The device catalogue. Nothing of it is opened before it is asked for; {@link DeviceCatalogue.ready} then fills in what
 * ships with the program.
 */
export interface DeviceCatalogue {
  /** The catalogue, ready to be read. */
  ready(): Promise<CatalogueReads>;
  /** Scripts for devices whose formatter is the catalogue's. Throws the API's error where there is none. */
  script(kind: CodecKind, ids: EndDeviceVersionIdentifiers | undefined): Promise<string>;
  image(brandId: string, path: string): Promise<CatalogueImageRow | undefined>;
  /** Newest first; those that are being filled are left out. */
  versions(): Promise<CatalogueVersionRow[]>;
  problems(
    version: number,
    page: { readonly limit: number; readonly offset: number },
  ): Promise<ReturnType<CatalogueReader['problems']>>;
  readonly isBusy: boolean;
  /** Reads a repository; ends without a trace if the signal aborts. */
  import(source: ImportSource, signal: AbortSignal): AsyncGenerator<ImportProgress>;
  upload(piece: UploadPiece): ReturnType<Uploads['add']>;
  activate(version: number): Promise<void>;
  remove(version: number): Promise<void>;
  close(): Promise<void>;
}

export interface DeviceCatalogueOptions {
  readonly store: Pick<Store, 'catalogue' | 'directory'>;
  readonly clock: Clock;
  /** Script of the catalogue's worker; beside this file if absent. */
  readonly workerUrl?: URL;
  readonly limits?: ImportLimits;
}

/** Fills in what ships with the program, once; tries again after a failure. */
function createPreparation(
  store: DeviceCatalogueOptions['store'],
  tasks: TaskRunner,
): () => Promise<void> {
  let prepared: Promise<void> | undefined;
  const prepare = async (): Promise<void> => {
    const versions = store.catalogue.reader().versions();
    const isThere = versions.some(
      ({ builtInRevision, state }) =>
        builtInRevision === GENERIC_REVISION && state === CATALOGUE_STATE.served,
    );
    if (!isThere) await tasks.run({ kind: 'built_in' });
  };
  return () => {
    prepared ??= prepare().catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
}

/** Where the bytes of a source lie, and how it is called. */
function sourceOf(source: ImportSource, uploads: Uploads) {
  if ('uploadId' in source) return uploads.find(source.uploadId);
  const { path } = source;
  return { path, name: basename(path.replaceAll('\\', '/')) || path };
}

/** Creates the catalogue over its file, which is not opened yet. */
export function createDeviceCatalogue(options: DeviceCatalogueOptions): DeviceCatalogue {
  const { store, clock, limits = IMPORT_LIMITS } = options;
  const { catalogue: file, directory } = store;
  const tasks = createTaskRunner({
    cataloguePath: file.path,
    workerUrl: options.workerUrl ?? new URL('./catalogue-worker.ts', import.meta.url),
    clock,
  });
  const prepare = createPreparation(store, tasks);
  const reads = createCatalogueReads(file);
  const uploads = createUploads(join(directory, 'catalogue-upload.zip'), limits.archiveBytes);
  const ready = async (): Promise<CatalogueReads> => {
    await prepare();
    return reads;
  };
  return {
    ready,
    async script(kind, ids) {
      if (!ids || ids.brandId === '') throw noVersionIdentifiers();
      return (await ready()).script(kind, ids);
    },
    async image(brandId, path) {
      await ready();
      return file.reader().image(brandId, path);
    },
    async versions() {
      await ready();
      const versions = file.reader().versions();
      return versions.filter(({ state }) => state !== CATALOGUE_STATE.filling);
    },
    async problems(version, page) {
      await ready();
      return file.reader().problems(version, page);
    },
    get isBusy() {
      return tasks.isBusy;
    },
    async *import(source, signal) {
      const { path, name: sourceName } = sourceOf(source, uploads);
      await ready();
      const task = { kind: 'import', path, sourceName, limits } as const;
      yield* progressOf<ImportProgress>((onProgress) => tasks.run(task, { onProgress, signal }));
      if ('uploadId' in source) uploads.clear();
    },
    upload: (piece) => uploads.add(piece),
    async activate(version) {
      await ready();
      await tasks.run({ kind: 'activate', version });
    },
    async remove(version) {
      await ready();
      await tasks.run({ kind: 'delete', version });
    },
    async close() {
      await tasks.close();
      uploads.clear();
    },
  };
}
