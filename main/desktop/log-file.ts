import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where log lines go. */
export interface LogDestination {
  write(line: string): void;
}

/**
 * A log file that is moved aside (`.1`) when it has grown to `maxBytes`. It is opened at the first line, and a file that
 * cannot be written loses lines but never stops the program.
 */
export function createLogFile(path: () => string, maxBytes = 4 * 1024 * 1024): LogDestination {
  let file: { readonly descriptor: number; readonly path: string; bytes: number } | undefined;
  const open = (at: string) => {
    mkdirSync(dirname(at), { recursive: true, mode: 0o700 });
    const descriptor = openSync(at, 'a', 0o600);
    return { descriptor, path: at, bytes: fstatSync(descriptor).size };
  };
  return {
    write(line) {
      try {
        file ??= open(path());
        if (file.bytes > 0 && file.bytes + line.length > maxBytes) {
          closeSync(file.descriptor);
          renameSync(file.path, `${file.path}.1`);
          file = open(file.path);
        }
        file.bytes += writeSync(file.descriptor, line);
      } catch {
        file = undefined;
      }
    },
  };
}
