import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import { openCatalogue, readVersions } from './catalogue-reader.ts';
import {
  CATALOGUE_STATE,
  type CatalogueCounts,
  type CatalogueProblemRow,
  type CatalogueVersionRow,
  CODEC_KINDS,
  type CodecKind,
} from './catalogue-schema.ts';
import { storageFailure } from './errors.ts';

/** Rows deleted in one transaction. */
const DELETED_PER_STEP = 500;
const TABLES = [
  'brands',
  'models',
  'profiles',
  'profile_numbers',
  'codecs',
  'images',
  'problems',
] as const;

/** Fills one version. */
export interface CatalogueVersionWriter {
  readonly id: number;
  addBrand(brand: {
    readonly brandId: string;
    readonly name: string;
    readonly description: string;
    readonly message: Uint8Array;
  }): void;
  addModel(model: {
    readonly brandId: string;
    readonly modelId: string;
    readonly name: string;
    readonly description: string;
    /** Further words to be found by, such as the brand's name. */
    readonly words: string;
    readonly message: Uint8Array;
  }): void;
  addProfile(brandId: string, profileId: string, profile: string): void;
  /** The first of several with the same numbers counts. Answers whether this is the first. */
  addProfileNumber(
    vendorId: number,
    vendorProfileId: number,
    brandId: string,
    target: string,
  ): boolean;
  addCodec(
    brandId: string,
    codecId: string,
    kind: CodecKind,
    codec: { readonly message: Uint8Array; readonly script: string },
  ): void;
  addImage(brandId: string, path: string, type: string, bytes: Uint8Array): void;
  addProblem(problem: CatalogueProblemRow): void;
}

/** Writes the catalogue, in a thread of its own. Nothing else writes at the same time. */
export interface CatalogueWriter {
  versions(): CatalogueVersionRow[];
  begin(version: {
    readonly source: string;
    readonly importedAtMs: number;
    readonly builtInRevision: number;
  }): CatalogueVersionWriter;
  /** Runs `work` in one transaction. */
  transaction<T>(work: () => T): T;
  /** Serves a complete version in place of the import, or the shipped data, that was served. */
  activate(id: number, counts?: CatalogueCounts): void;
  /** Deletes a version with all it holds, in steps. */
  remove(id: number): void;
  close(): void;
}

function transaction<T>(db: Database, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw storageFailure(error, db.name) ?? error;
  }
}

function blobWriter(db: Database): (bytes: Uint8Array) => number {
  const find = db.prepare<number>('SELECT id FROM blobs WHERE hash = ?').pluck();
  const insert = db.prepare('INSERT INTO blobs(hash, bytes) VALUES (?, ?)');
  return (bytes) => {
    const hash = createHash('sha256').update(bytes).digest();
    return find.get(hash) ?? insert.run(hash, bytes).lastInsertRowid;
  };
}

function versionWriter(db: Database, id: number): CatalogueVersionWriter {
  const blob = blobWriter(db);
  const brand = db.prepare(
    'INSERT INTO brands(version, brand_id, name, message) VALUES (?, ?, ?, ?)',
  );
  const model = db.prepare(
    'INSERT INTO models(version, brand_id, model_id, name, message) VALUES (?, ?, ?, ?, ?)',
  );
  const search = (table: string) =>
    db.prepare(`INSERT INTO ${table}(rowid, ids, name, description) VALUES (?, ?, ?, ?)`);
  const brandSearch = search('brand_search');
  const modelSearch = search('model_search');
  const profile = db.prepare('INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?)');
  const number = db.prepare('INSERT OR IGNORE INTO profile_numbers VALUES (?, ?, ?, ?, ?)');
  const codec = db.prepare('INSERT OR REPLACE INTO codecs VALUES (?, ?, ?, ?, ?, ?)');
  const image = db.prepare('INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)');
  const problem = db.prepare('INSERT INTO problems(version, path, code, text) VALUES (?, ?, ?, ?)');
  return {
    id,
    addBrand({ brandId, name, description, message }) {
      const { lastInsertRowid } = brand.run(id, brandId, name, message);
      brandSearch.run(lastInsertRowid, brandId, name, description);
    },
    addModel({ brandId, modelId, name, description, words, message }) {
      const { lastInsertRowid } = model.run(id, brandId, modelId, name, message);
      modelSearch.run(lastInsertRowid, `${brandId} ${modelId}`, `${name} ${words}`, description);
    },
    addProfile: (brandId, profileId, text) => void profile.run(brandId, profileId, id, text),
    addProfileNumber: (vendorId, vendorProfileId, brandId, target) =>
      number.run(vendorId, vendorProfileId, id, brandId, target).changes > 0,
    addCodec(brandId, codecId, kind, { message, script }) {
      const content = blob(new TextEncoder().encode(script));
      codec.run(brandId, codecId, CODEC_KINDS.indexOf(kind), id, message, content);
    },
    addImage: (brandId, path, type, bytes) => void image.run(brandId, path, id, type, blob(bytes)),
    addProblem: ({ path, code, text }) => void problem.run(id, path, code, text),
  };
}

