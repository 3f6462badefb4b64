import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { createByteRing } from './byte-ring.ts';
import {
  type BusEvent,
  type EntityRef,
  type EventData,
  type EventInput,
  entityKey,
} from './event.ts';
import { type PackedData, packedData } from './packed-data.ts';

/** Events kept for one entity. */
export const EVENTS_PER_ENTITY = 1_000;
/** Newest events that are looked through for those to keep. */
export const EVENTS_OVERALL = 50_000;
/** What all kept events carry together. */
const DATA_BYTES = 24 * 1024 * 1024;

/** Where an event stands among all others. */
export interface EventPlace {
  /** One more than that of the event before. */
  readonly sequence: number;
  readonly timeMs: number;
}

/** The newest events, at most so many per entity and overall. Serves `tail`, `after` and related events. */
export interface EventRing {
  /** Without `packed`, the input's late data is built when it is read, or by {@link EventRing.packLate}. */
  add(place: EventPlace, input: EventInput, packed: PackedData | undefined): void;
  /** Builds late data that nobody has read so far, oldest first; answers whether more is left. */
  packLate(most: number): boolean;
  /** Oldest first. */
  select(matches: (event: BusEvent) => boolean): readonly BusEvent[];
}

export interface EventRingOptions {
  /** Begins the unique id of each event. */
  readonly idPrefix: string;
  readonly perEntity?: number;
  readonly overall?: number;
  readonly dataBytes?: number;
}

/** Sequence numbers of one entity's events, oldest first; those before `start` are gone. */
interface EntityEvents {
  sequences: number[];
  start: number;
}

/** Dead entries at the front of a list are cut off when there are this many. */
const DEAD_BEFORE_CUT = 256;

function removeSequence(list: EntityEvents, sequence: number): void {
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

const NO_CORRELATION: readonly string[] = [];

/**
 * The columns of a ring. Thousands of events a second pass through it, and each would live just long enough to be moved
 * about by the garbage collector; as columns they cost it nothing.
 */
class EventColumns {
  readonly #capacity: number;
  readonly #idPrefix: string;
  readonly #data: ReturnType<typeof createByteRing>;
  /** 0 for a place that holds no event. */
  readonly #sequences: Float64Array;
  readonly #times: Float64Array;
  readonly #names: string[] = [];
  /** One entity as it is, several as their list. */
  readonly #subjects: (EntityRef | readonly EntityRef[])[] = [];
  readonly #correlations: (readonly string[])[] = [];
  readonly #causes: (string | undefined)[] = [];
  readonly #schemas: (DescMessage | undefined)[] = [];
  readonly #late: (EventInput['lateData'] | undefined)[] = [];
  readonly #dataAt: Float64Array;
  readonly #dataLengths: Uint32Array;

  constructor(capacity: number, dataBytes: number, idPrefix: string) {
    this.#capacity = capacity;
    this.#idPrefix = idPrefix;
    this.#data = createByteRing(dataBytes);
    this.#sequences = new Float64Array(capacity);
    this.#times = new Float64Array(capacity);
    this.#dataAt = new Float64Array(capacity);
    this.#dataLengths = new Uint32Array(capacity);
  }

  has(sequence: number): boolean {
    return this.#sequences[sequence % this.#capacity] === sequence;
  }

  remove(sequence: number): void {
    this.#sequences[sequence % this.#capacity] = 0;
    this.#late[sequence % this.#capacity] = undefined;
  }

  subjectsOf(sequence: number): readonly EntityRef[] {
    const subjects = this.#subjects[sequence % this.#capacity];
    if (!subjects) return [];
    return 'kind' in subjects ? [subjects] : subjects;
  }

  put({ sequence, timeMs }: EventPlace, input: EventInput, packed: PackedData | undefined): void {
    const place = sequence % this.#capacity;
    const [subject, ...others] = input.identifiers;
    this.#sequences[place] = sequence;
    this.#times[place] = timeMs;
    this.#names[place] = input.name;
    this.#subjects[place] = subject && others.length === 0 ? subject : input.identifiers;
    this.#correlations[place] = input.correlationIds ?? NO_CORRELATION;
    this.#causes[place] = input.causeCode;
    this.#late[place] = packed ? undefined : input.lateData;
    this.#setData(place, packed);
  }

  #setData(place: number, packed: PackedData | undefined): void {
    this.#schemas[place] = packed?.schema;
    this.#dataAt[place] = packed ? this.#data.write(packed.bytes) : 0;
    this.#dataLengths[place] = packed?.bytes.length ?? 0;
  }

  /** Builds the late data of an event if that was not done; answers whether there was something to do. */
  packLate(sequence: number): boolean {
    const place = sequence % this.#capacity;
    const lateData = this.#late[place];
    if (!lateData || !this.has(sequence)) return false;
    this.#late[place] = undefined;
    this.#setData(place, packedData({ lateData }));
    return true;
  }

  /** The event as it is kept; its data is copied out and decoded when it is asked for. */
  event(sequence: number): BusEvent {
    const place = sequence % this.#capacity;
    const lateData = this.#late[place];
    const schema = this.#schemas[place];
    const bytes =
      schema && this.#data.read(this.#dataAt[place] ?? 0, this.#dataLengths[place] ?? 0);
    const causeCode = this.#causes[place];
    return {
      sequence,
      uniqueId: `${this.#idPrefix}-${sequence}`,
      name: this.#names[place] ?? '',
      timeMs: this.#times[place] ?? 0,
      identifiers: this.subjectsOf(sequence),
      correlationIds: this.#correlations[place] ?? NO_CORRELATION,
      ...(causeCode !== undefined && { causeCode }),
      data: (): EventData | undefined =>
        lateData
          ? packedData({ lateData })
          : schema && bytes && { schema, bytes, message: fromBinary(schema, bytes) },
    };
  }
}

