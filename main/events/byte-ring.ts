/** The newest bytes of a stream of writes, in one buffer. */
export interface ByteRing {
  /** Answers where the bytes stand, for `read`. */
  write(bytes: Uint8Array): number;
  /** A copy; undefined if newer bytes have taken their place. */
  read(position: number, length: number): Uint8Array | undefined;
}

const FIRST_CAPACITY = 64 * 1024;

/** Creates a ring that grows up to `capacity` bytes. Positions count all bytes ever written. */
export function createByteRing(capacity: number): ByteRing {
  let buffer = Buffer.allocUnsafeSlow(Math.min(FIRST_CAPACITY, capacity));
  /** Position behind the newest byte. */
  let end = 0;

  /** Until it has its full size the ring was never written over, so that positions are offsets. */
  const grow = (needed: number): void => {
    if (end + needed <= buffer.length || buffer.length === capacity) return;
    const larger = Buffer.allocUnsafeSlow(
      Math.min(capacity, Math.max(buffer.length * 2, end + needed)),
    );
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  };
  return {
    write(bytes) {
      // Larger than the whole ring: as good as overwritten.
      if (bytes.length > capacity) return -1;
      grow(bytes.length);
      const offset = end % buffer.length;
      // A piece never wraps: what is left at the end stays unused.
      const start = offset + bytes.length <= buffer.length ? end : end - offset + buffer.length;
      buffer.set(bytes, start % buffer.length);
      end = start + bytes.length;
      return start;
    },
    read(position, length) {
      if (position < 0 || position < end - buffer.length) return undefined;
      const offset = position % buffer.length;
      return new Uint8Array(buffer.subarray(offset, offset + length));
    },
  };
}
