import { create, type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { ErrorDetailsSchema } from '../api/gen/ttn/lorawan/v3/error_pb.js';
import { CAUSES, type CauseCode } from '../base/causes.ts';
import { STATUS } from '../base/errors.ts';
import type { BusEvent, EntityRef, EventData, EventInput } from './event.ts';

const NO_CORRELATION: readonly string[] = [];

/** Data of an event that tells of a failure and carries nothing else. */
function failureData(causeCode: string): EventData {
  const text = causeCode in CAUSES ? CAUSES[causeCode as CauseCode].text : '';
  const message = create(ErrorDetailsSchema, {
    namespace: 'gatehouse',
    name: causeCode,
    messageFormat: text,
    code: STATUS.UNKNOWN,
  });
  return { schema: ErrorDetailsSchema, message };
}

/** What an event carries, encoded once for everybody. */
interface PackedData extends EventData {
  readonly bytes: Uint8Array;
}

function pack(data: EventData): PackedData {
  if (data.bytes) return { ...data, bytes: data.bytes };
  // Pooled: a buffer of its own would cost more than most of these messages have bytes.
  return { ...data, bytes: Buffer.from(toBinary(data.schema, data.message)) };
}

/** Data that several events carry, encoded for all of them. */
export function encodedData(schema: DescMessage, message: Message): EventData {
  return pack({ schema, message });
}

/** Publishing never throws: whoever publishes is in the middle of work that matters more than its event. */
function packedData({ data: build, causeCode }: EventInput): PackedData | undefined {
  try {
    if (build) return pack(build());
  } catch {
    return pack(failureData('internal_error'));
  }
  return causeCode === undefined ? undefined : pack(failureData(causeCode));
}

/**
 * An event as the ring keeps it: what it carries is there in encoded form only, so that nothing of the work that led to
 * it stays in memory, and is decoded for each who reads it later.
 */
class KeptEvent implements BusEvent {
  readonly sequence: number;
  readonly name: string;
  readonly timeMs: number;
  readonly identifiers: readonly EntityRef[];
  readonly correlationIds: readonly string[];
  readonly causeCode?: string;
  readonly #idPrefix: string;
  readonly #schema: DescMessage | undefined;
  readonly #bytes: Uint8Array | undefined;

  constructor(input: EventInput, place: EventPlace, packed: PackedData | undefined) {
    this.sequence = place.sequence;
    this.name = input.name;
    this.timeMs = place.timeMs;
    this.identifiers = input.identifiers;
    this.correlationIds = input.correlationIds ?? NO_CORRELATION;
    if (input.causeCode !== undefined) this.causeCode = input.causeCode;
    this.#idPrefix = place.idPrefix;
    this.#schema = packed?.schema;
    this.#bytes = packed?.bytes;
  }

  get uniqueId(): string {
    return `${this.#idPrefix}-${this.sequence}`;
  }

  data(): EventData | undefined {
    if (!this.#schema || !this.#bytes) return undefined;
    const message = fromBinary(this.#schema, this.#bytes);
    return { schema: this.#schema, message, bytes: this.#bytes };
  }
}

/** The same event for those who listen at the moment: the message is there as it was built. */
class LiveEvent extends KeptEvent {
  readonly #packed: PackedData | undefined;

  constructor(input: EventInput, place: EventPlace, packed: PackedData | undefined) {
    super(input, place, packed);
    this.#packed = packed;
  }

  override data(): EventData | undefined {
    return this.#packed;
  }
}

/** Where an event stands among all others. */
export interface EventPlace {
  readonly sequence: number;
  readonly timeMs: number;
  /** Differs from one start of the program to the next. */
  readonly idPrefix: string;
}

/** Both forms of an event; that for listeners is made when the first of them is found. */
export function publishedEvent(
  input: EventInput,
  place: EventPlace,
): { readonly kept: BusEvent; readonly live: () => BusEvent } {
  const packed = packedData(input);
  let live: BusEvent | undefined;
  return {
    kept: new KeptEvent(input, place, packed),
    live: () => {
      live ??= new LiveEvent(input, place, packed);
      return live;
    },
  };
}
