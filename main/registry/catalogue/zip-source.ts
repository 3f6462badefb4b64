import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { errorText, GatehouseError } from '../../base/errors.ts';
import { repositoryTooLarge, sourceUnreadable } from './errors.ts';
import {
  FileProblem,
  LONGEST_PATH,
  MOST_FOLDERS,
  missing,
  type RepositorySource,
  type SourceOptions,
  tooLarge,
} from './repository-source.ts';

/** Upper half of the external attributes on Unix: type of the file. */
const FILE_TYPE = 0xf000;
const SYMBOLIC_LINK = 0xa000;
const REGULAR_FILE = 0x8000;
const MADE_ON_UNIX = 3;
const INDEX_PATH = /^(?:[^/]+\/){0,3}vendor\/index\.yaml$/;

/** Why an entry is not taken; undefined if it is a file that can be. */
function refusal(
  entry: Entry,
  name: string,
): { code: 'path' | 'link' | 'encrypted'; text: string } | undefined {
  const unsafe = yauzl.validateFileName(name);
  if (unsafe !== null) return { code: 'path', text: 'The name leads out of the archive.' };
  if (
    name.includes('\0') ||
    name.length > LONGEST_PATH ||
    name.split('/').length > MOST_FOLDERS + 2
  )
    return { code: 'path', text: 'The name is too long, too deep or has a zero byte.' };
  const type =
    entry.versionMadeBy >> 8 === MADE_ON_UNIX
      ? (entry.externalFileAttributes >>> 16) & FILE_TYPE
      : 0;
  if (type === SYMBOLIC_LINK) return { code: 'link', text: 'Links are not followed.' };
  if (type !== 0 && type !== REGULAR_FILE) return { code: 'path', text: 'This is no file.' };
  if (!entry.canDecodeFileData())
    return { code: 'encrypted', text: 'The file is encrypted or packed in an unusual way.' };
  return undefined;
}

/** Entries by name, with every limit of the archive as a whole checked against what it declares. */
async function listEntries(
  zip: ZipFile,
  { path, limits, report }: SourceOptions,
): Promise<Map<string, Entry>> {
  const source = basename(path);
  if (zip.entryCount > limits.entries)
    throw repositoryTooLarge({ source, what: 'files', limit: limits.entries });
  const entries = new Map<string, Entry>();
  let count = 0;
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    count += 1;
    total += entry.uncompressedSize;
    if (count > limits.entries)
      throw repositoryTooLarge({ source, what: 'files', limit: limits.entries });
    if (total > limits.totalBytes)
      throw repositoryTooLarge({ source, what: 'bytes', limit: limits.totalBytes });
    const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry;
    const name = yauzl.getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, false);
    if (name.endsWith('/')) continue;
    const refused = refusal(entry, name);
    if (refused) report(name.slice(0, LONGEST_PATH), refused.code, refused.text);
    else if (entries.has(name))
      report(name, 'duplicate', 'The archive has this file twice; the first counts.');
    else entries.set(name, entry);
  }
  return entries;
}

/** Folder inside the archive that holds `vendor`: "" or such as "lorawan-devices-master/". */
function rootOf(names: Iterable<string>): string {
  const found = [...names].filter((name) => INDEX_PATH.test(name));
  const shortest = found.sort((a, b) => a.length - b.length)[0];
  return shortest?.slice(0, -'vendor/index.yaml'.length) ?? '';
}

/** Method 0: the bytes as they are. */
const STORED = 0;

interface Archive {
  readonly zip: ZipFile;
  readonly descriptor: number;
}

/**
 * Unpacks one entry. It is small and this thread may wait, so that one read and one call are quicker than streams. What
 * unpacks to another size than the entry declares is not unpacked further.
 */
async function readEntry(
  { zip, descriptor }: Archive,
  entry: Entry,
  maxBytes: number,
): Promise<Uint8Array> {
  const { compressedSize, uncompressedSize } = entry;
  if (Math.max(compressedSize, uncompressedSize) > maxBytes) throw tooLarge(maxBytes);
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const packed = Buffer.alloc(compressedSize);
  const read = readSync(descriptor, packed, 0, compressedSize, fileDataStart);
  const bytes =
    entry.compressionMethod === STORED || uncompressedSize === 0
      ? packed.subarray(0, uncompressedSize)
      : inflateRawSync(packed, { maxOutputLength: uncompressedSize });
  if (read !== compressedSize || bytes.length !== uncompressedSize || crc32(bytes) !== entry.crc32)
    throw new FileProblem('unreadable', 'The file is damaged: its size or checksum is wrong.');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function openArchive({ path, limits }: SourceOptions): Promise<Archive> {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size > limits.archiveBytes) {
      const source = basename(path);
      throw repositoryTooLarge({ source, what: 'bytes', limit: limits.archiveBytes });
    }
    const zip = await yauzl.fromFdPromise(descriptor, { autoClose: false, decodeStrings: false });
    return { zip, descriptor };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** A repository in a ZIP file, read in place: nothing of it is ever written to a path. */
export async function openZip(options: SourceOptions): Promise<RepositorySource> {
  let archive: Archive | undefined;
  try {
    const opened = await openArchive(options);
    archive = opened;
    const entries = await listEntries(opened.zip, options);
    const root = rootOf(entries.keys());
    return {
      has: (path) => entries.has(root + path),
      async read(path, maxBytes) {
        const entry = entries.get(root + path);
        if (!entry) throw missing();
        try {
          return await readEntry(opened, entry, maxBytes);
        } catch (error) {
          if (error instanceof FileProblem) throw error;
          throw new FileProblem('unreadable', `The file cannot be unpacked: ${errorText(error)}`, {
            cause: error,
          });
        }
      },
      close: async () => opened.zip.close(),
    };
  } catch (error) {
    archive?.zip.close();
    if (error instanceof GatehouseError) throw error;
    throw sourceUnreadable(
      { source: basename(options.path), reason: errorText(error) },
      { cause: error },
    );
  }
}