/** Keys of a table's rows that a step deletes; tables without rowid are addressed by their own key. */
function deleteStep(db: Database, table: (typeof TABLES)[number], id: number): number {
  const search = table === 'brands' ? 'brand_search' : 'model_search';
  return transaction(db, () => {
    if (table === 'brands' || table === 'models') {
      const rows = db
        .prepare<number>(`SELECT id FROM ${table} WHERE version = ? LIMIT ${DELETED_PER_STEP}`)
        .pluck()
        .all(id);
      for (const row of rows) {
        db.prepare(`DELETE FROM ${search} WHERE rowid = ?`).run(row);
        db.prepare(`DELETE FROM ${table} WHERE id = ?`).run(row);
      }
      return rows.length === DELETED_PER_STEP ? 1 : 0;
    }
    db.prepare(`DELETE FROM ${table} WHERE version = ?`).run(id);
    return 0;
  });
}

function deleteUnusedBlobs(db: Database): void {
  const unused = db
    .prepare<number>(
      'SELECT id FROM blobs WHERE id NOT IN (SELECT script FROM codecs UNION SELECT content FROM images)',
    )
    .pluck()
    .all();
  const remove = db.prepare('DELETE FROM blobs WHERE id = ?');
  for (let at = 0; at < unused.length; at += DELETED_PER_STEP)
    transaction(db, () => {
      for (const blob of unused.slice(at, at + DELETED_PER_STEP)) remove.run(blob);
    });
}

/** Opens the catalogue for writing. */
export function createCatalogueWriter(path: string): CatalogueWriter {
  // An import is large, and this thread may wait: its log is written back every 16 MiB.
  const db = openCatalogue(path, 10_000, 4_000);
  const setState = db.prepare('UPDATE versions SET state = ? WHERE id = ?');
  const setCounts = db.prepare('UPDATE versions SET counts = ? WHERE id = ?');
  const demote = db.prepare(
    `UPDATE versions SET state = ${CATALOGUE_STATE.complete}
     WHERE state = ${CATALOGUE_STATE.served}
     AND (built_in_revision > 0) = (SELECT built_in_revision > 0 FROM versions WHERE id = ?)`,
  );
  return {
    versions: () => readVersions(db),
    begin: ({ source, importedAtMs, builtInRevision }) =>
      transaction(db, () => {
        const { lastInsertRowid } = db
          .prepare(
            'INSERT INTO versions(state, built_in_revision, source, imported_at_ms, counts) VALUES (?, ?, ?, ?, ?)',
          )
          .run(CATALOGUE_STATE.filling, builtInRevision, source, importedAtMs, '{}');
        return versionWriter(db, lastInsertRowid);
      }),
    transaction: (work) => transaction(db, work),
    activate: (id, counts) =>
      transaction(db, () => {
        demote.run(id);
        setState.run(CATALOGUE_STATE.served, id);
        if (counts) setCounts.run(JSON.stringify(counts), id);
      }),
    remove(id) {
      // First of all nobody sees it any more, even if the steps below are cut short.
      transaction(db, () => void setState.run(CATALOGUE_STATE.filling, id));
      for (const table of TABLES) while (deleteStep(db, table, id) > 0);
      deleteUnusedBlobs(db);
      transaction(db, () => void db.prepare('DELETE FROM versions WHERE id = ?').run(id));
    },
    close() {
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.close();
    },
  };
}
