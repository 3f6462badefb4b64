import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
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
const MAX_INDEX_PATH = /^(?:[^/]+\/){0,3}vendor\/index\.yaml$/;

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
  const found = [...names].filter((name) => MAX_INDEX_PATH.test(name));
  const shortest = found.sort((a, b) => a.length - b.length)[0];
  return shortest?.slice(0, -'vendor/index.yaml'.length) ?? '';
}

async function readEntry(zip: ZipFile, entry: Entry, maxBytes: number): Promise<Uint8Array> {
  if (entry.uncompressedSize > maxBytes) throw tooLarge(maxBytes);
  const stream = await zip.openReadStreamPromise(entry);
  const chunks: Buffer[] = [];
  let size = 0;
  // The library ends a stream that gives more than the entry declares.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
  }
  const bytes = Buffer.concat(chunks, size);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function openArchive({ path, limits }: SourceOptions): Promise<ZipFile> {
  const { size } = await stat(path);
  if (size > limits.archiveBytes)
    throw repositoryTooLarge({ source: basename(path), what: 'bytes', limit: limits.archiveBytes });
  return yauzl.openPromise(path, { autoClose: false, decodeStrings: false });
}

/** A repository in a ZIP file, read in place: nothing of it is ever written to a path. */
export async function openZip(options: SourceOptions): Promise<RepositorySource> {
  let zip: ZipFile | undefined;
  try {
    zip = await openArchive(options);
    const opened = zip;
    const entries = await listEntries(opened, options);
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
      close: async () => opened.close(),
    };
  } catch (error) {
    zip?.close();
    if (error instanceof GatehouseError) throw error;
    throw sourceUnreadable(
      { source: basename(options.path), reason: errorText(error) },
      { cause: error },
    );
  }
}