/** Creates an empty ring. */
export function createEventRing(options: EventRingOptions): EventRing {
  const { idPrefix, perEntity = EVENTS_PER_ENTITY, overall = EVENTS_OVERALL } = options;
  const columns = new EventColumns(overall, options.dataBytes ?? DATA_BYTES, idPrefix);
  const byEntity = new Map<string, EntityEvents>();
  let newest = 0;
  /** Late data up to this event is built. */
  let packedUpTo = 0;

  const forget = (sequence: number): void => {
    if (!columns.has(sequence)) return;
    columns.remove(sequence);
    for (const entity of columns.subjectsOf(sequence)) {
      const key = entityKey(entity);
      const list = byEntity.get(key);
      if (!list) continue;
      removeSequence(list, sequence);
      if (list.sequences.length === list.start) byEntity.delete(key);
    }
  };
  const count = (sequence: number, entity: EntityRef): void => {
    const key = entityKey(entity);
    const list = byEntity.get(key) ?? { sequences: [], start: 0 };
    list.sequences.push(sequence);
    byEntity.set(key, list);
    if (list.sequences.length - list.start > perEntity) forget(list.sequences[list.start] ?? 0);
  };

  return {
    add(place, input, packed) {
      const { sequence } = place;
      forget(sequence - overall);
      columns.put(place, input, packed);
      newest = sequence;
      for (const entity of input.identifiers) count(sequence, entity);
    },
    packLate(most) {
      packedUpTo = Math.max(packedUpTo, newest - overall);
      for (let done = 0; packedUpTo < newest && done < most; packedUpTo += 1)
        if (columns.packLate(packedUpTo + 1)) done += 1;
      return packedUpTo < newest;
    },
    select(matches) {
      const found: BusEvent[] = [];
      for (let sequence = Math.max(1, newest - overall + 1); sequence <= newest; sequence += 1) {
        if (!columns.has(sequence)) continue;
        const event = columns.event(sequence);
        if (matches(event)) found.push(event);
      }
      return found;
    },
  };
}
