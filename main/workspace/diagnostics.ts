import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How busy the program is. */
export interface LoopMeter {
  /** Since the last reading, in milliseconds. */
  read(): { readonly p99Ms: number; readonly maxMs: number };
  stop(): void;
}

const NANOS_PER_MS = 1_000_000;
const RESOLUTION_MS = 10;

/** Measures how late the event loop is. */
export function createLoopMeter(): LoopMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    read() {
      const late = (nanos: number): number => Math.max(0, nanos / NANOS_PER_MS - RESOLUTION_MS);
      const reading = { p99Ms: late(histogram.percentile(99)), maxMs: late(histogram.max) };
      histogram.reset();
      return reading;
    },
    stop: () => histogram.disable(),
  };
}
