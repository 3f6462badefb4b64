import type Database from 'better-sqlite3';
import type { SqlValue } from 'better-sqlite3';
import type { FrameQuery, FrameRows } from './worker-protocol.ts';

const ROWS_PER_STEP = 20_000;

interface StoredFrame {
  readonly id: number;
  readonly message: Uint8Array;
}

/** Conditions of a query besides its range of ids; undefined if nothing can match. */
function conditions(
  db: Database,
  query: FrameQuery,
): { sql: string; parameters: SqlValue[]; byDevice: boolean } | undefined {
  const parts: string[] = [];
  const parameters: SqlValue[] = [];
  let byDevice = false;
  if (query.applicationId !== undefined && query.deviceId !== undefined) {
    const key = db
      .prepare<number>('SELECT key FROM devices WHERE application_id = ? AND device_id = ?')
      .pluck()
      .get(query.applicationId, query.deviceId);
    if (key === undefined) return undefined;
    parts.push('device = ?');
    parameters.push(key);
    byDevice = true;
  } else if (query.applicationId !== undefined) {
    parts.push('+device IN (SELECT key FROM devices WHERE application_id = ?)');
    parameters.push(query.applicationId);
  }
  const filter = query.filter?.trim().toLowerCase();
  if (filter) {
    parts.push('instr(search, ?) > 0');
    parameters.push(filter);
  }
  return { sql: parts.map((part) => ` AND ${part}`).join(''), parameters, byDevice };
}

/**
 * Reads a page of frames. A filter is looked for in steps of some thousand rows until the page is full or the time is
 * up, so that a rare text in a large file answers in bounded time and can be continued.
 */
export function queryFrames(
  db: Database,
  query: FrameQuery,
  limits: { readonly nowMs: () => number; readonly maxMs: number },
): FrameRows {
  const condition = conditions(db, query);
  if (!condition) return { rows: [], more: false };
  const { sql, parameters, byDevice } = condition;
  const ascending = query.afterId !== undefined;
  const range = db.prepare<{ first: number | null; last: number | null }>(
    'SELECT (SELECT min(id) FROM frames) AS first, (SELECT max(id) FROM frames) AS last',
  );
  const { first, last } = range.get() ?? { first: null, last: null };
  if (first === null || last === null) return { rows: [], more: false };
  const page = db.prepare<StoredFrame>(
    `SELECT id, message FROM frames WHERE id BETWEEN ? AND ?${sql} ORDER BY id ${ascending ? 'ASC' : 'DESC'} LIMIT ?`,
  );
  const wanted = query.limit + 1;
  const step = byDevice || sql === '' ? Number.MAX_SAFE_INTEGER : ROWS_PER_STEP;
  let low = Math.max(first, ascending ? (query.afterId ?? 0) + 1 : first);
  let high = Math.min(last, ascending ? last : (query.beforeId ?? last + 1) - 1);
  const rows: StoredFrame[] = [];
  const startMs = limits.nowMs();
  while (low <= high && rows.length < wanted) {
    const from = ascending ? low : Math.max(low, high - step + 1);
    const to = ascending ? Math.min(high, low + step - 1) : high;
    rows.push(...page.all(from, to, ...parameters, wanted - rows.length));
    if (ascending) low = to + 1;
    else high = from - 1;
    if (limits.nowMs() - startMs > limits.maxMs) break;
  }
  const stopped = rows.length < wanted && low <= high;
  return {
    rows: rows.slice(0, query.limit),
    more: rows.length > query.limit || stopped,
    ...(stopped && { stoppedAtId: ascending ? low - 1 : high + 1 }),
  };
}
