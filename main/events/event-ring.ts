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

/** Sequence numbers of one entity's events, oldest first; those before `start` are gone. */
interface EntityEvents {
  sequences: number[];
  start: number;
}

/** Dead entries at the front of a list are cut off when there are this many. */
const DEAD_BEFORE_CUT = 256;

function forgetOldest(list: EntityEvents, sequence: number): void {
  const { sequences, start } = list;
  if (sequences[start] === sequence) list.start += 1;
  else {
    const at = sequences.indexOf(sequence, start);
    if (at >= 0) sequences.splice(at, 1);
  }
  if (list.start < DEAD_BEFORE_CUT) return;
  sequences.splice(0, list.start);
  list.start = 0;
}

/** Creates an empty ring; the limits are parameters so that tests can use small ones. */
export function createEventRing(
  perEntity = EVENTS_PER_ENTITY,
  overall = EVENTS_OVERALL,
): EventRing {
  const kept = new Map<number, BusEvent>();
  const byEntity = new Map<string, EntityEvents>();
  /** No kept event has a smaller sequence number. A map's first key would have to be searched behind deleted ones. */
  let oldest = 1;

  const forgetOldestOfAll = (): void => {
    while (!kept.has(oldest)) oldest += 1;
    forget(oldest);
  };
  const forget = (sequence: number): void => {
    const event = kept.get(sequence);
    if (!event) return;
    kept.delete(sequence);
    for (const entity of event.identifiers) {
      const key = entityKey(entity);
      const list = byEntity.get(key);
      if (!list) continue;
      forgetOldest(list, sequence);
      if (list.sequences.length === list.start) byEntity.delete(key);
    }
  };
  const keep = (event: BusEvent, entity: EntityRef): void => {
    const key = entityKey(entity);
    const list = byEntity.get(key) ?? { sequences: [], start: 0 };
    list.sequences.push(event.sequence);
    byEntity.set(key, list);
    if (list.sequences.length - list.start > perEntity) forget(list.sequences[list.start] ?? 0);
  };

  return {
    add(event) {
      kept.set(event.sequence, event);
      for (const entity of event.identifiers) keep(event, entity);
      if (kept.size > overall) forgetOldestOfAll();
    },
    select: (matches) => [...kept.values()].filter(matches),
    get size() {
      return kept.size;
    },
  };
}
