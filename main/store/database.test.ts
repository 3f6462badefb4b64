import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

const FIRST = 'CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1)';
const SECOND = 'ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 2';

function open(path: string, migrations: readonly string[]): Database {
  return openDatabase({
    path,
    synchronous: 'OFF',
    migrations,
    copyBeforeMigration: true,
    busyTimeoutMs: 0,
    checkpointPages: 0,
    exclusive: false,
  });
}

test('an older file is copied and brought to the newest layout', () => {
  const path = join(temporaryDirectory(), 'x.db');
  open(path, [FIRST]).close();
  expect(existsSync(`${path}.v1.bak`)).toBe(false);
  const db = open(path, [FIRST, SECOND]);
  expect(db.prepare('SELECT a, b FROM t').get()).toEqual({ a: 1, b: 2 });
  db.close();
  const copy = new Database(`${path}.v1.bak`);
  expect(copy.pragma('user_version', { simple: true })).toBe(1);
  expect(copy.prepare('SELECT * FROM t').get()).toEqual({ a: 1 });
  copy.close();
});

test('a step that fails leaves the layout as it was', () => {
  const path = join(temporaryDirectory(), 'x.db');
  open(path, [FIRST]).close();
  const broken = `${SECOND}; INSERT INTO missing VALUES (1)`;
  expect(() => open(path, [FIRST, broken])).toThrow('missing');
  const db = open(path, [FIRST]);
  expect(db.prepare('SELECT * FROM t').get()).toEqual({ a: 1 });
  db.close();
});
