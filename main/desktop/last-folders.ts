import { readFileSync, writeFileSync } from 'node:fs';
import type { FilePurpose } from '../../preload/capability.ts';

/** The folder last used for each purpose. The system no longer remembers it for us. */
export interface LastFolders {
  get(purpose: FilePurpose): string | undefined;
  set(purpose: FilePurpose, folder: string): void;
}

/** Keeps the folders in a JSON file; a file that cannot be read or written only forgets. */
export function createLastFolders(path: string): LastFolders {
  const folders = new Map<string, string>();
  try {
    const saved: unknown = JSON.parse(readFileSync(path, 'utf8'));
    for (const [purpose, folder] of Object.entries(saved ?? {})) {
      if (typeof folder === 'string') folders.set(purpose, folder);
    }
  } catch {
    folders.clear();
  }
  return {
    get: (purpose) => folders.get(purpose),
    set(purpose, folder) {
      if (folders.get(purpose) === folder) return;
      folders.set(purpose, folder);
      try {
        writeFileSync(path, JSON.stringify(Object.fromEntries(folders)));
      } catch {
        // Remembered until the program ends.
      }
    },
  };
}
