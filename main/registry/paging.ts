import type { ListRequest } from './applications.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** `limit` and `page` (from 1) of a list request; 0 or absent means the default. */
export function pageOf(
  limit: number | undefined,
  page: number | undefined,
): { limit: number; offset: number } {
  const size = Math.min(limit || DEFAULT_LIMIT, MAX_LIMIT);
  return { limit: size, offset: (Math.max(page || 1, 1) - 1) * size };
}

/** An order such as `-name`. What cannot be sorted by falls back to ascending ids, silently. */
export function orderOf<Order extends string>(
  order: string | undefined,
  allowed: readonly Order[],
  fallback: Order,
): { orderBy: Order; descending: boolean } {
  const descending = order?.startsWith('-') ?? false;
  const name = descending ? order?.slice(1) : order;
  const orderBy = allowed.find((candidate) => candidate === name);
  return orderBy ? { orderBy, descending } : { orderBy: fallback, descending: false };
}

/**
 * A page of what a list request asks for. Without a filter the table pages; with one its rows are read and looked at one by
 * one, since what is searched lies inside of messages.
 */
export function pageOfMatches<Row, Item>(
  read: (page: { limit: number; offset: number }) => { rows: Row[]; total: number },
  decode: (row: Row) => Item,
  matches: (item: Item) => boolean,
  { limit, page, filter }: ListRequest,
): { items: Item[]; total: number } {
  const wanted = pageOf(limit, page);
  if (!filter) {
    const { rows, total } = read(wanted);
    return { items: rows.map(decode), total };
  }
  const found = read({ limit: -1, offset: 0 }).rows.map(decode).filter(matches);
  return { items: found.slice(wanted.offset, wanted.offset + wanted.limit), total: found.length };
}
