/**
 * Time between the starts of a few devices. One that starts joins after 5 s, sends 1 s to 3 s later and is answered 5 s after
 * that; no multiple of this time makes a request or an answer of one device fall on a transmission to another.
 */
const FEW_SPACING_MS = 4_600;
/** With more, some are lost and repeated, as on the air; 5 s and 6 s, after which join-accepts are sent, are no multiples. */
export const MANY_SPACING_MS = 1_325;
const FEW = 50;

/** Milliseconds between the starts of two of `count` simulated devices: the gateway hears nothing while it transmits. */
export function startSpacingMs(count: number): number {
  return count <= FEW ? FEW_SPACING_MS : MANY_SPACING_MS;
}
