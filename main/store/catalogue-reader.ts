import type Database from 'better-sqlite3';
import {
  CATALOGUE_MIGRATIONS,
  type CatalogueCounts,
  type CatalogueProblemRow,
  type CatalogueVersionRow,
  CODEC_KINDS,
  type CodecKind,
  SERVED,
} from './catalogue-schema.ts';
import { openDatabase } from './database.ts';
import { plainBytes } from './simple-tables.ts';

/** A codec's script and what describes it, as the bytes of a decoder or encoder message without the script. */
export interface CatalogueCodecRow {
  readonly message: Uint8Array;
  readonly script: string;
}

export interface CatalogueImageRow {
  /** Media type by content. */
  readonly type: string;
  /** SHA-256 of the bytes, hexadecimal. */
  readonly hash: string;
  readonly bytes: Uint8Array;
}

/** Single rows of what the catalogue serves; each read takes well below a millisecond. */
export interface CatalogueReader {
  /** Newest first, with those that are being filled. */
  versions(): CatalogueVersionRow[];
  brand(brandId: string): Uint8Array | undefined;
  model(brandId: string, modelId: string): Uint8Array | undefined;
  /** A LoRaWAN profile as JSON. */
  profile(brandId: string, profileId: string): string | undefined;
  /** What a vendor numbered at the LoRa Alliance calls its profile of that number, as JSON. */
  profileNumber(
    vendorId: number,
    vendorProfileId: number,
  ): { readonly brandId: string; readonly target: string } | undefined;
  codec(brandId: string, codecId: string, kind: CodecKind): CatalogueCodecRow | undefined;
  image(brandId: string, path: string): CatalogueImageRow | undefined;
  problems(
    version: number,
    page: { readonly limit: number; readonly offset: number },
  ): { readonly rows: CatalogueProblemRow[]; readonly total: number };
  close(): void;
}

interface VersionColumns {
  readonly id: number;
  readonly state: CatalogueVersionRow['state'];
  readonly built_in_revision: number;
  readonly source: string;
  readonly imported_at_ms: number;
  readonly counts: string;
}

/** Reads the rows of the table `versions`. */
export function readVersions(db: Database): CatalogueVersionRow[] {
  return db
    .prepare<VersionColumns>('SELECT * FROM versions ORDER BY id DESC')
    .all()
    .map((row) => ({
      id: row.id,
      state: row.state,
      builtInRevision: row.built_in_revision,
      source: row.source,
      importedAtMs: row.imported_at_ms,
      counts: JSON.parse(row.counts) as CatalogueCounts,
    }));
}

/** Opens the catalogue, in the newest layout. Only who writes much brings pages of the log into the file. */
export function openCatalogue(path: string, busyTimeoutMs: number, checkpointPages = 0): Database {
  return openDatabase({
    path,
    synchronous: 'NORMAL',
    migrations: CATALOGUE_MIGRATIONS,
    copyBeforeMigration: false,
    busyTimeoutMs,
    checkpointPages,
    exclusive: false,
  });
}

const plain = (bytes: Uint8Array | undefined): Uint8Array | undefined => bytes && plainBytes(bytes);

/** Opens the catalogue for reading. */
export function createCatalogueReader(path: string): CatalogueReader {
  const db = openCatalogue(path, 1_000);
  const bytes = (sql: string) => db.prepare<Uint8Array>(sql).pluck();
  const brand = bytes(`SELECT message FROM brands WHERE brand_id = ? AND ${SERVED}`);
  const model = bytes(
    `SELECT message FROM models WHERE brand_id = ? AND model_id = ? AND ${SERVED}`,
  );
  const profile = db
    .prepare<string>(
      `SELECT profile FROM profiles WHERE brand_id = ? AND profile_id = ? AND ${SERVED}`,
    )
    .pluck();
  const profileNumber = db.prepare<{ brandId: string; target: string }>(
    `SELECT brand_id AS brandId, target FROM profile_numbers
     WHERE vendor_id = ? AND vendor_profile_id = ? AND ${SERVED}`,
  );
  const codec = db.prepare<{ message: Uint8Array; bytes: Uint8Array }>(
    `SELECT message, bytes FROM codecs JOIN blobs ON blobs.id = script
     WHERE brand_id = ? AND codec_id = ? AND kind = ? AND ${SERVED}`,
  );
  const image = db.prepare<CatalogueImageRow>(
    `SELECT type, lower(hex(hash)) AS hash, bytes FROM images JOIN blobs ON blobs.id = content
     WHERE brand_id = ? AND path = ? AND ${SERVED}`,
  );
  const problems = db.prepare<CatalogueProblemRow>(
    'SELECT path, code, text FROM problems WHERE version = ? ORDER BY id LIMIT ? OFFSET ?',
  );
  const problemCount = db
    .prepare<number>('SELECT count(*) FROM problems WHERE version = ?')
    .pluck();
  return {
    versions: () => readVersions(db),
    brand: (brandId) => plain(brand.get(brandId)),
    model: (brandId, modelId) => plain(model.get(brandId, modelId)),
    profile: (brandId, profileId) => profile.get(brandId, profileId),
    profileNumber: (vendorId, vendorProfileId) => profileNumber.get(vendorId, vendorProfileId),
    codec(brandId, codecId, kind) {
      const row = codec.get(brandId, codecId, CODEC_KINDS.indexOf(kind));
      return (
        row && { message: plainBytes(row.message), script: new TextDecoder().decode(row.bytes) }
      );
    },
    image(brandId, path) {
      const row = image.get(brandId, path);
      return row && { ...row, bytes: plainBytes(row.bytes) };
    },
    problems: (version, { limit, offset }) => ({
      rows: problems.all(version, limit, offset),
      total: problemCount.get(version) ?? 0,
    }),
    close: () => void db.close(),
  };
}
