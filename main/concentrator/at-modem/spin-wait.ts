import type { Clock } from '../../base/clock.ts';

/** A timer may fire that much late; the rest is waited for by looking at the clock. */
const SPIN_MS = 2;
/** Ends the loop on a clock that stands still, as a virtual one does. */
const MOST_LOOKS = 200_000;

/** Waits until a monotonic time as exactly as a process can. Resolves at once when it has passed. */
export async function waitUntil(clock: Clock, targetMs: number): Promise<void> {
  const delayMs = targetMs - clock.monotonic() - SPIN_MS;
  if (delayMs > 0) await clock.sleep(delayMs);
  for (let looks = 0; looks < MOST_LOOKS && clock.monotonic() < targetMs; looks += 1);
}
