import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineError, errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { openOwnPlans } from '../lorawan/index.ts';
import {
  type PlanFileProblem,
  type PlanFileStatus,
  type PlanSource,
  plansOf,
} from './plan-candidates.ts';

const invalidFile = defineError(
  'gatehouse/frequency-plans:invalid_file',
  'INVALID_ARGUMENT',
  'The frequency plan was not taken. {place}: {reason}.',
);
const badName = defineError(
  'gatehouse/frequency-plans:bad_name',
  'INVALID_ARGUMENT',
  'A file with a frequency plan needs a name of letters, digits, dots, hyphens and underscores that ends in .yaml, .yml or .json, not {name}.',
);
const fileNotFound = defineError(
  'gatehouse/frequency-plans:not_found',
  'NOT_FOUND',
  'There is no file {name} among your frequency plans.',
);
const planInUse = defineError(
  'gatehouse/frequency-plans:in_use',
  'FAILED_PRECONDITION',
  'The frequency plan {id} is in use by {user}. Choose another one there first.',
);

/** Folder inside the data folder. */
export const PLAN_FOLDER = 'frequency-plans';
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,74}\.(?:ya?ml|json)$/;
const MAX_FILE_BYTES = 65_536;
const MAX_FILES = 200;

export interface PlanFilesOptions {
  /** Data folder. */
  readonly directory: string;
  readonly logger: Logger;
  /** Who uses a plan, in words; undefined if nobody does. */
  readonly userOf: (planId: string) => string | undefined;
  /** Called once other plans count than before. */
  readonly onChange: () => void;
}

/** Frequency plans of the user: files in the data folder, offered beside the built-in plans. */
export interface PlanFiles {
  readonly directory: string;
  list(): readonly PlanFileStatus[];
  /**
   * Reads the folder. What is wrong with a file is told in its status and in one line of the log; it takes no other file
   * with it. Never rejects.
   */
  load(): Promise<void>;
  /** Keeps a file. Rejects with `bad_name`, or with `invalid_file` that names field and line, and then keeps nothing. */
  import(name: string, text: string): Promise<PlanFileStatus>;
  /** Rejects with `not_found`, or with `in_use` while something uses one of its plans. */
  delete(name: string): Promise<void>;
  /** Takes the plans away. */
  close(): void;
}

const noText = (name: string, code: PlanFileProblem['code'], text: string): PlanSource => ({
  name,
  problem: { code, field: '', line: undefined, text },
});
const tooLarge = (name: string): PlanSource =>
  noText(name, 'too_large', `is larger than ${MAX_FILE_BYTES} bytes`);

async function readSource(folder: string, name: string): Promise<PlanSource> {
  try {
    const path = join(folder, name);
    const found = await stat(path);
    // Of whatever else bears the name, reading might never end.
    if (!found.isFile()) return noText(name, 'no_file', 'is no regular file');
    if (found.size > MAX_FILE_BYTES) return tooLarge(name);
    return { name, text: await readFile(path, 'utf8') };
  } catch (error) {
    return noText(name, 'no_file', `cannot be read: ${errorText(error)}`);
  }
}

/** Where in which file, and what is wrong. */
function inWords(name: string, { field, line, text }: PlanFileProblem) {
  const place = [name, ...(line === undefined ? [] : [`line ${line}`])].join(', ');
  return { place, reason: field === '' ? text : `${field} ${text}` };
}

/** Opens the place for the user's frequency plans. */
export function createPlanFiles(options: PlanFilesOptions): PlanFiles {
  const { directory, logger, userOf } = options;
  const folder = join(directory, PLAN_FOLDER);
  const ownPlans = openOwnPlans();
  let sources: readonly PlanSource[] = [];
  let files: readonly PlanFileStatus[] = [];

  const take = (next: readonly PlanSource[]): void => {
    const read = plansOf(next);
    sources = next;
    files = read.files;
    ownPlans.replace(read.plans);
    options.onChange();
  };
  const statusOf = (all: readonly PlanFileStatus[], name: string): PlanFileStatus =>
    all.find((one) => one.name === name) ?? { name, planIds: [], problems: [] };
  const refuseIfUsed = (planIds: readonly string[]): void => {
    for (const id of planIds) {
      const user = userOf(id);
      if (user !== undefined) throw planInUse({ id, user });
    }
  };

  return {
    directory: folder,
    list: () => files,
    async load() {
      const names = await readdir(folder).catch(() => []);
      const known = names.filter((name) => NAME.test(name)).sort();
      if (known.length > MAX_FILES)
        logger.warn({ files: known.length, limit: MAX_FILES }, 'too many frequency plan files');
      const read: PlanSource[] = [];
      for (const name of known.slice(0, MAX_FILES)) read.push(await readSource(folder, name));
      take(read);
      for (const { name, problems } of files) {
        const [first] = problems;
        if (!first) continue;
        const { place, reason } = inWords(name, first);
        const fields = { problem: first.code, problems: problems.length };
        logger.warn(fields, `a frequency plan is not offered: ${place}: ${reason}`);
      }
    },
    async import(name, text) {
      if (!NAME.test(name)) throw badName({ name });
      const source = Buffer.byteLength(text) > MAX_FILE_BYTES ? tooLarge(name) : { name, text };
      const next = [...sources.filter((one) => one.name !== name), source];
      const read = plansOf(next);
      const status = statusOf(read.files, name);
      const [problem] = status.problems;
      if (problem)
        throw invalidFile({
          ...inWords(name, problem),
          problem: problem.code,
          field: problem.field,
          ...(problem.line !== undefined && { line: problem.line }),
        });
      const offered = new Set(read.plans.map(({ id }) => id));
      refuseIfUsed(statusOf(files, name).planIds.filter((id) => !offered.has(id)));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Whoever loses power in between has the old file or the new one, never half of one.
      const temporary = join(folder, `.${randomUUID()}`);
      await writeFile(temporary, text, { mode: 0o600, flush: true });
      await rename(temporary, join(folder, name));
      take(next);
      return status;
    },
    async delete(name) {
      if (!sources.some((one) => one.name === name)) throw fileNotFound({ name });
      refuseIfUsed(statusOf(files, name).planIds);
      await rm(join(folder, name), { force: true });
      take(sources.filter((one) => one.name !== name));
    },
    close: ownPlans.release,
  };
}
