/** Whether two byte strings are equal. Not constant-time: not for comparing secrets that somebody else sends. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
