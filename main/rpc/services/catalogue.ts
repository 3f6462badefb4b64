import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  Catalogue,
  CataloguePhase,
  CatalogueStatusSchema,
  type CatalogueVersionSchema,
  type ImportCatalogueProgress,
  ImportCatalogueProgressSchema,
  type ImportCatalogueRequest,
  ListCatalogueProblemsResponseSchema,
  UploadCatalogueResponseSchema,
} from '../../api/gen/gatehouse/v1/catalogue_pb.js';
import type { DeviceCatalogue, ImportProgress } from '../../registry/catalogue/index.ts';
import { CATALOGUE_STATE, type CatalogueVersionRow } from '../../store/index.ts';
import { type Served, serve } from '../router.ts';

const PHASES: Readonly<Record<ImportProgress['phase'], CataloguePhase>> = {
  listing: CataloguePhase.LISTING,
  reading: CataloguePhase.READING,
  activating: CataloguePhase.ACTIVATING,
  done: CataloguePhase.DONE,
};
const DEFAULT_PROBLEMS = 100;

const versionOf = (row: CatalogueVersionRow): MessageInitShape<typeof CatalogueVersionSchema> => ({
  id: BigInt(row.id),
  source: row.source,
  importedAt: timestampFromMs(row.importedAtMs),
  active: row.state === CATALOGUE_STATE.served,
  builtIn: row.builtInRevision > 0,
  counts: row.counts,
});

async function status(catalogue: DeviceCatalogue) {
  const versions = await catalogue.versions();
  return create(CatalogueStatusSchema, {
    versions: versions.map(versionOf),
    importing: catalogue.isBusy,
  });
}

async function* importProgress(
  catalogue: DeviceCatalogue,
  { source }: ImportCatalogueRequest,
  signal: AbortSignal,
): AsyncGenerator<ImportCatalogueProgress> {
  const from =
    source.case === 'uploadId' ? { uploadId: source.value } : { path: source.value ?? '' };
  for await (const { phase, ...progress } of catalogue.import(from, signal)) {
    const version =
      phase === 'done'
        ? (await catalogue.versions()).find(
            ({ state, builtInRevision }) =>
              state === CATALOGUE_STATE.served && builtInRevision === 0,
          )
        : undefined;
    yield create(ImportCatalogueProgressSchema, {
      ...progress,
      phase: PHASES[phase],
      ...(version && { version: versionOf(version) }),
    });
  }
}

/** Imports into the device catalogue, and earlier ones to go back to. */
export function catalogueService(catalogue: DeviceCatalogue): Served {
  return serve(Catalogue, {
    getStatus: () => status(catalogue),
    import: (request, { signal }) => importProgress(catalogue, request, signal),
    async upload(piece) {
      const { uploadId, size } = await catalogue.upload(piece);
      return create(UploadCatalogueResponseSchema, { uploadId, size: BigInt(size) });
    },
    async activateVersion({ versionId }) {
      await catalogue.activate(Number(versionId));
      return status(catalogue);
    },
    async deleteVersion({ versionId }) {
      await catalogue.remove(Number(versionId));
      return status(catalogue);
    },
    async listProblems({ versionId, limit, page }, call) {
      const size = limit || DEFAULT_PROBLEMS;
      const { rows, total } = await catalogue.problems(Number(versionId), {
        limit: size,
        offset: (Math.max(page, 1) - 1) * size,
      });
      call.setTotalCount(total);
      return create(ListCatalogueProblemsResponseSchema, { problems: rows });
    },
  });
}
