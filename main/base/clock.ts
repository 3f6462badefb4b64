import { uptime } from 'node:os';

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
  /**
   * Milliseconds since an arbitrary start; never goes back and does not follow the wall clock when that jumps. Time for
   * which the computer was suspended counts, as it does for gateways and devices: what was due meanwhile is late.
   */
  monotonic(): number;
  /**
   * Runs `run` once after `delayMs` (at least on the next turn of the event loop). A suspension may delay it by its whole
   * length and more, so whoever must not be late asks `monotonic` when it runs.
   */
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

/** What the computer offers to tell time by, in milliseconds. */
export interface TimeSources {
  /** Wall clock. */
  wallMs(): number;
  /** Never goes back; whether it goes on during a suspension differs by system (not on Linux). */
  runningMs(): number;
  /** Time since the computer was started, suspensions included; good to about a second. */
  sinceBootMs(): number;
}

/** A wall clock that moves so far against the running one was set, or the computer was suspended. */
const NOTICEABLE_SKEW_MS = 500;
/** Shorter suspensions drown in the coarseness of the time since boot; gateways refuse what they make late. */
const SHORTEST_SUSPENSION_MS = 2_000;

/**
 * A monotonic clock that counts suspensions on every system. The running clock is cheap to read but stands still on Linux
 * while the computer sleeps; the time since boot goes on but is coarse and costs a system call. So it is asked only when
 * the wall clock moved against the running one, and tells a suspension from a wall clock that was set.
 */
export function suspensionAwareMonotonic(sources: TimeSources): () => number {
  const offsetMs = (): number => sources.sinceBootMs() - sources.runningMs();
  let skewMs = sources.wallMs() - sources.runningMs();
  let bootOffsetMs = offsetMs();
  let suspendedMs = 0;
  return () => {
    const runningMs = sources.runningMs();
    const newSkewMs = sources.wallMs() - runningMs;
    if (Math.abs(newSkewMs - skewMs) > NOTICEABLE_SKEW_MS) {
      skewMs = newSkewMs;
      const missedMs = offsetMs() - bootOffsetMs;
      if (missedMs >= SHORTEST_SUSPENSION_MS) {
        suspendedMs += missedMs;
        bootOffsetMs += missedMs;
      }
    }
    return runningMs + suspendedMs;
  };
}

/** Where the system does not say how long it has been up, suspensions go unnoticed. */
function sinceBootMs(): number {
  try {
    return uptime() * 1000;
  } catch {
    return performance.now();
  }
}

/** The computer's own clock. */
export function systemClock(): Clock {
  const clock: Clock = {
    now: () => Date.now(),
    monotonic: suspensionAwareMonotonic({
      wallMs: () => Date.now(),
      runningMs: () => performance.now(),
      sinceBootMs,
    }),
    setTimer(delayMs, run) {
      const handle = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_DELAY_MS));
      return { cancel: () => clearTimeout(handle) };
    },
    sleep: (delayMs, signal) => sleepWith(clock, delayMs, signal),
  };
  return clock;
}
