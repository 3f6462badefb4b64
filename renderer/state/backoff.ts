const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/** Wait before the nth attempt (from 1) to connect again: doubles, and is never longer than ten seconds. */
export function backoffMs(attempt: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, attempt - 1));
}
