const WRAP_16 = 0x10000;
const LIMIT_32 = 2 ** 32;

/**
 * The complete counter of an uplink from the 16 bits on air: the smallest value not below the last one that ends in
 * them. Whether it is acceptable is for the caller to decide.
 *
 * @param last complete counter of the last accepted uplink; undefined before the first
 * @param supports32 false for devices that count with 16 bits only
 */
export function uplinkFrameCounter(
  last: number | undefined,
  fCnt16: number,
  supports32: boolean,
): number {
  if (last === undefined || !supports32) return fCnt16;
  const high = last - (last % WRAP_16);
  const full = fCnt16 >= last % WRAP_16 ? high + fCnt16 : high + WRAP_16 + fCnt16;
  return full < LIMIT_32 ? full : fCnt16;
}
