/** A pending timer; cancelling one that has fired does nothing. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as a dependency. Nothing else in the core reads the wall clock or sets a timer, so windows, duty cycle and
 * time-outs can be tested in virtual time.
 */
export interface Clock {
  /** Wall clock in whole milliseconds since 1970 (UTC). May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back, goes on while the wall clock jumps. */
  monotonic(): number;
  /** Runs `run` once after `delayMs` (at least on the next turn of the event loop). */
  setTimer(delayMs: number, run: () => void): Timer;
  /** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Longest delay `setTimeout` honours (2^31 − 1 ms); a longer one would fire at once. */
const LONGEST_DELAY_MS = 0x7fff_ffff;

function abortReason(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException('The wait was aborted.', 'AbortError');
}

/** `sleep` in terms of `setTimer`, shared by the real and the virtual clock. */
export function sleepWith(
  clock: Pick<Clock, 'setTimer'>,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      if (signal) reject(abortReason(signal));
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The computer's own clock. */
export function systemClock(): Clock {
  const clock: Clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    setTimer(delayMs, run) {
      const handle = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS));
      return { cancel: () => clearTimeout(handle) };
    },
    sleep: (delayMs, signal) => sleepWith(clock, delayMs, signal),
  };
  return clock;
}
