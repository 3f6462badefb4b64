/** A map that forgets what was not used for longest when it is full. */
export interface BoundedCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
  clear(): void;
  readonly size: number;
}

/** @param onEvict called with what had to go because the cache was full */
export function createBoundedCache<K, V>(
  capacity: number,
  onEvict?: (key: K, value: V) => void,
): BoundedCache<K, V> {
  const entries = new Map<K, V>();
  // One iterator goes on from eviction to eviction: a new one would walk over all that was deleted at the map's front. But one
  // that rests keeps alive every table the map has outgrown since, so it goes after as many changes as the map has room for.
  let oldest: MapIterator<K> | undefined;
  let changesSinceEviction = 0;
  const changed = (): void => {
    if (oldest === undefined) return;
    changesSinceEviction += 1;
    if (changesSinceEviction > capacity) oldest = undefined;
  };
  const evict = (): void => {
    changesSinceEviction = 0;
    oldest ??= entries.keys();
    let next = oldest.next();
    if (next.done) {
      oldest = entries.keys();
      next = oldest.next();
    }
    if (next.done) return;
    const value = entries.get(next.value);
    entries.delete(next.value);
    if (value !== undefined) onEvict?.(next.value, value);
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined && entries.size > capacity / 2) {
        entries.delete(key);
        entries.set(key, value);
        changed();
      }
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > capacity) evict();
      else changed();
    },
    delete(key) {
      if (entries.delete(key)) changed();
    },
    clear() {
      entries.clear();
      oldest = undefined;
    },
    get size() {
      return entries.size;
    },
  };
}
