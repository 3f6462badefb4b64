import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import envPaths from 'env-paths';
import { defineError, errorText } from '../base/errors.ts';

export const unusableDirectory = defineError(
  'gatehouse/shell:unusable_directory',
  'FAILED_PRECONDITION',
  'The data folder {directory} cannot be used: {reason}. Choose another with --data-dir.',
);

/**
 * The folder everything is kept in, created if need be: the given one, or the platform's application data folder.
 * Unpackaged runs get a folder of their own, so that trying out a clone never touches real data.
 */
export function dataDirectory(given: string | undefined, packaged: boolean): string {
  const directory = given
    ? resolve(given)
    : envPaths(packaged ? 'gatehouse' : 'gatehouse-dev', { suffix: '' }).data;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusableDirectory({ directory, reason: errorText(error) }, { cause: error });
  }
  return directory;
}
