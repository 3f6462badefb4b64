import { fromJson, toJson } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { durationFromFractionalMs } from './durations.ts';

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
