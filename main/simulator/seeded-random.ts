/** A source of numbers in [0, 1). */
export type Random = () => number;

/** A reproducible source (mulberry32): the same seed gives the same numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A source of its own, so that what one device draws does not change what another one gets. */
export function forkRandom(random: Random): Random {
  return seededRandom(Math.floor(random() * 2 ** 32));
}

/** An integer in [0, limit). */
export function randomBelow(random: Random, limit: number): number {
  return Math.min(limit - 1, Math.floor(random() * limit));
}

/** A normally distributed value with mean 0 (Box-Muller). */
export function randomNormal(random: Random, deviation: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return deviation * radius * Math.cos(2 * Math.PI * random());
}
