import { type Clock, sleepWith, type Timer } from './clock.ts';
import { createTimerHeap, type PendingTimer } from './timer-heap.ts';

/** A clock that moves only when told to. Timers fire in order of their due time, then of their creation. */
export interface VirtualClock extends Clock {
  /** Moves both clocks on, firing what falls due and letting promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Lets the wall clock jump without the monotonic one, as an NTP correction or a user does. */
  jumpWallClock(ms: number): void;
  /**
   * Suspends the computer: both clocks go on and nothing runs. Afterwards timers fire as late as they were due, or, where
   * they stand still meanwhile (Linux), after what was left of their delay.
   */
  suspend(ms: number, timers?: 'fire_late' | 'stand_still'): void;
  /** Number of timers still waiting. */
  readonly pending: number;
}

/** Gives promise chains and immediates started by a timer the chance to run before the next one fires. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1)
    await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Creates a virtual clock; `startMs` is its first wall clock reading. */
export function virtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let monotonicMs = 0;
  let wallOffsetMs = startMs;
  let nextOrder = 0;
  const timers = createTimerHeap();

  const clock: VirtualClock = {
    now: () => Math.floor(wallOffsetMs + monotonicMs),
    monotonic: () => monotonicMs,
    setTimer(delayMs, run): Timer {
      const timer: PendingTimer = {
        dueMs: monotonicMs + Math.max(0, delayMs),
        order: nextOrder,
        run,
      };
      nextOrder += 1;
      timers.add(timer);
      return { cancel: () => timers.cancel(timer) };
    },
    sleep: (delayMs, signal) => sleepWith(clock, delayMs, signal),
    async advance(ms) {
      const targetMs = monotonicMs + ms;
      await settle();
      for (let timer = timers.take(targetMs); timer; timer = timers.take(targetMs)) {
        monotonicMs = Math.max(monotonicMs, timer.dueMs);
        timer.run();
        await settle();
      }
      monotonicMs = targetMs;
    },
    jumpWallClock(ms) {
      wallOffsetMs += ms;
    },
    suspend(ms, behaviour = 'stand_still') {
      monotonicMs += ms;
      if (behaviour === 'stand_still') timers.postpone(ms);
    },
    get pending() {
      return timers.size;
    },
  };
  return clock;
}
