import type Database from 'better-sqlite3';
import type { SqlValue } from 'better-sqlite3';
import { foldText, SEARCH_ID_STRIDE, TEXT_COLUMNS, type TextColumn } from './device-texts.ts';

/** What devices are searched by; all that is given has to fit. Case does not count. */
export interface DeviceSearchFilter {
  readonly applicationId: string;
  /** Occurs in id, EUIs, name or description. */
  readonly query?: string;
  readonly idContains?: string;
  readonly nameContains?: string;
  readonly descriptionContains?: string;
  /** Hex digits. */
  readonly devEuiContains?: string;
  readonly joinEuiContains?: string;
  /** Attributes with these keys, whose values contain these texts. */
  readonly attributesContain?: Readonly<Record<string, string>>;
}

export type DeviceOrder = 'device_id' | 'name' | 'created_at' | 'last_seen_at';

export interface DeviceSearch extends DeviceSearchFilter {
  readonly orderBy: DeviceOrder;
  readonly descending: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** Rows of identity devices in order, and how many there are before paging. */
export interface FoundDevices {
  readonly rows: readonly number[];
  readonly total: number;
}

/** Columns of `is_devices` that lists are ordered by. */
export const ORDER_COLUMNS: Readonly<Record<DeviceOrder, string>> = {
  device_id: 'device_id',
  name: 'name',
  created_at: 'created_at_ms',
  last_seen_at: 'last_seen_at_ms',
};

/** The ORDER BY of devices of one application; equal ones go by their ids in the same direction. */
export function deviceOrder(orderBy: DeviceOrder, descending: boolean, alias = ''): string {
  const direction = descending ? 'DESC' : 'ASC';
  const column = `${alias}${ORDER_COLUMNS[orderBy]}`;
  return orderBy === 'device_id'
    ? `${column} ${direction}`
    : `${column} ${direction}, ${alias}device_id ${direction}`;
}

/** Characters the index keeps together; shorter texts it cannot find. */
const INDEXED_CHARACTERS = 3;
/** So many finds, this close together, mean that a text is nearly everywhere. */
const PROBED = 2_000;
const DENSE_SPAN = 4 * PROBED;
/** Reading a device and sorting it in costs about as much as looking at one in order. */
const SORT_COST = 1;

interface TextCondition {
  readonly columns: readonly TextColumn[];
  readonly text: string;
}

interface Conditions {
  readonly texts: readonly TextCondition[];
  readonly attributes: readonly (readonly [key: string, text: string])[];
}

/** SQL with the values of its question marks, in order. */
interface Sql {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

function conditionsOf(filter: DeviceSearchFilter): Conditions {
  const wanted: readonly (readonly [string | undefined, readonly TextColumn[]])[] = [
    [filter.query, TEXT_COLUMNS],
    [filter.idContains, ['device_id']],
    [filter.nameContains, ['name']],
    [filter.descriptionContains, ['description']],
    [filter.devEuiContains, ['dev_eui']],
    [filter.joinEuiContains, ['join_eui']],
  ];
  return {
    texts: wanted.flatMap(([text, columns]) => (text ? [{ columns, text: foldText(text) }] : [])),
    attributes: Object.entries(filter.attributesContain ?? {}).map(
      ([key, text]) => [key, foldText(text)] as const,
    ),
  };
}

const isIndexed = ({ text }: TextCondition): boolean => [...text].length >= INDEXED_CHARACTERS;
const phrase = ({ columns, text }: TextCondition): string =>
  `{${columns.join(' ')}} : "${text.replaceAll('"', '""')}"`;

function and(parts: readonly Sql[]): Sql {
  return {
    sql: parts.map(({ sql }) => ` AND ${sql}`).join(''),
    values: parts.flatMap(({ values }) => values),
  };
}

const textIn = ({ columns, text }: TextCondition, alias: string): Sql => ({
  sql: `(${columns.map((column) => `instr(${alias}.${column}, ?)`).join(' OR ')})`,
  values: columns.map(() => text),
});
const attributeOf = ([key, text]: readonly [string, string], id: string): Sql => ({
  sql: `EXISTS (SELECT 1 FROM device_attributes a WHERE a.key = ? AND a.device = ${id} AND instr(a.value, ?))`,
  values: [key, text],
});

/** Where devices come from: `FROM … WHERE …` with `id` as the name of the search id. */
interface Source extends Sql {
  readonly id: string;
}

/** The text index if it can help, else an attribute, else a look at all texts. */
function sourceOf({ texts, attributes }: Conditions, first: number, scan: boolean): Source {
  const range = [first, first + SEARCH_ID_STRIDE - 1];
  const indexed = scan ? [] : texts.filter(isIndexed);
  const others = texts.filter((condition) => !indexed.includes(condition));
  const join = (id: string): string =>
    others.length > 0 ? ` CROSS JOIN device_texts t ON t.id = ${id}` : '';
  const rest = (id: string, some: Conditions['attributes']): Sql =>
    and([
      ...others.map((condition) => textIn(condition, 't')),
      ...some.map((one) => attributeOf(one, id)),
    ]);
  if (indexed.length > 0) {
    const more = rest('s.rowid', attributes);
    return {
      id: 's.rowid',
      sql: `FROM device_search s${join('s.rowid')} WHERE s.device_search MATCH ? AND s.rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)${more.sql}`,
      values: [indexed.map(phrase).join(' AND '), ...range, ...more.values],
    };
  }
  const [attribute, ...furtherAttributes] = attributes;
  if (attribute) {
    const more = rest('s.device', furtherAttributes);
    return {
      id: 's.device',
      sql: `FROM device_attributes s${join('s.device')} WHERE s.key = ? AND s.device BETWEEN ? AND ? AND instr(s.value, ?)${more.sql}`,
      values: [attribute[0], ...range, attribute[1], ...more.values],
    };
  }
  const more = rest('t.id', attributes);
  return {
    id: 't.id',
    sql: `FROM device_texts t WHERE t.id BETWEEN ? AND ?${more.sql}`,
    values: [...range, ...more.values],
  };
}

/** Whether the index would give nearly every device, so that looking at them all is quicker. */
function isDense(db: Database, { sql, values }: Source): boolean {
  const found = db
    .prepare<{ count: number; first: number | null; last: number | null }>(
      `SELECT count(*) AS count, min(id) AS first, max(id) AS last
       FROM (SELECT s.rowid AS id ${sql} LIMIT ${PROBED})`,
    )
    .get(...values);
  if (!found || found.count < PROBED) return false;
  return (found.last ?? 0) - (found.first ?? 0) < DENSE_SPAN;
}

/** Looks at devices in their order until a page is full; good if many fit. */
function walk(db: Database, search: DeviceSearch, conditions: Conditions, first: number): number[] {
  const some = and([
    ...conditions.texts.map((condition) => textIn(condition, 't')),
    ...conditions.attributes.map((one) => attributeOf(one, 't.id')),
  ]);
  return db
    .prepare<number>(
      `SELECT d.id FROM is_devices d CROSS JOIN device_texts t ON t.id = ? + d.id
       WHERE d.application_id = ?${some.sql}
       ORDER BY ${deviceOrder(search.orderBy, search.descending, 'd.')} LIMIT ? OFFSET ?`,
    )
    .pluck()
    .all(first, search.applicationId, ...some.values, search.limit, search.offset);
}

/** Finds all that fit and sorts them; good if few fit. */
function sort(db: Database, search: DeviceSearch, source: Source, first: number): number[] {
  return db
    .prepare<number>(
      `SELECT d.id FROM (SELECT ${source.id} - ? AS device ${source.sql}) f CROSS JOIN is_devices d ON d.id = f.device
       ORDER BY ${deviceOrder(search.orderBy, search.descending, 'd.')} LIMIT ? OFFSET ?`,
    )
    .pluck()
    .all(first, ...source.values, search.limit, search.offset);
}

/**
 * Searches the identity devices of one application. What the index cannot find (less than three characters) or finds
 * nearly everywhere is looked for in the texts themselves; both give the same devices.
 */
export function searchDevices(db: Database, search: DeviceSearch): FoundDevices {
  const applicationRow = db
    .prepare<number>('SELECT id FROM applications WHERE application_id = ?')
    .pluck()
    .get(search.applicationId);
  const first = (applicationRow ?? 0) * SEARCH_ID_STRIDE;
  const conditions = conditionsOf(search);
  const byIndex = sourceOf(conditions, first, false);
  const scan = byIndex.id === 's.rowid' && isDense(db, byIndex);
  const source = scan ? sourceOf(conditions, first, true) : byIndex;
  const count = (from: Sql): number =>
    db
      .prepare<number>(`SELECT count(*) ${from.sql}`)
      .pluck()
      .get(...from.values) ?? 0;
  const total = count(source);
  if (total <= search.offset) return { rows: [], total };
  const all = count({
    sql: 'FROM is_devices WHERE application_id = ?',
    values: [search.applicationId],
  });
  const walked = ((search.offset + search.limit) * all) / total;
  const rows =
    walked < total * SORT_COST
      ? walk(db, search, conditions, first)
      : sort(db, search, source, first);
  return { rows, total };
}
