import type Database from 'better-sqlite3';
import { SERVED } from './catalogue-schema.ts';

export interface CatalogueQuery {
  readonly list: 'brands' | 'models';
  /** Models of this brand only. */
  readonly brandId?: string;
  /** Words that have to occur, each as the beginning of a word. */
  readonly search?: string;
  /** By relevance where something is searched, else by ids, if absent. */
  readonly orderBy?: 'brand_id' | 'model_id' | 'name';
  readonly descending?: boolean;
  readonly limit: number;
  readonly offset: number;
}

export interface CatalogueRows {
  readonly messages: Uint8Array[];
  /** Matches before paging. */
  readonly total: number;
}

/** The words of a search as FTS5 wants them: each quoted, so that nothing of it is syntax. */
export function searchExpression(text: string): string | undefined {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length === 0 ? undefined : words.map((word) => `"${word}"*`).join(' ');
}

function order({ list, orderBy, descending }: CatalogueQuery, isSearch: boolean): string {
  const direction = descending ? ' DESC' : '';
  const ids = list === 'brands' ? 'brand_id' : 'brand_id, model_id';
  switch (orderBy) {
    case 'name':
      return `${list}.name COLLATE NOCASE${direction}, ${ids}`;
    case 'model_id':
      return list === 'brands' ? ids : `model_id${direction}, brand_id`;
    case 'brand_id':
      return list === 'brands' ? `brand_id${direction}` : `brand_id${direction}, model_id`;
    default:
      return isSearch ? `rank, ${ids}` : ids;
  }
}

/** One page of brands or models. */
export function queryCatalogue(db: Database, query: CatalogueQuery): CatalogueRows {
  const { list, brandId, limit, offset } = query;
  const table = list === 'brands' ? 'brand_search' : 'model_search';
  const expression = query.search === undefined ? undefined : searchExpression(query.search);
  // Signs without a letter or digit match nothing, rather than everything.
  if (query.search && expression === undefined) return { messages: [], total: 0 };
  const from =
    expression === undefined
      ? `FROM ${list}`
      : `FROM ${table} JOIN ${list} ON ${list}.id = ${table}.rowid`;
  const conditions = [
    SERVED,
    ...(expression === undefined ? [] : [`${table} MATCH ?`]),
    ...(brandId === undefined ? [] : ['brand_id = ?']),
  ].join(' AND ');
  const values = [
    ...(expression === undefined ? [] : [expression]),
    ...(brandId === undefined ? [] : [brandId]),
  ];
  const total = db
    .prepare<number>(`SELECT count(*) ${from} WHERE ${conditions}`)
    .pluck()
    .get(...values);
  const messages = db
    .prepare<Uint8Array>(
      `SELECT message ${from} WHERE ${conditions}
       ORDER BY ${order(query, expression !== undefined)} LIMIT ? OFFSET ?`,
    )
    .pluck()
    .all(...values, limit, offset);
  return { messages, total: total ?? 0 };
}
