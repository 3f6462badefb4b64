import { plainBytes, type TableContext } from './simple-tables.ts';

export type DeletedKind = 'application' | 'gateway';

/** What was deleted and can still be restored, as its own table held it. */
export interface DeletedEntity {
  readonly id: string;
  readonly deletedAtMs: number;
  readonly message: Uint8Array;
  /** In the clear here and sealed at rest. */
  readonly secrets?: Uint8Array;
}

/** Deleted applications and gateways, out of the way of the tables of living ones. */
export interface DeletedEntityTable {
  get(kind: DeletedKind, id: string): DeletedEntity | undefined;
  list(kind: DeletedKind): DeletedEntity[];
  put(kind: DeletedKind, entity: DeletedEntity): void;
  delete(kind: DeletedKind, id: string): boolean;
}

interface StoredEntity {
  readonly id: string;
  readonly deletedAtMs: number;
  readonly message: Uint8Array;
  readonly secrets: Uint8Array | null;
}

export function createDeletedEntityTable({
  db,
  commit,
  dataKey,
}: TableContext): DeletedEntityTable {
  const columns = 'id, deleted_at_ms AS deletedAtMs, message, secrets FROM deleted_entities';
  const get = db.prepare<StoredEntity>(`SELECT ${columns} WHERE kind = ? AND id = ?`);
  const list = db.prepare<StoredEntity>(`SELECT ${columns} WHERE kind = ? ORDER BY id`);
  const put = db.prepare(
    `INSERT INTO deleted_entities(kind, id, deleted_at_ms, message, secrets) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT(kind, id) DO UPDATE SET deleted_at_ms = excluded.deleted_at_ms, message = excluded.message,
       secrets = excluded.secrets`,
  );
  const remove = db.prepare('DELETE FROM deleted_entities WHERE kind = ? AND id = ?');
  const context = (kind: DeletedKind, id: string): string => `deleted_entities:${kind}:${id}`;
  const toEntity = (kind: DeletedKind, { secrets, ...row }: StoredEntity): DeletedEntity => ({
    ...row,
    message: plainBytes(row.message),
    ...(secrets && { secrets: dataKey.open(secrets, context(kind, row.id)) }),
  });
  return {
    get(kind, id) {
      const row = get.get(kind, id);
      return row && toEntity(kind, row);
    },
    list: (kind) => list.all(kind).map((row) => toEntity(kind, row)),
    put(kind, { id, deletedAtMs, message, secrets }) {
      commit.assertInUnit();
      const sealed = secrets ? dataKey.seal(secrets, context(kind, id)) : null;
      put.run(kind, id, deletedAtMs, message, sealed);
    },
    delete(kind, id) {
      commit.assertInUnit();
      return remove.run(kind, id).changes > 0;
    },
  };
}
