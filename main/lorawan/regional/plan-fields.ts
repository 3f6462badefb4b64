/** Reads fields of a document whose shape nobody has checked; what is wrong with it is gathered, not thrown. */

/** Kinds of what may be wrong with a plan that somebody wrote. */
export type PlanProblemCode =
  | 'wrong_type'
  | 'missing'
  | 'unknown_field'
  | 'duplicate_field'
  | 'out_of_range'
  | 'too_many'
  | 'unknown_band'
  | 'unknown_base'
  | 'out_of_band'
  | 'id_taken';

/** Something wrong with a plan. */
export interface PlanProblem {
  readonly code: PlanProblemCode;
  /** As it is written, e.g. `uplink-channels[2].frequency`; empty for the whole document. */
  readonly field: string;
  /** What is wrong, as the end of a sentence that begins with the field. */
  readonly text: string;
}

/** Fields of one object by their names in lower case with hyphens. */
export interface Fields {
  /** Path of a field in the document; of the object itself without a name. */
  path(name?: string): string;
  has(name: string): boolean;
  value(name: string): unknown;
}

/** Inclusive limits of a number. */
export interface NumberLimits {
  readonly min: number;
  readonly max: number;
  readonly isInteger?: boolean;
}

/** `min_data_rate`, `minDataRate` and `min-data-rate` are one name. */
const canonical = (name: string): string =>
  name
    .replaceAll('_', '-')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase();

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 40);

/** Reads one document. */
export interface DocumentReader {
  readonly problems: readonly PlanProblem[];
  problem(code: PlanProblemCode, field: string, text: string): undefined;
  /** An object with no other fields than these. */
  object(value: unknown, path: string, names: readonly string[]): Fields | undefined;
  number(fields: Fields, name: string, limits: NumberLimits): number | undefined;
  /** The same, but its absence is a problem. */
  requiredNumber(fields: Fields, name: string, limits: NumberLimits): number | undefined;
  text(fields: Fields, name: string, pattern: RegExp): string | undefined;
  flag(fields: Fields, name: string): boolean | undefined;
  /** Milliseconds from `400ms`, `1s`, `5us`, or from a number of nanoseconds. */
  durationMs(fields: Fields, name: string): number | undefined;
  /** Undefined if there is no such field; what an item cannot be read from is left out. */
  list<T>(
    fields: Fields,
    name: string,
    limit: number,
    read: (value: unknown, path: string) => T | undefined,
  ): readonly T[] | undefined;
}

const UNITS_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000 };
const LONGEST_DURATION_MS = 60_000;
/** Further ones tell nobody anything. */
const MAX_PROBLEMS = 20;
const LONGEST_FIELD = 120;

function fieldsOf(names: ReadonlyMap<string, string>, value: object, path: string): Fields {
  const at = (name: string): unknown => {
    const written = names.get(name);
    return written === undefined ? undefined : (value as Record<string, unknown>)[written];
  };
  return {
    path(name) {
      if (name === undefined) return path;
      const written = names.get(name) ?? name;
      return path === '' ? written : `${path}.${written}`;
    },
    has: (name) => at(name) !== undefined && at(name) !== null,
    value: at,
  };
}

/** Creates a reader. */
export function createDocumentReader(): DocumentReader {
  const problems: PlanProblem[] = [];
  const problem: DocumentReader['problem'] = (code, field, text) => {
    if (problems.length < MAX_PROBLEMS)
      problems.push({ code, field: field.slice(0, LONGEST_FIELD), text });
    return undefined;
  };
  const number: DocumentReader['number'] = (fields, name, { min, max, isInteger }) => {
    if (!fields.has(name)) return undefined;
    const value = fields.value(name);
    const path = fields.path(name);
    if (typeof value !== 'number' || !Number.isFinite(value))
      return problem('wrong_type', path, `must be a number, not ${shown(value)}`);
    if (isInteger && !Number.isInteger(value))
      return problem('wrong_type', path, `must be a whole number, not ${shown(value)}`);
    if (value < min || value > max)
      return problem('out_of_range', path, `must lie between ${min} and ${max}, not be ${value}`);
    return value;
  };
  return {
    problems,
    problem,
    number,
    object(value, path, names) {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return problem('wrong_type', path, 'must be an object with fields');
      const written = new Map<string, string>();
      for (const key of Object.keys(value)) {
        const name = canonical(key);
        const field = path === '' ? key : `${path}.${key}`;
        if (!names.includes(name)) problem('unknown_field', field, 'is no field of a plan');
        else if (written.has(name)) problem('duplicate_field', field, 'stands there twice');
        else written.set(name, key);
      }
      return fieldsOf(written, value, path);
    },
    requiredNumber(fields, name, limits) {
      if (fields.has(name)) return number(fields, name, limits);
      return problem('missing', fields.path(name), 'is missing');
    },
    text(fields, name, pattern) {
      if (!fields.has(name)) return undefined;
      const value = fields.value(name);
      if (typeof value === 'string' && pattern.test(value)) return value;
      return problem('wrong_type', fields.path(name), `cannot be ${shown(value)}`);
    },
    flag(fields, name) {
      if (!fields.has(name)) return undefined;
      const value = fields.value(name);
      if (typeof value === 'boolean') return value;
      return problem('wrong_type', fields.path(name), 'must be true or false');
    },
    durationMs(fields, name) {
      if (!fields.has(name)) return undefined;
      const value = fields.value(name);
      const match = /^(\d{1,9}(?:\.\d{1,9})?)(ns|us|µs|ms|s)$/.exec(String(value));
      const ms =
        typeof value === 'number'
          ? value * 1e-6
          : Number(match?.[1]) * (UNITS_MS[match?.[2] ?? ''] ?? 0);
      if (ms > 0 && ms <= LONGEST_DURATION_MS) return ms;
      const text = `must be a duration of at most a minute, such as 400ms, not ${shown(value)}`;
      return problem('wrong_type', fields.path(name), text);
    },
    list(fields, name, limit, read) {
      if (!fields.has(name)) return undefined;
      const value = fields.value(name);
      const path = fields.path(name);
      if (!Array.isArray(value)) return problem('wrong_type', path, 'must be a list');
      if (value.length > limit)
        return problem('too_many', path, `has ${value.length} entries; ${limit} are allowed`);
      return value.flatMap((item, index) => read(item, `${path}[${index}]`) ?? []);
    },
  };
}
