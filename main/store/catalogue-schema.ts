/**
 * Layout of catalogue.db, one script per version. Everything in it can be imported again. Each import fills rows of a
 * version of its own; what is served are the rows of versions in state 2. Scripts and images are kept once, whichever
 * versions use them.
 */
export const CATALOGUE_MIGRATIONS: readonly string[] = [
  `
CREATE TABLE versions(
  id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL, built_in_revision INTEGER NOT NULL, source TEXT NOT NULL,
  imported_at_ms REAL NOT NULL, counts TEXT NOT NULL);
CREATE TABLE blobs(id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);
CREATE TABLE brands(
  id INTEGER PRIMARY KEY, version INTEGER NOT NULL, brand_id TEXT NOT NULL, name TEXT NOT NULL, message BLOB NOT NULL,
  UNIQUE(brand_id, version));
CREATE TABLE models(
  id INTEGER PRIMARY KEY, version INTEGER NOT NULL, brand_id TEXT NOT NULL, model_id TEXT NOT NULL, name TEXT NOT NULL,
  message BLOB NOT NULL, UNIQUE(brand_id, model_id, version));
CREATE TABLE profiles(
  brand_id TEXT, profile_id TEXT, version INTEGER, profile TEXT NOT NULL,
  PRIMARY KEY(brand_id, profile_id, version)) WITHOUT ROWID;
CREATE TABLE profile_numbers(
  vendor_id INTEGER, vendor_profile_id INTEGER, version INTEGER, brand_id TEXT NOT NULL, target TEXT NOT NULL,
  PRIMARY KEY(vendor_id, vendor_profile_id, version)) WITHOUT ROWID;
CREATE TABLE codecs(
  brand_id TEXT, codec_id TEXT, kind INTEGER, version INTEGER, message BLOB NOT NULL, script INTEGER NOT NULL,
  PRIMARY KEY(brand_id, codec_id, kind, version)) WITHOUT ROWID;
CREATE TABLE images(
  brand_id TEXT, path TEXT, version INTEGER, type TEXT NOT NULL, content INTEGER NOT NULL,
  PRIMARY KEY(brand_id, path, version)) WITHOUT ROWID;
CREATE TABLE problems(
  id INTEGER PRIMARY KEY, version INTEGER NOT NULL, path TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX problems_version ON problems(version);
CREATE VIRTUAL TABLE brand_search USING fts5(
  ids, name, description, content='', contentless_delete=1, prefix='2 3', tokenize='unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE model_search USING fts5(
  ids, name, description, content='', contentless_delete=1, prefix='2 3', tokenize='unicode61 remove_diacritics 2');
`,
];

/** States of a version. */
export const CATALOGUE_STATE = { filling: 0, complete: 1, served: 2 } as const;

/** Rows of versions that are served. */
export const SERVED = `version IN (SELECT id FROM versions WHERE state = ${CATALOGUE_STATE.served})`;

/** What a codec can do. */
export const CODEC_KINDS = ['uplink_decoder', 'downlink_decoder', 'downlink_encoder'] as const;
export type CodecKind = (typeof CODEC_KINDS)[number];

/** How much a version holds. */
export interface CatalogueCounts {
  readonly brands: number;
  readonly models: number;
  readonly profiles: number;
  readonly codecs: number;
  readonly images: number;
  readonly problems: number;
}

export interface CatalogueVersionRow {
  readonly id: number;
  readonly state: (typeof CATALOGUE_STATE)[keyof typeof CATALOGUE_STATE];
  /** Revision of the data that ships with the program; 0 for imports. */
  readonly builtInRevision: number;
  readonly source: string;
  readonly importedAtMs: number;
  readonly counts: CatalogueCounts;
}

export interface CatalogueProblemRow {
  readonly path: string;
  readonly code: string;
  readonly text: string;
}
