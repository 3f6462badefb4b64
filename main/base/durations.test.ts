import { fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { durationFromFractionalMs, timestampFromFractionalMs } from './durations.ts';

test.each([
  [0, '0s'],
  [56.576, '0.056576s'],
  [1_155.072, '1.155072s'],
  [853.7092999999857, '0.853709300s'],
  [61_000, '61s'],
])('%d ms are whole nanoseconds, as JSON has them', (ms, text) => {
  const duration = durationFromFractionalMs(ms);
  expect(toJson(DurationSchema, duration)).toBe(text);
  expect(fromJson(DurationSchema, text)).toEqual(duration);
});

test('every time on air up to 3 s can be told', () => {
  for (let us = 0; us <= 3_000_000; us += 64)
    expect(durationFromFractionalMs(us / 1_000).nanos).toBe((us % 1_000_000) * 1_000);
});

test.each([
  // The example of the packet forwarder protocol.
  [1_364_746_877_528.002, '2013-03-31T16:21:17.528002Z'],
  [1_767_225_600_000, '2026-01-01T00:00:00Z'],
  [1_767_225_599_999.999, '2025-12-31T23:59:59.999999Z'],
])('%d ms are a time that can be encoded', (ms, text) => {
  const timestamp = timestampFromFractionalMs(ms);
  expect(toJson(TimestampSchema, timestamp)).toBe(text);
  expect(toBinary(TimestampSchema, timestamp).length).toBeGreaterThan(0);
});
