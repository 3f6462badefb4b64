/** Waiting work of several owners, bounded in total and per owner. */
export interface FairQueue<T> {
  /** `false` when the queue, or this owner's share of it, is full. */
  push(owner: string, item: T): boolean;
  /** Next item: owners take turns, so that a busy one does not keep the others waiting. */
  shift(): T | undefined;
  /** Puts items back in front of all others, whatever the limits say. */
  unshift(items: readonly T[]): void;
  /** Removes and returns everything. */
  drain(): T[];
  readonly size: number;
}

export function createFairQueue<T>(limits: {
  readonly total: number;
  readonly perOwner: number;
}): FairQueue<T> {
  const owners = new Map<string, T[]>();
  /** Taken out before and put back. */
  let returned: T[] = [];
  let size = 0;
  return {
    push(owner, item) {
      const items = owners.get(owner) ?? [];
      if (size >= limits.total || items.length >= limits.perOwner) return false;
      items.push(item);
      owners.set(owner, items);
      size += 1;
      return true;
    },
    shift() {
      const first = returned.shift();
      if (first !== undefined) {
        size -= 1;
        return first;
      }
      for (const [owner, items] of owners) {
        const item = items.shift();
        owners.delete(owner);
        if (items.length > 0) owners.set(owner, items);
        if (item === undefined) continue;
        size -= 1;
        return item;
      }
      return undefined;
    },
    unshift(items) {
      returned = [...items, ...returned];
      size += items.length;
    },
    drain() {
      const items = [...returned, ...[...owners.values()].flat()];
      returned = [];
      owners.clear();
      size = 0;
      return items;
    },
    get size() {
      return size;
    },
  };
}
