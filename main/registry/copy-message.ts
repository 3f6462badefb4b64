/**
 * A deep copy of a message, several times faster than `clone` of the protobuf library, which asks descriptors about every
 * field. Messages of proto3 are plain objects of scalars, bytes, lists, maps and messages, so that nothing is lost.
 */
export function copyMessage<T>(message: T): T {
  return copyValue(message) as T;
}

function copyValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copyValue);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    copy[key] = copyValue((value as Readonly<Record<string, unknown>>)[key]);
  }
  return copy;
}
