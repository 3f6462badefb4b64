import { useRef, useState } from 'react';
import {
  CataloguePhase,
  type CatalogueStatus,
  type CatalogueVersion,
  type ImportCatalogueProgress,
} from '../../../main/api/gen/gatehouse/v1/catalogue_pb.js';
import type {
  EndDeviceBrand,
  EndDeviceModel,
} from '../../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import type { Api } from '../../client/api.ts';
import { useApi } from '../../client/api-context.ts';
import { type Problem, toProblem } from '../../client/problem.ts';
import { type Load, useLoad } from '../../state/use-load.ts';

export const MODELS_PER_PAGE = 24;
const LIST_FIELDS = ['name', 'description', 'photos', 'sensors'];
/** The server takes no larger pieces. */
const PIECE_BYTES = 4 * 1024 * 1024;

export interface ModelPage {
  readonly models: readonly EndDeviceModel[];
  readonly total: number;
}

export interface ModelQuery {
  readonly search: string;
  readonly brandId: string;
  /** From 1. */
  readonly page: number;
  /** Changes with every import. */
  readonly version: string;
}

/** One page of models. */
export function useModels({ search, brandId, page, version }: ModelQuery): Load<ModelPage> {
  const api = useApi();
  return useLoad(
    `${brandId}/${page}/${search}`,
    async (signal) => {
      let total = 0;
      const { models } = await api.catalogue.listModels(
        { search, brandId, page, limit: MODELS_PER_PAGE, fieldMask: { paths: LIST_FIELDS } },
        {
          signal,
          onHeader: (headers) => {
            total = Number(headers.get('x-total-count') ?? 0);
          },
        },
      );
      return { models, total };
    },
    version,
  );
}

/** Every brand by name. */
export function useBrands(version: string): Load<readonly EndDeviceBrand[]> {
  const api = useApi();
  return useLoad(
    'brands',
    async (signal) => {
      const request = { orderBy: 'name', fieldMask: { paths: ['name', 'logo', 'website'] } };
      return (await api.catalogue.listBrands(request, { signal })).brands;
    },
    version,
  );
}

/** Imports there are. */
export function useCatalogueStatus(): Load<CatalogueStatus> {
  const api = useApi();
  return useLoad('catalogue', (signal) => api.catalogueImports.getStatus({}, { signal }));
}

/** Where an import reads from. */
export type ImportSource = { readonly path: string } | { readonly file: File };

async function upload(
  api: Api,
  file: File,
  signal: AbortSignal,
  onSent: (share: number) => void,
): Promise<string> {
  let uploadId = '';
  let offset = 0;
  do {
    const piece = await file.slice(offset, offset + PIECE_BYTES).arrayBuffer();
    const request = {
      uploadId,
      offset: BigInt(offset),
      data: new Uint8Array(piece),
      name: file.name,
    };
    ({ uploadId } = await api.catalogueImports.upload(request, { signal }));
    offset += piece.byteLength;
    onSent(file.size === 0 ? 1 : offset / file.size);
  } while (offset < file.size);
  return uploadId;
}

export type ImportState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'uploading'; readonly share: number }
  | { readonly kind: 'importing'; readonly progress: ImportCatalogueProgress | undefined }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'done'; readonly version: CatalogueVersion | undefined };

export interface RunningImport {
  readonly state: ImportState;
  start(source: ImportSource): void;
  /** Ends what runs; the catalogue stays as it was. */
  cancel(): void;
  reset(): void;
}

async function run(
  api: Api,
  source: ImportSource,
  signal: AbortSignal,
  set: (state: ImportState) => void,
): Promise<void> {
  let from: { case: 'path' | 'uploadId'; value: string };
  if ('path' in source) from = { case: 'path', value: source.path };
  else {
    set({ kind: 'uploading', share: 0 });
    const value = await upload(api, source.file, signal, (share) =>
      set({ kind: 'uploading', share }),
    );
    from = { case: 'uploadId', value };
  }
  set({ kind: 'importing', progress: undefined });
  for await (const progress of api.catalogueImports.import({ source: from }, { signal })) {
    if (progress.phase === CataloguePhase.DONE) set({ kind: 'done', version: progress.version });
    else set({ kind: 'importing', progress });
  }
}

/** One import at a time, with its upload. */
export function useImport(onDone: () => void): RunningImport {
  const api = useApi();
  const [state, setState] = useState<ImportState>({ kind: 'idle' });
  const control = useRef<AbortController>(undefined);
  return {
    state,
    start(source) {
      const current = new AbortController();
      control.current = current;
      const set = (next: ImportState): void => {
        if (!current.signal.aborted) setState(next);
      };
      run(api, source, current.signal, set).then(onDone, (error: unknown) =>
        set({ kind: 'failed', problem: toProblem(error) }),
      );
    },
    cancel() {
      control.current?.abort();
      setState({ kind: 'idle' });
    },
    reset: () => setState({ kind: 'idle' }),
  };
}
