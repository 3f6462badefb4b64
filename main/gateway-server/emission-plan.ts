import { type EvidenceData, fact } from '../base/causes.ts';

/** One planned or past transmission of a gateway. */
export interface Emission {
  /** The concentrator's 32-bit counter at its start; undefined if the gateway's counter is not known. */
  readonly startTimestampUs: number | undefined;
  /** The same moment on this computer's monotonic clock, as well as it is known. */
  readonly startMonotonicMs: number;
  readonly durationUs: number;
  readonly frequencyHz: number;
  readonly subBand: SubBandLimit;
}

/** A range of frequencies with its duty cycle. */
export interface SubBandLimit {
  readonly minFrequencyHz: number;
  readonly maxFrequencyHz: number;
  /** Share of time; 1 without limit. */
  readonly dutyCycle: number;
}

export type EmissionRefusal = {
  readonly cause: 'conflict' | 'duty_cycle';
  readonly evidence: readonly EvidenceData[];
  /** When the emission in the way is over, recharge included, or when enough of the duty cycle is free again. */
  readonly freeAtMonotonicMs?: number;
};

/** What a gateway has sent and will send: conflicts and duty cycle. */
export interface EmissionPlan {
  /** Why the transmission cannot be made; undefined if it can. `priority` is 0 (lowest) to 6 (highest). */
  check(emission: Emission, priority: number): EmissionRefusal | undefined;
  add(emission: Emission): void;
  /** Takes back one that was never transmitted. */
  remove(emission: Emission): void;
  /** Those with emissions that are remembered. */
  subBands(): readonly SubBandLimit[];
  /** Air time of the past hour in this sub-band, as a share. */
  utilization(subBand: SubBandLimit, nowMonotonicMs: number): number;
}

const HOUR_MS = 3_600_000;
/** A concentrator needs this long between two transmissions. */
const RECHARGE_US = 30_000;
/** Emissions nobody needs any more are dropped in lots. */
const FORGOTTEN_AT_ONCE = 100;
/** Sums of shares are this exact. */
const ROUNDING = 1e-9;
/** Emissions further apart on the computer's clock do not touch: no frame is that long, and no clock that wrong. */
const NEARBY_MS = 2 * 60_000;
/** Share of the duty cycle by priority, lowest first. */
const PRIORITY_CEILING = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const;

function sameSubBand(left: SubBandLimit, right: SubBandLimit): boolean {
  return (
    left.minFrequencyHz === right.minFrequencyHz && left.maxFrequencyHz === right.maxFrequencyHz
  );
}

/** Whether an emission uses the sub-band up; those made while the duty cycle was not enforced count by frequency. */
function uses({ subBand: own, frequencyHz }: Emission, subBand: SubBandLimit): boolean {
  if (own === subBand || sameSubBand(own, subBand)) return true;
  return (
    (own.dutyCycle >= 1 || subBand.dutyCycle >= 1) &&
    subBand.minFrequencyHz <= frequencyHz &&
    frequencyHz <= subBand.maxFrequencyHz
  );
}

function endMs({ startMonotonicMs, durationUs }: Emission): number {
  return startMonotonicMs + durationUs / 1000;
}

/** How much later than asked for it would be possible. */
function freeIn(freeAtMs: number, { startMonotonicMs }: Emission): EvidenceData {
  return fact('free_in', Math.ceil(freeAtMs - startMonotonicMs) / 1000, 's');
}

/** Time two transmissions overlap, the concentrator's recharge included; counters compared modulo 2^32. */
function overlaps(left: Emission, right: Emission): boolean {
  const aheadUs =
    left.startTimestampUs === undefined || right.startTimestampUs === undefined
      ? (right.startMonotonicMs - left.startMonotonicMs) * 1000
      : (right.startTimestampUs - left.startTimestampUs) | 0;
  return aheadUs < left.durationUs + RECHARGE_US && -aheadUs < right.durationUs + RECHARGE_US;
}

