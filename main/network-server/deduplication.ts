import type { Clock } from '../base/clock.ts';
import type { Modulation } from '../base/gateway-link.ts';
import type { ReceivedUplink } from '../base/seams.ts';
import { createTurnBudget } from '../base/turn-budget.ts';
import { type DecodedFrame, decodeFrame } from '../lorawan/index.ts';
import { MOST_RECEPTIONS } from '../store/index.ts';

/** One frame and all its receptions. */
export interface UplinkGroup {
  readonly frame: DecodedFrame;
  /** In order of arrival; late ones are added after the decision. */
  readonly receptions: ReceivedUplink[];
  readonly first: ReceivedUplink;
  /** Resolves with the id of the frame's record once it was decided. */
  readonly recorded: Promise<number>;
  /** Called once, by whoever records the frame. */
  setRecorded(frameId: number): void;
}

/** Collects receptions of the same frame. */
export interface Deduplication {
  /** The first reception starts the window, at the end of which `onGroup` is called. */
  add(received: ReceivedUplink): void;
}

export interface DeduplicationOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  readonly onGroup: (group: UplinkGroup) => void;
  /** A copy came after the window, or when the group had its {@link MOST_RECEPTIONS} already. */
  readonly onLateCopy: (group: UplinkGroup, received: ReceivedUplink) => void;
}

/** How long one turn of the event loop decides frames; downlinks and receptions wait meanwhile. */
const TURN_MS = 4;
/** Copies later than this are judged by their counter. */
const DATA_MEMORY_MS = 1_200;
const JOIN_MEMORY_MS = 6_000;

function modulationKey(modulation: Modulation): string {
  switch (modulation.kind) {
    case 'lora':
      return `${modulation.spreadingFactor}/${modulation.bandwidthHz}`;
    case 'fsk':
      return `f${modulation.bitRate}`;
    case 'lrfhss':
      return `l${modulation.operatingChannelWidthHz}/${modulation.codingRate}`;
  }
}

function keyOf({ uplink }: ReceivedUplink): string {
  const bytes = uplink.phyPayload;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return `${uplink.frequencyHz} ${modulationKey(uplink.modulation)} ${text}`;
}

/** Decoded when the frame is decided: until then only what has to wait is kept. */
class Group implements UplinkGroup {
  readonly receptions: ReceivedUplink[];
  readonly first: ReceivedUplink;
  readonly #recorded = Promise.withResolvers<number>();
  #frame: DecodedFrame | undefined;

  constructor(first: ReceivedUplink) {
    this.first = first;
    this.receptions = [first];
  }

  get frame(): DecodedFrame {
    this.#frame ??= decodeFrame(this.first.uplink.phyPayload);
    return this.#frame;
  }

  get recorded(): Promise<number> {
    return this.#recorded.promise;
  }

  setRecorded(frameId: number): void {
    this.#recorded.resolve(frameId);
  }
}

/** By the type in the first byte alone (TS001-1.0.4 §4.2). */
function looksLikeJoinRequest({ uplink }: ReceivedUplink): boolean {
  return ((uplink.phyPayload[0] ?? 0xff) & 0xe0) === 0;
}

/** Creates a collector. All times are counted on the monotonic clock. */
export function createDeduplication(options: DeduplicationOptions): Deduplication {
  const { clock, windowMs, onGroup, onLateCopy } = options;
  /** In order of arrival, so that the oldest come first. */
  const data = new Map<string, UplinkGroup>();
  const joins = new Map<string, UplinkGroup>();
  const open = new WeakSet<UplinkGroup>();

  const decisions = createTurnBudget<UplinkGroup>(clock, TURN_MS, (group) => {
    open.delete(group);
    onGroup(group);
  });

  const forgetOld = (groups: Map<string, UplinkGroup>, memoryMs: number): void => {
    const oldestMs = clock.monotonic() - Math.max(memoryMs, windowMs);
    for (const [key, group] of groups) {
      if (group.first.receivedMonotonicMs > oldestMs) return;
      groups.delete(key);
    }
  };
  return {
    add(received) {
      forgetOld(data, DATA_MEMORY_MS);
      forgetOld(joins, JOIN_MEMORY_MS);
      const key = keyOf(received);
      const known = data.get(key) ?? joins.get(key);
      if (known) {
        const isFull = known.receptions.length >= MOST_RECEPTIONS;
        if (!isFull) known.receptions.push(received);
        if (isFull || !open.has(known)) onLateCopy(known, received);
        return;
      }
      const group = new Group(received);
      (looksLikeJoinRequest(received) ? joins : data).set(key, group);
      open.add(group);
      clock.setTimer(windowMs, () => decisions.add(group));
    },
  };
}
