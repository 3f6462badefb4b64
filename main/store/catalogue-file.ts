import type { CatalogueQuery, CatalogueRows } from './catalogue-queries.ts';
import { type CatalogueReader, createCatalogueReader } from './catalogue-reader.ts';
import { closed } from './errors.ts';
import type { StoreWorker } from './worker-client.ts';

/** The device catalogue: a file of its own, since everything in it can be imported again. It is made at its first use. */
export interface CatalogueFile {
  readonly path: string;
  /** Single rows; opens the file at the first call. */
  reader(): CatalogueReader;
  /** Pages of brands or models; the store worker searches. */
  list(query: CatalogueQuery): Promise<CatalogueRows>;
  close(): void;
}

/** The catalogue at a path, not opened yet. */
export function createCatalogueFile(path: string, worker: StoreWorker): CatalogueFile {
  let reader: CatalogueReader | undefined;
  let isClosed = false;
  const open = (): CatalogueReader => {
    if (isClosed) throw closed();
    reader ??= createCatalogueReader(path);
    return reader;
  };
  return {
    path,
    reader: open,
    async list(query) {
      open();
      return worker.call('listCatalogue', query);
    },
    close() {
      isClosed = true;
      reader?.close();
      reader = undefined;
    },
  };
}
