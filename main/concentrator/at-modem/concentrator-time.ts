const WRAP = 2 ** 32;

/** The 32-bit microsecond counter a modem lacks, taken from the host's monotonic milliseconds. */
export function timestampFromMonotonic(monotonicMs: number): number {
  const us = Math.floor(monotonicMs * 1000) % WRAP;
  return us < 0 ? us + WRAP : us;
}

/** The monotonic time nearest to `nowMs` at which the counter has this value. */
export function monotonicFromTimestamp(timestampUs: number, nowMs: number): number {
  const difference = (timestampUs - timestampFromMonotonic(nowMs)) | 0;
  return nowMs + difference / 1000;
}
