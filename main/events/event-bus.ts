import { randomUUID } from 'node:crypto';
import { type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Clock } from '../base/clock.ts';
import { type BusEvent, covers, type EntityRef, type EventData, type EventInput } from './event.ts';
import { createEventRing, type EventRing } from './event-ring.ts';

/** What a subscriber wants to hear. */
export interface SubscribeOptions {
  readonly entities: readonly EntityRef[];
  /** Only these names; all if absent. */
  readonly matchesName?: (name: string) => boolean;
  /** Kept events later than this wall clock time come first. */
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

const DEFAULT_CAPACITY = 1_000;

interface Subscriber {
  readonly wants: (event: BusEvent) => boolean;
  readonly offer: (event: BusEvent) => void;
}

/** What all forms of one event share. */
abstract class PublishedEvent implements BusEvent {
  readonly sequence: number;
  readonly name: string;
  readonly timeMs: number;
  readonly identifiers: readonly EntityRef[];
  readonly correlationIds: readonly string[];
  readonly causeCode?: string;
  readonly #idPrefix: string;

  constructor(input: EventInput, sequence: number, timeMs: number, idPrefix: string) {
    this.sequence = sequence;
    this.name = input.name;
    this.timeMs = timeMs;
    this.identifiers = input.identifiers;
    this.correlationIds = input.correlationIds ?? NO_CORRELATION;
    if (input.causeCode !== undefined) this.causeCode = input.causeCode;
    this.#idPrefix = idPrefix;
  }

  get uniqueId(): string {
    return `${this.#idPrefix}-${this.sequence}`;
  }

  abstract data(): EventData | undefined;
}

/** An event for its subscribers: what it carries is built when the first of them reads it. */
class SharedEvent extends PublishedEvent {
  readonly #build: EventInput['data'];
  #built: EventData | undefined;

  constructor(input: EventInput, sequence: number, timeMs: number, idPrefix: string) {
    super(input, sequence, timeMs, idPrefix);
    this.#build = input.data;
  }

  override data(): EventData | undefined {
    this.#built ??= this.#build?.();
    return this.#built;
  }
}

/** An event as the ring keeps it: what it carries is encoded, so that nothing of the work that led to it stays alive. */
class KeptEvent extends PublishedEvent {
  readonly #schema: DescMessage | undefined;
  readonly #bytes: Uint8Array | undefined;

  constructor(input: EventInput, sequence: number, timeMs: number, idPrefix: string) {
    super(input, sequence, timeMs, idPrefix);
    const data = input.data?.();
    if (!data) return;
    this.#schema = data.schema;
    // Pooled: a buffer of its own would cost more than most of these messages have bytes.
    this.#bytes = Buffer.from(toBinary(data.schema, data.message));
  }

  override data(): EventData | undefined {
    if (!this.#schema || !this.#bytes) return undefined;
    return { schema: this.#schema, message: fromBinary(this.#schema, this.#bytes) };
  }
}

const NO_CORRELATION: readonly string[] = [];

/** Filter of one subscription. */
function wantsEvent(options: SubscribeOptions): (event: BusEvent) => boolean {
  return (event) =>
    (options.matchesName?.(event.name) ?? true) &&
    event.identifiers.some((entity) => options.entities.some((wanted) => covers(wanted, entity)));
}

function keptFor(ring: EventRing, options: SubscribeOptions): readonly BusEvent[] {
  if (options.tail === undefined && options.afterMs === undefined) return [];
  const wants = wantsEvent(options);
  const after = options.afterMs ?? Number.NEGATIVE_INFINITY;
  const found = ring.select((event) => event.timeMs > after && wants(event));
  return options.tail === undefined ? found : found.slice(-options.tail || found.length);
}

/** Creates the bus. */
export function createEventBus({ clock }: { readonly clock: Clock }): EventBus {
  const ring = createEventRing();
  const subscribers = new Set<Subscriber>();
  const idPrefix = randomUUID().slice(0, 13);
  let sequence = 0;

  return {
    publish(input) {
      sequence += 1;
      const timeMs = clock.now();
      const event = new KeptEvent(input, sequence, timeMs, idPrefix);
      ring.add(event);
      let shared: BusEvent | undefined;
      for (const subscriber of subscribers) {
        if (!subscriber.wants(event)) continue;
        shared ??= new SharedEvent(input, sequence, timeMs, idPrefix);
        subscriber.offer(shared);
      }
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
