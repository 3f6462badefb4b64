import {
  builtInPlans,
  type FrequencyPlan,
  type PlanProblemCode,
  readPlanDocument,
} from '../lorawan/index.ts';
import { readPlanText } from './plan-yaml.ts';

/** Why a file, or a plan in it, is not offered. */
export interface PlanFileProblem {
  readonly code: PlanProblemCode | 'syntax' | 'too_large' | 'no_file';
  /** As it is written; empty for the whole file. */
  readonly field: string;
  /** From 1, if it is known. */
  readonly line: number | undefined;
  readonly text: string;
}

/** A file of the user and what came of it. */
export interface PlanFileStatus {
  readonly name: string;
  readonly planIds: readonly string[];
  readonly problems: readonly PlanFileProblem[];
}

/** A file as it was read: its text, or why there is none. */
export interface PlanSource {
  readonly name: string;
  readonly text?: string;
  readonly problem?: PlanFileProblem;
}

/** Something that should become a plan. */
interface Candidate {
  /** File that is told what comes of it. */
  readonly file: string;
  readonly document: unknown;
  readonly fallbackId: string;
  readonly defaults?: Readonly<Record<string, unknown>>;
  lineOf(path: string): number | undefined;
}

/** Plans that all files together may hold. */
const MAX_PLANS = 200;

const problemOf = (
  code: PlanFileProblem['code'],
  text: string,
  field = '',
  line?: number,
): PlanFileProblem => ({ code, field, line, text });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const withoutExtension = (name: string): string => name.replace(/\.[^.]*$/, '');

type Report = (file: string, problem: PlanFileProblem) => void;

interface Readable {
  readonly name: string;
  readonly document: unknown;
  lineOf(path: string): number | undefined;
}

/** Entries of an index, as the published plans have one: each a plan of its own, or one whose values lie in another file. */
function indexed(
  index: Readable & { readonly document: readonly unknown[] },
  files: ReadonlyMap<string, Readable>,
  report: Report,
): { readonly candidates: readonly Candidate[]; readonly used: readonly string[] } {
  const used: string[] = [];
  const candidates = index.document.flatMap((entry, position): Candidate[] => {
    const path = `[${position}]`;
    const about = (field: string) => (field === '' ? path : `${path}.${field}`);
    const lineOf = (field: string) => index.lineOf(about(field));
    if (!isObject(entry)) {
      report(
        index.name,
        problemOf('wrong_type', 'must be an object with fields', path, lineOf('')),
      );
      return [];
    }
    const { file: name, ...defaults } = entry;
    const fallbackId = typeof entry.id === 'string' ? entry.id : '';
    if (name === undefined) return [{ file: index.name, document: entry, fallbackId, lineOf }];
    const file = typeof name === 'string' ? files.get(name) : undefined;
    if (!file || !isObject(file.document)) {
      const text = 'names no file with a plan in this folder';
      report(index.name, problemOf('missing', text, about('file'), lineOf('file')));
      return [];
    }
    used.push(file.name);
    const { document } = file;
    return [{ file: file.name, document, fallbackId, defaults, lineOf: file.lineOf }];
  });
  return { candidates, used };
}

/** Every plan the files seem to hold. What an index names is not a plan by itself. */
function candidatesOf(readable: readonly Readable[], report: Report): readonly Candidate[] {
  const files = new Map(readable.map((file) => [file.name, file] as const));
  const used = new Set<string>();
  const fromIndexes = readable.flatMap((file) => {
    const { document } = file;
    if (!Array.isArray(document)) return [];
    const found = indexed({ ...file, document }, files, report);
    for (const name of found.used) used.add(name);
    used.add(file.name);
    return found.candidates;
  });
  const alone = readable
    .filter(({ name }) => !used.has(name))
    .map(({ name, document, lineOf }) => ({
      file: name,
      document,
      fallbackId: withoutExtension(name),
      lineOf,
    }));
  const all = [...fromIndexes, ...alone];
  for (const { file } of all.slice(MAX_PLANS))
    report(file, problemOf('too_many', `the files hold more than ${MAX_PLANS} plans`));
  return all.slice(0, MAX_PLANS);
}

/** Reads candidates until none is left that may still find the plan it is based on. */
function resolved(
  candidates: readonly Candidate[],
  report: Report,
): readonly { readonly file: string; readonly plan: FrequencyPlan }[] {
  const builtIn = new Map(builtInPlans().map((plan) => [plan.id, plan] as const));
  const own = new Map<string, FrequencyPlan>();
  const findPlan = (id: string) => builtIn.get(id) ?? own.get(id);
  const found: { file: string; plan: FrequencyPlan }[] = [];
  /** Whether nothing more can come of it. */
  const settle = (candidate: Candidate, isLast: boolean): boolean => {
    const { file, lineOf } = candidate;
    const reading = readPlanDocument(candidate.document, { ...candidate, findPlan });
    if (reading.ok) {
      const { plan } = reading;
      if (findPlan(plan.id)) {
        const text = `there is another plan ${plan.id}; give this one an id of its own`;
        report(file, problemOf('id_taken', text, 'id', lineOf('id')));
      } else {
        own.set(plan.id, plan);
        found.push({ file, plan });
      }
      return true;
    }
    if (!isLast && reading.problems.some(({ code }) => code === 'unknown_base')) return false;
    for (const { code, field, text } of reading.problems)
      report(file, problemOf(code, text, field, lineOf(field)));
    return true;
  };
  let waiting = candidates;
  for (let before = Number.POSITIVE_INFINITY; waiting.length < before; ) {
    before = waiting.length;
    waiting = waiting.filter((candidate) => !settle(candidate, false));
  }
  for (const candidate of waiting) settle(candidate, true);
  return found;
}

/** Plans out of the files, with what each file offers and what is wrong with it. Plans may be based on one another. */
export function plansOf(sources: readonly PlanSource[]): {
  readonly plans: readonly FrequencyPlan[];
  readonly files: readonly PlanFileStatus[];
} {
  const problems = new Map<string, PlanFileProblem[]>(sources.map(({ name }) => [name, []]));
  const report: Report = (file, problem) => void problems.get(file)?.push(problem);
  const readable = sources.flatMap(({ name, text, problem }): Readable[] => {
    if (problem) report(name, problem);
    const read = text === undefined ? undefined : readPlanText(text);
    if (read?.ok) return [{ name, document: read.document, lineOf: read.lineOf }];
    if (read) report(name, problemOf('syntax', read.reason, '', read.line));
    return [];
  });
  const found = resolved(candidatesOf(readable, report), report);
  return {
    plans: found.map(({ plan }) => plan),
    files: sources.map(({ name }) => ({
      name,
      planIds: found.filter(({ file }) => file === name).map(({ plan }) => plan.id),
      problems: problems.get(name) ?? [],
    })),
  };
}
