import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorText } from '../../base/errors.ts';
import { repositoryTooLarge } from './errors.ts';
import {
  FileProblem,
  LONGEST_PATH,
  MOST_FOLDERS,
  missing,
  type RepositorySource,
  type SourceOptions,
  tooLarge,
} from './repository-source.ts';

async function listFiles(root: string, options: SourceOptions): Promise<ReadonlySet<string>> {
  const { limits, report, path: source } = options;
  const files = new Set<string>();
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      entries += 1;
      if (entries > limits.entries)
        throw repositoryTooLarge({
          source: basename(source),
          what: 'files',
          limit: limits.entries,
        });
      const path = `${folder}/${entry.name}`;
      if (entry.isSymbolicLink()) report(path, 'link', 'Links are not followed.');
      else if (path.length > LONGEST_PATH) report(path, 'path', 'The name is too long.');
      else if (entry.isFile()) files.add(path);
      else if (entry.isDirectory() && depth < MOST_FOLDERS) await walk(path, depth + 1);
      else report(path, 'path', 'This is no file, or lies too deep.');
    }
  };
  await walk('vendor', 1);
  return files;
}

/** A repository in a folder. The folder may also be its `vendor` folder. Links are never followed. */
export async function openFolder(options: SourceOptions): Promise<RepositorySource> {
  const { path } = options;
  const root = basename(path) === 'vendor' ? dirname(path) : path;
  const files = await listFiles(root, options);
  return {
    has: (file) => files.has(file),
    async read(file, maxBytes) {
      if (!files.has(file)) throw missing();
      try {
        const handle = await open(
          join(root, file),
          constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0),
        );
        try {
          const { size } = await handle.stat();
          if (size > maxBytes) throw tooLarge(maxBytes);
          const buffer = Buffer.alloc(size);
          const { bytesRead } = await handle.read(buffer, 0, size, 0);
          return new Uint8Array(buffer.buffer, buffer.byteOffset, bytesRead);
        } finally {
          await handle.close();
        }
      } catch (error) {
        if (error instanceof FileProblem) throw error;
        throw new FileProblem('unreadable', `The file cannot be read: ${errorText(error)}`, {
          cause: error,
        });
      }
    },
    close: () => Promise.resolve(),
  };
}
