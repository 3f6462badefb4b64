import { create } from '@bufbuild/protobuf';
import {
  type Duration,
  DurationSchema,
  type Timestamp,
  TimestampSchema,
} from '@bufbuild/protobuf/wkt';

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

/**
 * A time of the API from milliseconds since 1970 that may have a fraction, in whole microseconds: a number of today's size
 * has room for little more. `timestampFromMs` of the library keeps fractions of a nanosecond, which cannot be encoded.
 */
export function timestampFromFractionalMs(ms: number): Timestamp {
  const us = BigInt(Math.round(ms * 1_000));
  const seconds = us / 1_000_000n;
  return create(TimestampSchema, { seconds, nanos: Number(us - seconds * 1_000_000n) * 1_000 });
}
