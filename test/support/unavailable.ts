import { appendFileSync } from 'node:fs';

/**
 * Tells that a suite cannot run on this machine, and why: one JSON line in the file named by
 * `GATEHOUSE_UNAVAILABLE_FILE`, so that the test script can say so instead of passing in silence.
 */
export function unavailable(suite: string, reason: string): void {
  const file = process.env.GATEHOUSE_UNAVAILABLE_FILE;
  if (file) appendFileSync(file, `${JSON.stringify({ suite, reason })}\n`);
}
