import type { Clock } from './clock.ts';

/** Work that is done in portions, so that a backlog does not hold the event loop. */
export interface TurnBudget<T> {
  /** Hands in one piece of work: it is done at once, or in a later turn of the event loop if this one has done enough. */
  add(piece: T): void;
}

/**
 * Does pieces of work in their order, for about `turnMs` in each turn of the event loop. Timers that are late fire all in
 * one turn; without a limit they make the next ones late as well.
 */
export function createTurnBudget<T>(
  clock: Pick<Clock, 'monotonic'>,
  turnMs: number,
  work: (piece: T) => void,
): TurnBudget<T> {
  let waiting: T[] = [];
  let turnStartedMs: number | undefined;

  const run = (): void => {
    if (turnStartedMs === undefined) {
      turnStartedMs = clock.monotonic();
      setImmediate(() => {
        turnStartedMs = undefined;
        if (waiting.length > 0) run();
      });
    }
    let done = 0;
    try {
      while (done < waiting.length && clock.monotonic() - turnStartedMs < turnMs) {
        done += 1;
        work(waiting[done - 1] as T);
      }
    } finally {
      if (done > 0) waiting = waiting.slice(done);
    }
  };
  return {
    add(piece) {
      waiting.push(piece);
      run();
    },
  };
}
