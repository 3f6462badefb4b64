/** Fills the catalogue, in a thread that lives for one task: unpacking and reading YAML takes seconds of computing. */
import { stat } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { toBinary } from '@bufbuild/protobuf';
import {
  EndDeviceBrandSchema,
  EndDeviceModelSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { errorText, GatehouseError } from '../../base/errors.ts';
import { CATALOGUE_STATE } from '../../store/catalogue-schema.ts';
import { type CatalogueWriter, createCatalogueWriter } from '../../store/catalogue-writer.ts';
import {
  CANCEL,
  type CatalogueTask,
  type CatalogueWorkerData,
  type CatalogueWorkerMessage,
  type ImportProgress,
  type TaskFailure,
} from './catalogue-tasks.ts';
import {
  importCancelled,
  importFailed,
  notARepository,
  sourceUnreadable,
  versionActive,
  versionNotFound,
} from './errors.ts';
import { openFolder } from './folder-source.ts';
import { GENERIC_REVISION, genericBrand } from './generic-brand.ts';
import { importRepository } from './import-repository.ts';
import type { ImportProblem, RepositorySource, SourceOptions } from './repository-source.ts';
import { openZip } from './zip-source.ts';

/** Imports that are kept besides the active one, to go back to. */
const KEPT_IMPORTS = 2;

const NO_COUNTS = { brands: 0, models: 0, profiles: 0, codecs: 0, images: 0, problems: 0 };
const { cataloguePath, nowMs, task } = workerData as CatalogueWorkerData;
let cancelled = false;

const say = (message: CatalogueWorkerMessage): void => parentPort?.postMessage(message);

function fillBuiltIn(writer: CatalogueWriter): void {
  const before = writer.versions().filter(({ builtInRevision }) => builtInRevision > 0);
  const { brand, description, models, profiles } = genericBrand();
  const { brandId, name } = brand;
  const version = writer.begin({
    source: 'Gatehouse',
    importedAtMs: nowMs,
    builtInRevision: GENERIC_REVISION,
  });
  writer.transaction(() => {
    version.addBrand({
      brandId,
      name,
      description,
      message: toBinary(EndDeviceBrandSchema, brand),
    });
    for (const model of models)
      version.addModel({
        brandId,
        modelId: model.modelId,
        name: model.name,
        description: model.description,
        words: name,
        message: toBinary(EndDeviceModelSchema, model),
      });
    for (const [profileId, profile] of profiles)
      version.addProfile(brandId, profileId, JSON.stringify(profile));
  });
  const counts = { ...NO_COUNTS, brands: 1, models: models.length, profiles: profiles.size };
  writer.activate(version.id, counts);
  for (const { id } of before) writer.remove(id);
}

async function openSource(options: SourceOptions): Promise<RepositorySource> {
  const { sourceName } = task as Extract<CatalogueTask, { kind: 'import' }>;
  try {
    return (await stat(options.path)).isDirectory()
      ? await openFolder(options)
      : await openZip(options);
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    const isInside = error instanceof Error && 'path' in error && error.path !== options.path;
    const attributes = { source: sourceName, reason: errorText(error) };
    throw (isInside ? notARepository : sourceUnreadable)(attributes, { cause: error });
  }
}

/** Older imports than those that are kept. */
function superseded(writer: CatalogueWriter): number[] {
  return writer
    .versions()
    .filter(
      ({ builtInRevision, state }) => builtInRevision === 0 && state === CATALOGUE_STATE.complete,
    )
    .slice(KEPT_IMPORTS)
    .map(({ id }) => id);
}

/** Where even this fails, as on a full disk, the next task does it: what is not complete is never served. */
function takeBack(writer: CatalogueWriter, version: number): void {
  try {
    writer.remove(version);
  } catch {
    // The import's own error says why.
  }
}

async function runImport(
  writer: CatalogueWriter,
  { path, sourceName, limits }: Extract<CatalogueTask, { kind: 'import' }>,
): Promise<void> {
  let progress: ImportProgress = {
    phase: 'listing',
    brandsDone: 0,
    brandsTotal: 0,
    brandId: '',
    counts: NO_COUNTS,
  };
  const tell = (change: Partial<ImportProgress>): void => {
    progress = { ...progress, ...change };
    say({ type: 'progress', progress });
  };
  tell({});
  const problems: ImportProblem[] = [];
  const source = await openSource({
    path,
    limits,
    report: (file, code, text) => {
      if (problems.length <= limits.problems) problems.push({ path: file, code, text });
    },
  });
  const version = writer.begin({ source: sourceName, importedAtMs: nowMs, builtInRevision: 0 });
  try {
    const counts = await importRepository({
      source,
      sourceName,
      limits,
      problems,
      target: { version, transaction: writer.transaction },
      onBrand: (change) => tell({ phase: 'reading', ...change }),
      beforeModel() {
        if (cancelled) throw importCancelled();
      },
    });
    tell({ phase: 'activating', counts });
    writer.activate(version.id, counts);
  } catch (error) {
    takeBack(writer, version.id);
    throw error;
  } finally {
    await source.close();
  }
  for (const id of superseded(writer)) writer.remove(id);
  tell({ phase: 'done' });
}

async function run(writer: CatalogueWriter): Promise<void> {
  // What a crash left half filled.
  for (const { id, state } of writer.versions())
    if (state === CATALOGUE_STATE.filling) writer.remove(id);
  if (task.kind === 'built_in') return fillBuiltIn(writer);
  if (task.kind === 'import') return runImport(writer, task);
  const version = writer.versions().find(({ id }) => id === task.version);
  if (!version) throw versionNotFound({ version_id: task.version });
  if (version.builtInRevision > 0) throw versionActive({ version_id: task.version });
  if (task.kind === 'activate') writer.activate(task.version);
  else writer.remove(task.version);
}

function failure(error: unknown): TaskFailure {
  const known =
    error instanceof GatehouseError ? error : importFailed({ reason: errorText(error) });
  const { code, status, messageFormat, attributes } = known;
  return { code, status, messageFormat, attributes };
}

async function main(): Promise<void> {
  try {
    const writer = createCatalogueWriter(cataloguePath);
    try {
      await run(writer);
    } finally {
      writer.close();
    }
    say({ type: 'done' });
  } catch (error) {
    say({ type: 'failed', failure: failure(error) });
  }
  parentPort?.close();
}

parentPort?.on('message', (message: unknown) => {
  if (message === CANCEL) cancelled = true;
});
void main();
