import { type Clock, sleepWith, type Timer } from '../../base/clock.ts';
import type { VirtualClock } from '../../base/virtual-clock.ts';

/** The clock of one run of the program: it measures from the run's start, and its timers end with the run. */
export function clockOfRun(world: VirtualClock): Clock & { end(): void } {
  const startedMs = world.monotonic();
  const timers = new Set<Timer>();
  const clock = {
    now: () => world.now(),
    monotonic: () => world.monotonic() - startedMs,
    setTimer(delayMs: number, run: () => void): Timer {
      const timer = world.setTimer(delayMs, () => {
        timers.delete(timer);
        run();
      });
      timers.add(timer);
      return {
        cancel() {
          timers.delete(timer);
          timer.cancel();
        },
      };
    },
    sleep: (delayMs: number, signal?: AbortSignal): Promise<void> =>
      sleepWith(clock, delayMs, signal),
    end() {
      for (const timer of timers) timer.cancel();
      timers.clear();
    },
  };
  return clock;
}
