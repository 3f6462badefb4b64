import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';

/**
 * A duration of the API from measured or computed milliseconds, in whole nanoseconds. `durationFromMs` of the library
 * keeps fractions of one, which neither JSON nor the wire has room for.
 */
export function durationFromFractionalMs(ms: number): Duration {
  const nanos = BigInt(Math.round(ms * 1e6));
  return create(DurationSchema, {
    seconds: nanos / 1_000_000_000n,
    nanos: Number(nanos % 1_000_000_000n),
  });
}
