import { FileProblem } from './repository-source.ts';

/** Fields of a YAML mapping whose scalars are texts. Empty texts, `~` and `null` count as absent. */
export type Fields = Readonly<Record<string, unknown>>;

const own = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The document as a mapping. */
export function fieldsOf(value: unknown): Fields {
  if (!isFields(value)) throw new FileProblem('yaml', 'The file is no mapping of fields.');
  return value;
}

/** Reads fields of one mapping; what is set but no good is told to `wrong` and counts as absent. */
export interface FieldReader {
  text(name: string): string;
  /** An http or https address. */
  url(name: string): string;
  number(
    name: string,
    range?: { readonly min?: number; readonly max?: number },
  ): number | undefined;
  /** A whole number from 0 to `max`. */
  whole(name: string, max?: number): number | undefined;
  flag(name: string): boolean | undefined;
  texts(name: string): string[];
  child(name: string): FieldReader | undefined;
  children(name: string): FieldReader[];
  /** Members of a mapping of mappings. */
  entries(name: string): [key: string, reader: FieldReader][];
}

const LONGEST_TEXT = 4_096;
const MOST_ITEMS = 10_000;

function scalar(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text === '~' || text === 'null' ? undefined : text;
}

const isAbsent = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && scalar(value) === undefined);

/** Tells that a field is no good, and reads as absent. */
type Refuse = (name: string) => undefined;

type ScalarReader = Pick<FieldReader, 'text' | 'url' | 'number' | 'whole' | 'flag'>;

function readScalars(fields: Fields, refuse: Refuse): ScalarReader {
  const scalarOf = (name: string): string | undefined => {
    const value = own(fields, name);
    if (isAbsent(value)) return undefined;
    const text = scalar(value);
    return text !== undefined && text.length <= LONGEST_TEXT ? text : refuse(name);
  };
  const number = (name: string, accept: (value: number) => boolean): number | undefined => {
    const text = scalarOf(name);
    if (text === undefined) return undefined;
    const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    return Number.isFinite(value) && accept(value) ? value : refuse(name);
  };
  return {
    text: (name) => scalarOf(name) ?? '',
    url(name) {
      const text = scalarOf(name);
      if (text === undefined) return '';
      return (/^https?:\/\//i.test(text) && URL.canParse(text) ? text : refuse(name)) ?? '';
    },
    number: (name, { min = -Infinity, max = Infinity } = {}) =>
      number(name, (value) => value >= min && value <= max),
    whole: (name, max = 0xffff_ffff) =>
      number(name, (value) => Number.isInteger(value) && value >= 0 && value <= max),
    flag(name) {
      const text = scalarOf(name)?.toLowerCase();
      if (text === undefined) return undefined;
      return text === 'true' ? true : text === 'false' ? false : refuse(name);
    },
  };
}

/** @param wrong is given the path of a field that is no good */
export function readFields(fields: Fields, wrong: (field: string) => void, at = ''): FieldReader {
  const refuse: Refuse = (name) => {
    wrong(`${at}${name}`);
    return undefined;
  };
  const inside = (value: unknown, path: string): FieldReader | undefined =>
    isFields(value) ? readFields(value, wrong, `${at}${path}.`) : refuse(path);
  const listOf = (name: string): unknown[] => {
    const value = own(fields, name);
    if (isAbsent(value)) return [];
    if (!Array.isArray(value) || value.length > MOST_ITEMS) return refuse(name) ?? [];
    return value;
  };
  return {
    ...readScalars(fields, refuse),
    texts(name) {
      const items = listOf(name).map(scalar);
      const good = items.filter((item) => item !== undefined && item.length <= LONGEST_TEXT);
      if (good.length < items.length) refuse(name);
      return [...new Set(good)] as string[];
    },
    child(name) {
      const value = own(fields, name);
      return isAbsent(value) ? undefined : inside(value, name);
    },
    children: (name) =>
      listOf(name).flatMap((item, index) => inside(item, `${name}[${index}]`) ?? []),
    entries(name) {
      const value = own(fields, name);
      if (isAbsent(value)) return [];
      if (!isFields(value) || Object.keys(value).length > MOST_ITEMS) return refuse(name) ?? [];
      return Object.entries(value).flatMap(([key, inner]): [string, FieldReader][] => {
        const reader = inside(inner, `${name}.${key}`);
        return reader ? [[key, reader]] : [];
      });
    },
  };
}

const ID = /^[a-z0-9](?:-?[a-z0-9]){2,}$/;

/** Whether a text can be the id of a brand, model, profile or codec. */
export function isCatalogueId(text: string): boolean {
  return text.length <= 36 && ID.test(text);
}
