import { type BusEvent, type EntityRef, entityKey } from './event.ts';

/** Events kept for one entity. */
export const EVENTS_PER_ENTITY = 1_000;
/** Events kept overall. */
export const EVENTS_OVERALL = 50_000;

/** The newest events, at most so many per entity and overall. Serves `tail`, `after` and related events. */
export interface EventRing {
  add(event: BusEvent): void;
  /** Oldest first. */
  select(matches: (event: BusEvent) => boolean): readonly BusEvent[];
  readonly size: number;
}

/** Creates an empty ring; the limits are parameters so that tests can use small ones. */
export function createEventRing(
  perEntity = EVENTS_PER_ENTITY,
  overall = EVENTS_OVERALL,
): EventRing {
  const kept = new Map<number, BusEvent>();
  const byEntity = new Map<string, number[]>();

  const keysOf = (event: BusEvent): string[] =>
    event.identifiers.map((entity: EntityRef) => entityKey(entity));

  const forget = (sequence: number): void => {
    const event = kept.get(sequence);
    if (!event) return;
    kept.delete(sequence);
    for (const key of keysOf(event)) {
      const list = byEntity.get(key);
      if (!list) continue;
      const at = list.indexOf(sequence);
      if (at >= 0) list.splice(at, 1);
      if (list.length === 0) byEntity.delete(key);
    }
  };

  return {
    add(event) {
      kept.set(event.sequence, event);
      for (const key of keysOf(event)) {
        const list = byEntity.get(key) ?? [];
        list.push(event.sequence);
        byEntity.set(key, list);
        if (list.length > perEntity) forget(list[0] ?? 0);
      }
      if (kept.size > overall) forget(kept.keys().next().value ?? 0);
    },
    select: (matches) => [...kept.values()].filter(matches),
    get size() {
      return kept.size;
    },
  };
}
