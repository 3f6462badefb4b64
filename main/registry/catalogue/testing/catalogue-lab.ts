/** A catalogue over a store of its own, with its real worker. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../base/clock.ts';
import { silentLogger } from '../../../base/logger.ts';
import { createStore, type Store } from '../../../store/index.ts';
import {
  createDeviceCatalogue,
  type DeviceCatalogue,
  type ImportLimits,
  type ImportProgress,
  type ImportSource,
} from '../index.ts';
import type { ZipEntry } from './zip-builder.ts';

/** A repository of our own making, with everything a repository can have and much that it should not. */
export const REPOSITORY = fileURLToPath(new URL('../testdata/repository', import.meta.url));

export interface CatalogueLab {
  readonly catalogue: DeviceCatalogue;
  readonly store: Store;
  /** Imports and answers every progress. */
  import(source: ImportSource, signal?: AbortSignal): Promise<ImportProgress[]>;
  /** Imports and answers the lines of the report as `path: code`. */
  report(source: ImportSource): Promise<string[]>;
  close(): Promise<void>;
}

export async function createCatalogueLab(
  directory = ':memory:',
  limits?: ImportLimits,
): Promise<CatalogueLab> {
  const clock = systemClock();
  const store = await createStore({ directory, clock, logger: silentLogger() });
  const catalogue = createDeviceCatalogue({ store, clock, ...(limits && { limits }) });
  const importAll: CatalogueLab['import'] = async (source, signal) => {
    const progress: ImportProgress[] = [];
    for await (const one of catalogue.import(source, signal ?? new AbortController().signal))
      progress.push(one);
    return progress;
  };
  return {
    catalogue,
    store,
    import: importAll,
    async report(source) {
      await importAll(source);
      const newest = (await catalogue.versions())[0];
      const { rows } = await catalogue.problems(newest?.id ?? 0, { limit: 1_000, offset: 0 });
      return rows.map(({ path, code }) => `${path}: ${code}`);
    },
    async close() {
      await catalogue.close();
      await store.close();
    },
  };
}

/** Files of a folder as entries of a ZIP file. */
export function entriesOf(folder: string, prefix = ''): ZipEntry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return {
        name: prefix + relative(folder, path).replaceAll('\\', '/'),
        data: readFileSync(path),
      };
    });
}

/** The smallest repository: one brand with these files. */
export function oneBrand(files: Readonly<Record<string, string | Uint8Array>>): ZipEntry[] {
  return [
    { name: 'vendor/index.yaml', data: 'vendors: [{ id: acme, name: Acme, vendorID: 9 }]' },
    ...Object.entries(files).map(([name, data]) => ({ name: `vendor/acme/${name}`, data })),
  ];
}

/** Writes entries as files below a folder. */
export function writeFiles(folder: string, entries: readonly ZipEntry[]): void {
  for (const { name, data = '' } of entries) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), data);
  }
}