/** Creates an empty plan. */
export function createEmissionPlan(): EmissionPlan {
  /** In the order in which they start. */
  let emissions: Emission[] = [];

  /** Index of the first that starts at that time or later. */
  const firstFrom = (startMs: number): number => {
    let low = 0;
    let high = emissions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((emissions[middle]?.startMonotonicMs ?? 0) < startMs) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const conflictWith = (emission: Emission): Emission | undefined => {
    const { startMonotonicMs } = emission;
    for (let at = firstFrom(startMonotonicMs - NEARBY_MS); at < emissions.length; at += 1) {
      const other = emissions[at];
      if (!other || other.startMonotonicMs > startMonotonicMs + NEARBY_MS) return undefined;
      if (overlaps(other, emission)) return other;
    }
    return undefined;
  };

  /** Air time in [fromMs, fromMs + 1 h); an emission that began before counts with what lies inside. */
  const usedMs = (subBand: SubBandLimit, fromMs: number): number => {
    let sumMs = 0;
    for (let at = firstFrom(fromMs - NEARBY_MS); at < emissions.length; at += 1) {
      const emission = emissions[at];
      if (!emission || emission.startMonotonicMs >= fromMs + HOUR_MS) break;
      if (!uses(emission, subBand)) continue;
      const untilMs = endMs(emission);
      if (untilMs > fromMs) sumMs += untilMs - Math.max(emission.startMonotonicMs, fromMs);
    }
    return sumMs;
  };

  /** When the newest emissions that fit beside this one are all that is left of the past hour. */
  const affordableAtMs = (subBand: SubBandLimit, ownMs: number, limitMs: number) => {
    let leftMs = limitMs - ownMs;
    if (leftMs < 0) return undefined;
    for (let at = emissions.length - 1; at >= 0; at -= 1) {
      const emission = emissions[at];
      if (!emission || !uses(emission, subBand)) continue;
      leftMs -= emission.durationUs / 1000;
      if (leftMs < 0) return endMs(emission) + HOUR_MS - ownMs;
    }
    return undefined;
  };

  const dutyCycleProblem = (emission: Emission, priority: number): EmissionRefusal | undefined => {
    const { subBand, startMonotonicMs } = emission;
    if (subBand.dutyCycle >= 1) return undefined;
    const ownMs = emission.durationUs / 1000;
    const ceiling = PRIORITY_CEILING[Math.min(Math.max(priority, 0), 6)] ?? 1;
    const limit = subBand.dutyCycle * ceiling;
    const usedShare =
      (Math.max(
        usedMs(subBand, startMonotonicMs + ownMs - HOUR_MS),
        usedMs(subBand, startMonotonicMs),
      ) +
        ownMs) /
      HOUR_MS;
    if (usedShare <= limit + ROUNDING) return undefined;
    const freeAtMonotonicMs = affordableAtMs(subBand, ownMs, limit * HOUR_MS);
    return {
      cause: 'duty_cycle',
      ...(freeAtMonotonicMs !== undefined && { freeAtMonotonicMs }),
      evidence: [
        fact('share_with_this', usedShare),
        fact('allowed_share', limit),
        fact('sub_band_duty_cycle', subBand.dutyCycle),
        ...(freeAtMonotonicMs === undefined ? [] : [freeIn(freeAtMonotonicMs, emission)]),
      ],
    };
  };

  return {
    check(emission, priority) {
      const inTheWay = conflictWith(emission);
      if (!inTheWay) return dutyCycleProblem(emission, priority);
      const freeAtMonotonicMs = endMs(inTheWay) + RECHARGE_US / 1000;
      const { startTimestampUs } = inTheWay;
      return {
        cause: 'conflict',
        evidence: [
          ...(startTimestampUs === undefined
            ? []
            : [fact('other_start_us', startTimestampUs, 'us')]),
          freeIn(freeAtMonotonicMs, emission),
        ],
        freeAtMonotonicMs,
      };
    },
    add(emission) {
      const tooOld = firstFrom(emission.startMonotonicMs - 2 * HOUR_MS);
      if (tooOld >= FORGOTTEN_AT_ONCE) emissions = emissions.slice(tooOld);
      emissions.splice(firstFrom(emission.startMonotonicMs), 0, emission);
    },
    remove(emission) {
      const at = emissions.indexOf(emission);
      if (at >= 0) emissions.splice(at, 1);
    },
    subBands: () =>
      emissions
        .map(({ subBand }) => subBand)
        .filter((one, index, all) => all.findIndex((other) => sameSubBand(one, other)) === index),
    utilization: (subBand, nowMs) => usedMs(subBand, nowMs - HOUR_MS) / HOUR_MS,
  };
}
