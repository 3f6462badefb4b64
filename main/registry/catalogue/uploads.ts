import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { repositoryTooLarge, uploadNotFound, uploadOffset } from './errors.ts';

export interface UploadPiece {
  /** Empty for the first piece. */
  readonly uploadId: string;
  readonly offset: bigint;
  readonly data: Uint8Array;
  readonly name: string;
}

/** Takes one file in pieces. Its bytes lie under a name of ours; the name it came with is only shown. */
export interface Uploads {
  add(piece: UploadPiece): Promise<{ readonly uploadId: string; readonly size: number }>;
  find(uploadId: string): { readonly path: string; readonly name: string };
  /** Forgets the file. */
  clear(): void;
}

interface Upload {
  readonly id: string;
  readonly name: string;
  size: number;
}

/** @param path where the bytes are kept; what a crash left there is removed */
export function createUploads(path: string, maxBytes: number): Uploads {
  let current: Upload | undefined;
  let last: Promise<unknown> = Promise.resolve();
  rmSync(path, { force: true });

  const write = async ({ uploadId, offset, data, name }: UploadPiece) => {
    const isNew = uploadId === '';
    const upload: Upload | undefined = isNew
      ? { id: randomUUID(), name: basename(name.replaceAll('\\', '/')) || 'upload', size: 0 }
      : current;
    if (!upload || (!isNew && upload.id !== uploadId))
      throw uploadNotFound({ upload_id: uploadId });
    if (offset !== BigInt(upload.size))
      throw uploadOffset({ offset: String(offset), size: upload.size });
    if (upload.size + data.length > maxBytes)
      throw repositoryTooLarge({ source: upload.name, what: 'bytes', limit: maxBytes });
    const handle = await open(path, isNew ? 'w' : 'r+', 0o600);
    try {
      await handle.write(data, 0, data.length, upload.size);
    } finally {
      await handle.close();
    }
    upload.size += data.length;
    current = upload;
    return { uploadId: upload.id, size: upload.size };
  };
  return {
    add(piece) {
      // Two pieces at once would write to the same place.
      const done = last.then(() => write(piece));
      last = done.catch(() => undefined);
      return done;
    },
    find(uploadId) {
      if (!current || current.id !== uploadId) throw uploadNotFound({ upload_id: uploadId });
      return { path, name: current.name };
    },
    clear() {
      current = undefined;
      rmSync(path, { force: true });
    },
  };
}
