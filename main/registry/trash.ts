import type { DeletedEntity, DeletedKind } from '../store/index.ts';
import type { ListRequest } from './applications.ts';
import type { RegistryContext } from './context.ts';
import { restoreWindowExpired } from './errors.ts';
import { orderOf, pageOf } from './paging.ts';

/** How long what was deleted can be restored, as in The Things Stack. */
export const RESTORE_WINDOW_MS = 24 * 3_600_000;

/** Deleted entities of one kind. All but `list` are called inside a unit. */
export interface Trash {
  put(entity: Omit<DeletedEntity, 'deletedAtMs'>): void;
  /** Takes an entity out, to be restored; throws when that is no longer allowed, and `missing` when there is none. */
  take(id: string, missing: () => Error): DeletedEntity;
  /** Forgets an entity; whether there was one. */
  forget(id: string): boolean;
  list(): DeletedEntity[];
}

export function createTrash({ store, clock }: RegistryContext, kind: DeletedKind): Trash {
  const { deletedEntities } = store;
  return {
    put: (entity) => deletedEntities.put(kind, { ...entity, deletedAtMs: clock.now() }),
    take(id, missing) {
      const entity = deletedEntities.get(kind, id);
      if (!entity) throw missing();
      if (clock.now() - entity.deletedAtMs > RESTORE_WINDOW_MS) throw restoreWindowExpired();
      deletedEntities.delete(kind, id);
      return entity;
    },
    forget: (id) => deletedEntities.delete(kind, id),
    list: () => deletedEntities.list(kind),
  };
}

/** What lists of deleted entities sort by. */
export interface SortedEntity {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A page of deleted entities; there are few, so they are sorted here. */
export function pageOfDeleted<Item>(
  items: readonly Item[],
  sortedBy: (item: Item) => SortedEntity,
  { order, limit, page }: ListRequest,
): { items: Item[]; total: number } {
  const { orderBy, descending } = orderOf(order, ['id', 'name', 'created_at'], 'id');
  const backwards = descending || order?.startsWith('-') === true;
  const sorted = [...items].sort((left, right) => {
    const [a, b] = [sortedBy(left), sortedBy(right)];
    const difference =
      orderBy === 'name'
        ? byText(a.name, b.name)
        : orderBy === 'created_at'
          ? a.createdAtMs - b.createdAtMs
          : 0;
    return (difference || byText(a.id, b.id)) * (backwards ? -1 : 1);
  });
  const { offset, limit: size } = pageOf(limit, page);
  return { items: sorted.slice(offset, offset + size), total: items.length };
}
