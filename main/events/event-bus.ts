import { randomUUID } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type BusEvent, covers, type EntityRef, type EventInput } from './event.ts';
import { createEventRing, type EventPlace, type EventRing } from './event-ring.ts';
import { type PackedData, packedData } from './packed-data.ts';

/** What a subscriber wants to hear. */
export interface SubscribeOptions {
  readonly entities: readonly EntityRef[];
  /** Only these names; all if absent. */
  readonly matchesName?: (name: string) => boolean;
  /** Kept events after the one of this wall clock time come first; later ones if there is none. */
  readonly afterMs?: number;
  /** At most so many kept events come first. */
  readonly tail?: number;
  /** Events that may wait for a slow reader. */
  readonly capacity?: number;
}

/** A bounded queue of events. When it is full the oldest go and are counted. */
export interface Subscription {
  /** Waits for events; resolves with all that wait, or with `undefined` after `close`. */
  next(): Promise<{ readonly events: readonly BusEvent[]; readonly skipped: number } | undefined>;
  close(): void;
}

/** Tells whoever listens what happened. Nothing in the core reacts to events. */
export interface EventBus {
  publish(event: EventInput): void;
  subscribe(options: SubscribeOptions): Subscription;
  /** Kept events that share a correlation id with others, oldest first. */
  related(correlationId: string): readonly BusEvent[];
  readonly subscriberCount: number;
}

const DEFAULT_CAPACITY = 2_000;
/**
 * Late data is built so many at a time and so often, so that events let go of what they were built from. While more events
 * than that are published none is built: most of them will be forgotten before anybody asks.
 */
const LATE_AT_ONCE = 64;
const LATE_EVERY_MS = 20;

interface Subscriber {
  readonly wants: (event: Pick<BusEvent, 'name' | 'identifiers'>) => boolean;
  readonly offer: (event: BusEvent) => void;
}

/** An event for those who listen at the moment: what it carries is there as it was built. */
function liveEvent(
  input: EventInput,
  place: EventPlace,
  idPrefix: string,
  packed: PackedData | undefined,
): BusEvent {
  const { name, identifiers, correlationIds = [], causeCode } = input;
  return {
    ...place,
    uniqueId: `${idPrefix}-${place.sequence}`,
    name,
    identifiers,
    correlationIds,
    ...(causeCode !== undefined && { causeCode }),
    data: () => packed,
  };
}

/** Filter of one subscription. */
function wantsEvent(options: SubscribeOptions): Subscriber['wants'] {
  return (event) =>
    (options.matchesName?.(event.name) ?? true) &&
    event.identifiers.some((entity) => options.entities.some((wanted) => covers(wanted, entity)));
}

/**
 * Events after the one of this time, in the order they were published: a reader goes on where it stopped even if the wall
 * clock was set back meanwhile. Without such an event their times decide.
 */
function newerThan(events: readonly BusEvent[], afterMs: number | undefined): readonly BusEvent[] {
  if (afterMs === undefined) return events;
  const last = events.findLastIndex(({ timeMs }) => timeMs === afterMs);
  return last < 0 ? events.filter(({ timeMs }) => timeMs > afterMs) : events.slice(last + 1);
}

function keptFor(ring: EventRing, options: SubscribeOptions): readonly BusEvent[] {
  if (options.tail === undefined && options.afterMs === undefined) return [];
  const wants = wantsEvent(options);
  const found = newerThan(ring.select(wants), options.afterMs);
  return options.tail === undefined ? found : found.slice(-options.tail || found.length);
}

/** Creates the bus. */
export function createEventBus({ clock }: { readonly clock: Clock }): EventBus {
  const idPrefix = randomUUID().slice(0, 13);
  const ring = createEventRing({ idPrefix });
  const subscribers = new Set<Subscriber>();
  let sequence = 0;
  let isPackingLate = false;

  const packLater = (): void => {
    const before = sequence;
    isPackingLate = true;
    clock.setTimer(LATE_EVERY_MS, () => {
      const isBusy = sequence - before > LATE_AT_ONCE;
      isPackingLate = false;
      if (isBusy || ring.packLate(LATE_AT_ONCE)) packLater();
    });
  };
  return {
    publish(input) {
      sequence += 1;
      const place = { sequence, timeMs: clock.now() };
      let readers: Subscriber[] | undefined;
      for (const subscriber of subscribers) {
        if (!subscriber.wants(input)) continue;
        readers ??= [];
        readers.push(subscriber);
      }
      const isLate = input.lateData !== undefined && !readers;
      const packed = isLate ? undefined : packedData(input);
      ring.add(place, input, packed);
      if (isLate && !isPackingLate) packLater();
      if (!readers) return;
      const live = liveEvent(input, place, idPrefix, packed);
      for (const reader of readers) reader.offer(live);
    },

    subscribe(options) {
      const capacity = options.capacity ?? DEFAULT_CAPACITY;
      let waiting: BusEvent[] = [...keptFor(ring, options)];
      let skipped = 0;
      let closed = false;
      let wake: (() => void) | undefined;
      const subscriber: Subscriber = {
        wants: wantsEvent(options),
        offer(event) {
          waiting.push(event);
          if (waiting.length > capacity) {
            waiting.shift();
            skipped += 1;
          }
          wake?.();
        },
      };
      subscribers.add(subscriber);
      return {
        async next() {
          if (waiting.length === 0 && !closed) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            wake = undefined;
          }
          if (closed) return undefined;
          const batch = { events: waiting, skipped };
          waiting = [];
          skipped = 0;
          return batch;
        },
        close() {
          closed = true;
          subscribers.delete(subscriber);
          wake?.();
        },
      };
    },

    related: (correlationId) =>
      ring.select((event) => event.correlationIds.includes(correlationId)),

    get subscriberCount() {
      return subscribers.size;
    },
  };
}
