/** Sessions of a device whose keys are kept. */
export const SESSION_KEY_LIMIT = 10;

/** A new session key id: 48 bits of milliseconds, then 80 random bits, so that ids sort by time. */
export function newSessionKeyId(nowMs: number, random: (count: number) => Uint8Array): Uint8Array {
  const id = new Uint8Array(16);
  let rest = Math.max(0, Math.floor(nowMs));
  for (let index = 5; index >= 0; index -= 1) {
    id[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  id.set(random(10), 6);
  return id;
}
