import type Database from 'better-sqlite3';
import type { GatehouseError } from '../base/errors.ts';
import { createCommitPace } from './commit-pace.ts';
import { closed, storageFailure } from './errors.ts';

interface PendingUnit {
  readonly settle: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Units of work on one database: a savepoint each, one transaction and one commit per turn of the event loop, or for
 * several turns while there is much to do.
 */
export interface GroupCommit {
  /**
   * Runs `work` now, in a savepoint of this turn's transaction; resolves after the commit. If `work` throws, only its
   * own changes are undone. If the commit fails, every unit of the turn rejects and nothing of it is stored.
   */
  unit<T>(work: () => T): Promise<T>;
  /** Throws when called outside a unit, to keep writes from committing on their own. */
  assertInUnit(): void;
  /** Commits what is pending now. */
  commit(): void;
  /** Called with the number of units after each commit. */
  onCommit(listener: (units: number) => void): void;
  /** Called when changes were undone that caches may have seen. */
  onRollback(listener: () => void): void;
  /** Called when storing fails, and with undefined when it works again. */
  onFailure(listener: (failure: GatehouseError | undefined) => void): void;
  close(): void;
}

/** Units in one commit that show that more are coming, and how many turns then share one. */
const CROWDED_UNITS = 3;
const SHARING_TURNS = 12;

/** Creates the group commit of one connection, which must be used for writing by nothing else. */
export function createGroupCommit(db: Database, file: string): GroupCommit {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commitStatement = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const savepoint = db.prepare('SAVEPOINT unit');
  const release = db.prepare('RELEASE unit');
  const undo = db.prepare('ROLLBACK TO unit');
  const commitListeners: ((units: number) => void)[] = [];
  const rollbackListeners: (() => void)[] = [];
  const failureListeners: ((failure: GatehouseError | undefined) => void)[] = [];
  let pending: PendingUnit[] = [];
  let depth = 0;
  let isClosed = false;
  let failure: GatehouseError | undefined;

  const report = (next: GatehouseError | undefined): void => {
    if (next?.code === failure?.code) return;
    failure = next;
    for (const listener of failureListeners) listener(next);
  };
  const rolledBack = (): void => {
    for (const listener of rollbackListeners) listener();
  };
  const failAll = (error: unknown): void => {
    const units = pending;
    pending = [];
    for (const unit of units) unit.fail(error);
  };
  const translate = (error: unknown): unknown => {
    const storage = storageFailure(error, file);
    if (storage) report(storage);
    return storage ?? error;
  };

  const commit = (): void => {
    if (!db.inTransaction) return;
    pace.committed(pending.length);
    try {
      commitStatement.run();
    } catch (error) {
      const cause = translate(error);
      if (db.inTransaction) rollback.run();
      rolledBack();
      failAll(cause);
      return;
    }
    const units = pending;
    pending = [];
    if (units.length > 0) report(undefined);
    for (const unit of units) unit.settle();
    for (const listener of commitListeners) listener(units.length);
  };

  const pace = createCommitPace({
    commit,
    crowdedAt: CROWDED_UNITS,
    sharedBy: SHARING_TURNS,
  });

  /** Undoes one unit, and with it every unit nested in it. SQLite may have undone the whole turn already. */
  const undoUnit = (firstPending: number, error: unknown): unknown => {
    const cause = translate(error);
    if (db.inTransaction) {
      undo.run();
      release.run();
      for (const nested of pending.splice(firstPending)) nested.fail(cause);
    } else {
      failAll(failure ?? cause);
    }
    rolledBack();
    return db.inTransaction ? cause : (failure ?? cause);
  };

  const run = <T>(work: () => T): T => {
    if (isClosed) throw closed();
    const firstPending = pending.length;
    try {
      if (!db.inTransaction) begin.run();
      savepoint.run();
    } catch (error) {
      throw translate(error);
    }
    depth += 1;
    try {
      const result = work();
      release.run();
      return result;
    } catch (error) {
      throw undoUnit(firstPending, error);
    } finally {
      depth -= 1;
    }
  };

  return {
    unit<T>(work: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        try {
          const result = run(work);
          pending.push({ settle: () => resolve(result), fail: reject });
        } catch (error) {
          reject(error);
        }
        if (db.inTransaction) pace.request();
      });
    },
    assertInUnit() {
      if (depth === 0) throw new Error('Writes belong inside store.unit().');
    },
    commit,
    onCommit: (listener) => void commitListeners.push(listener),
    onRollback: (listener) => void rollbackListeners.push(listener),
    onFailure: (listener) => void failureListeners.push(listener),
    close() {
      commit();
      isClosed = true;
    },
  };
}
