/** Operations per second of one candidate in one round. */
export type Candidate = () => number | Promise<number>;

/** Medians over all rounds. */
export interface RoundsResult {
  /** Operations per second by candidate. */
  readonly rates: Readonly<Record<string, number>>;
  /** How many times faster candidate `of` is than `than`: the median of the ratios within each round. */
  ratio(of: string, than: string): number;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/**
 * Runs the candidates in turns. On a machine that does other things besides, absolute rates differ from run to run; the
 * ratio of two candidates within a round differs much less.
 */
export async function runInterleaved(
  candidates: Readonly<Record<string, Candidate>>,
  rounds: number,
): Promise<RoundsResult> {
  const measured = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(candidates)) {
      const rates = measured.get(name) ?? [];
      rates.push(await run());
      measured.set(name, rates);
    }
  }
  const ratesOf = (name: string): readonly number[] => measured.get(name) ?? [];
  return {
    rates: Object.fromEntries([...measured].map(([name, rates]) => [name, median(rates)])),
    ratio: (of, than) => {
      const base = ratesOf(than);
      return median(ratesOf(of).map((rate, round) => rate / (base[round] ?? Number.NaN)));
    },
  };
}

/** Calls `run`, which does `operations` operations, again and again for about `milliseconds`. */
export function rateOf(operations: number, milliseconds: number, run: () => void): number {
  const startMs = performance.now();
  let done = 0;
  let elapsedMs = 0;
  while (elapsedMs < milliseconds) {
    run();
    done += operations;
    elapsedMs = performance.now() - startMs;
  }
  return (done / elapsedMs) * 1_000;
}
