import { create } from '@bufbuild/protobuf';
import type { Frame } from '../../api/gen/gatehouse/v1/frames_pb.js';
import {
  type WatchRequest,
  type WatchUpdate,
  WatchUpdateSchema,
  type WorkspaceInfo,
} from '../../api/gen/gatehouse/v1/workspace_pb.js';
import type { Clock } from '../../base/clock.ts';
import type { EventBus, Subscription } from '../../events/index.ts';
import type { FrameStore } from '../../store/index.ts';
import type { Call } from '../call.ts';
import { entityOf, eventMessage } from './events.ts';
import type { LinkPort } from './links.ts';
import type { SimulatedDevicePort } from './simulator.ts';

/** Changes are gathered this long, so that a page gets at most one update per animation frame. */
const GATHER_MS = 16;
/** An empty update is sent after this much silence, so that a page can tell a quiet stream from a dead one. */
const SIGN_OF_LIFE_MS = 15_000;
/** Frames and events that may wait for a slow page; older ones are counted and left to the lists. */
const CAPACITY = 2_000;

export interface WatchOptions {
  readonly frames: FrameStore;
  readonly events: EventBus;
  readonly links: LinkPort & { onChange(listener: () => void): () => void };
  readonly simulated: SimulatedDevicePort;
  readonly clock: Clock;
}

interface Pending {
  frames: Frame[];
  skippedFrames: bigint;
  linksChanged: boolean;
  simulatorChanged: boolean;
  events: ReturnType<typeof eventMessage>[];
  skippedEvents: bigint;
}

const nothing = (): Pending => ({
  frames: [],
  skippedFrames: 0n,
  linksChanged: false,
  simulatorChanged: false,
  events: [],
  skippedEvents: 0n,
});

function isEmpty(pending: Pending): boolean {
  return (
    pending.frames.length + pending.events.length === 0 &&
    !pending.linksChanged &&
    !pending.simulatorChanged &&
    pending.skippedFrames + pending.skippedEvents === 0n
  );
}

/** Everything one page subscribed to, gathered until it is taken. */
class Gatherer {
  readonly #stops: (() => void)[] = [];
  #pending = nothing();
  #wake: (() => void) | undefined;

  constructor(request: WatchRequest, { events, frames, links, simulated }: WatchOptions) {
    if (request.frames) this.#stops.push(frames.onFrame((frame) => this.#frame(frame)));
    if (request.links) {
      this.#pending.linksChanged = true;
      this.#stops.push(
        links.onChange(() => {
          this.#pending.linksChanged = true;
          this.wake();
        }),
      );
    }
    if (request.simulator) {
      this.#pending.simulatorChanged = true;
      this.#stops.push(
        simulated.onChange(() => {
          this.#pending.simulatorChanged = true;
          this.wake();
        }),
      );
    }
    const entities = request.eventsOf.map(entityOf).filter((one) => one !== undefined);
    if (entities.length > 0) {
      const subscription = events.subscribe({ entities, capacity: CAPACITY });
      this.#stops.push(() => subscription.close());
      void this.#readEvents(subscription);
    }
  }

  #frame(frame: Frame): void {
    this.#pending.frames.push(frame);
    if (this.#pending.frames.length > CAPACITY) {
      this.#pending.frames.shift();
      this.#pending.skippedFrames += 1n;
    }
    this.wake();
  }

  async #readEvents(subscription: Subscription): Promise<void> {
    for (let batch = await subscription.next(); batch; batch = await subscription.next()) {
      this.#pending.events.push(...batch.events.map(eventMessage));
      this.#pending.skippedEvents += BigInt(batch.skipped);
      const excess = this.#pending.events.length - CAPACITY;
      if (excess > 0) {
        this.#pending.events.splice(0, excess);
        this.#pending.skippedEvents += BigInt(excess);
      }
      this.wake();
    }
  }

  wake(): void {
    this.#wake?.();
  }

  /** Resolves when there is something to take, or after `limitMs`. */
  async wait(clock: Clock, limitMs: number): Promise<void> {
    if (!isEmpty(this.#pending)) return;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(limitMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }

  take(): Pending {
    const taken = this.#pending;
    this.#pending = nothing();
    return taken;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}

function updateOf(
  pending: Pending,
  { links, simulated }: WatchOptions,
  info: () => WorkspaceInfo,
): WatchUpdate {
  const { linksChanged, simulatorChanged, ...rest } = pending;
  return create(WatchUpdateSchema, {
    ...rest,
    linksIncluded: linksChanged,
    links: linksChanged ? links.list() : [],
    simulatorIncluded: simulatorChanged,
    simulatedDevices: simulatorChanged ? simulated.list() : [],
    // What the workspace says of itself changes with its links: the demonstration has one.
    ...(linksChanged && { workspace: info() }),
  });
}

/** The one stream a page needs: what it asked for, gathered, bounded, and never blocking anybody. */
export async function* watch(
  request: WatchRequest,
  call: Call,
  options: WatchOptions,
  info: () => WorkspaceInfo,
): AsyncGenerator<WatchUpdate> {
  const gatherer = new Gatherer(request, options);
  const onAbort = (): void => gatherer.wake();
  call.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const recorded =
      request.frames && request.framesAfterId > 0n
        ? (await options.frames.list({ afterId: Number(request.framesAfterId), limit: CAPACITY }))
            .frames
        : [];
    const first = updateOf(gatherer.take(), options, info);
    first.frames.unshift(...recorded);
    first.workspace = info();
    yield first;
    while (!call.signal.aborted) {
      await gatherer.wait(options.clock, SIGN_OF_LIFE_MS);
      if (call.signal.aborted) return;
      await options.clock.sleep(GATHER_MS);
      yield updateOf(gatherer.take(), options, info);
    }
  } finally {
    gatherer.stop();
  }
}
