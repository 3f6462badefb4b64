import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { full } from './errors.ts';
import { createGroupCommit } from './group-commit.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

function openTable(): { db: Database; names: () => string[]; path: string } {
  const path = join(temporaryDirectory(), 'units.db');
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.exec('CREATE TABLE t(name TEXT PRIMARY KEY, filler BLOB)');
  const names = (): string[] =>
    db.prepare<string>('SELECT name FROM t ORDER BY name').pluck().all();
  return { db, names, path };
}

test('units of one turn are committed together', async () => {
  const { db, names, path } = openTable();
  const commit = createGroupCommit(db, path);
  const commits: number[] = [];
  commit.onCommit((units) => commits.push(units));
  const put = db.prepare('INSERT INTO t(name) VALUES (?)');
  const first = commit.unit(() => put.run('a').changes);
  const second = commit.unit(() => put.run('b').changes);
  expect(db.inTransaction).toBe(true);
  expect(await Promise.all([first, second])).toEqual([1, 1]);
  expect(db.inTransaction).toBe(false);
  expect(names()).toEqual(['a', 'b']);
  expect(commits).toEqual([2]);
});

test('a failing unit undoes only itself', async () => {
  const { db, names, path } = openTable();
  const commit = createGroupCommit(db, path);
  const put = db.prepare('INSERT INTO t(name) VALUES (?)');
  let undone = 0;
  commit.onRollback(() => {
    undone += 1;
  });
  const units = [
    commit.unit(() => put.run('a')),
    commit.unit(() => {
      put.run('b');
      throw new Error('no');
    }),
    commit.unit(() => put.run('c')),
  ];
  const results = await Promise.allSettled(units);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(names()).toEqual(['a', 'c']);
  expect(undone).toBe(1);
});

test('a nested unit goes with the one around it', async () => {
  const { db, names, path } = openTable();
  const commit = createGroupCommit(db, path);
  const put = db.prepare('INSERT INTO t(name) VALUES (?)');
  let inner: Promise<unknown> = Promise.resolve();
  const outer = commit.unit(() => {
    inner = commit.unit(() => put.run('inner'));
    throw new Error('outer failed');
  });
  const results = await Promise.allSettled([outer, inner]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(names()).toEqual([]);
});

test('writing outside a unit is refused', () => {
  const { db, path } = openTable();
  expect(() => createGroupCommit(db, path).assertInUnit()).toThrow('store.unit()');
});

test('a full disk rejects the units, stores nothing of them, and storing recovers by itself', async () => {
  const { db, names, path } = openTable();
  const commit = createGroupCommit(db, path);
  const states: (string | undefined)[] = [];
  commit.onFailure((failure) => states.push(failure?.code));
  const put = db.prepare('INSERT INTO t(name, filler) VALUES (?, zeroblob(20000))');
  db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 8}`);
  await commit.unit(() => put.run('a'));
  const refused = await commit
    .unit(() => ['b', 'c', 'd'].map((name) => put.run(name)))
    .catch((error: unknown) => error);
  expect(full.is(refused)).toBe(true);
  expect(String(refused)).toContain(path);
  expect(names()).toEqual(['a']);
  db.pragma('max_page_count = 100000');
  await commit.unit(() => put.run('e'));
  expect(names()).toEqual(['a', 'e']);
  expect(states).toEqual(['gatehouse/store:full', undefined]);
});
