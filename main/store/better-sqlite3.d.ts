declare module 'better-sqlite3' {
  /** A value SQLite stores; integers beyond 2^53 are not used here. */
  export type SqlValue = number | string | Uint8Array | null;

  export interface RunResult {
    readonly changes: number;
    readonly lastInsertRowid: number;
  }

  export interface Statement<Row = unknown> {
    run(...parameters: readonly SqlValue[]): RunResult;
    get(...parameters: readonly SqlValue[]): Row | undefined;
    all(...parameters: readonly SqlValue[]): Row[];
    iterate(...parameters: readonly SqlValue[]): IterableIterator<Row>;
    pluck(on?: boolean): Statement<Row>;
  }

  export interface DatabaseOptions {
    readonly readonly?: boolean;
    readonly fileMustExist?: boolean;
    readonly timeout?: number;
  }

  export class SqliteError extends Error {
    readonly code: string;
  }

  export default class Database {
    constructor(path: string, options?: DatabaseOptions);
    static readonly SqliteError: typeof SqliteError;
    readonly inTransaction: boolean;
    readonly open: boolean;
    readonly name: string;
    prepare<Row = unknown>(sql: string): Statement<Row>;
    exec(sql: string): this;
    function(
      name: string,
      options: { readonly deterministic?: boolean },
      run: (text: string) => string,
    ): this;
    pragma(sql: string, options?: { readonly simple?: boolean }): unknown;
    backup(path: string): Promise<unknown>;
    close(): this;
  }
}
