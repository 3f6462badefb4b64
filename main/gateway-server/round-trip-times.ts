const KEPT_SAMPLES = 20;
const SAMPLE_LIFE_MS = 30 * 60_000;
/** Fewer samples say too little for a percentile. */
export const ENOUGH_SAMPLES = 5;

/** Recent round-trip times between handing a downlink over and the gateway's answer. */
export interface RoundTripTimes {
  add(roundTripMs: number): void;
  count(): number;
  medianMs(): number | undefined;
  minMs(): number | undefined;
  maxMs(): number | undefined;
  /** The value that so many percent of the samples do not exceed. */
  percentileMs(percent: number): number | undefined;
}

/** Creates an empty list. `monotonic` is a clock in milliseconds. */
export function createRoundTripTimes(monotonic: () => number): RoundTripTimes {
  let samples: { readonly atMs: number; readonly valueMs: number }[] = [];
  const sorted = (): number[] => {
    const oldestMs = monotonic() - SAMPLE_LIFE_MS;
    samples = samples.filter(({ atMs }) => atMs >= oldestMs);
    return samples.map(({ valueMs }) => valueMs).sort((a, b) => a - b);
  };
  return {
    add(valueMs) {
      samples = [...samples, { atMs: monotonic(), valueMs }].slice(-KEPT_SAMPLES);
    },
    count: () => sorted().length,
    minMs: () => sorted()[0],
    maxMs: () => sorted().at(-1),
    medianMs() {
      const values = sorted();
      const middle = values.length >> 1;
      const upper = values[middle];
      const lower = values[values.length % 2 === 0 ? middle - 1 : middle];
      return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
    },
    percentileMs(percent) {
      const values = sorted();
      return values[Math.max(0, Math.floor((percent / 100) * values.length) - 1)];
    },
  };
}
