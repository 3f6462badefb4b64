import { expect, test } from 'vitest';
import { createByteRing } from './byte-ring.ts';

const piece = (value: number, length: number): Uint8Array => new Uint8Array(length).fill(value);

test('the newest pieces are read as they were written, older ones are gone', () => {
  const ring = createByteRing(100);
  const positions = [1, 2, 3, 4, 5, 6].map((value) => ring.write(piece(value, 30)));
  const read = positions.map((position) => ring.read(position, 30));
  expect(read.slice(0, 3)).toEqual([undefined, undefined, undefined]);
  expect(read.slice(3)).toEqual([4, 5, 6].map((value) => piece(value, 30)));
});

test('it grows without losing anything, and what was read stays as it was', () => {
  const ring = createByteRing(1_000_000);
  const first = ring.read(ring.write(piece(7, 1_000)), 1_000);
  const positions = Array.from({ length: 900 }, (_, index) => ring.write(piece(index, 1_000)));
  expect(first).toEqual(piece(7, 1_000));
  for (const [index, position] of positions.entries())
    expect(ring.read(position, 1_000)?.every((byte) => byte === index % 256)).toBe(true);
});

test('a piece larger than the ring is as good as overwritten', () => {
  const ring = createByteRing(10);
  expect(ring.read(ring.write(piece(1, 11)), 11)).toBeUndefined();
  expect(ring.read(ring.write(piece(2, 10)), 10)).toEqual(piece(2, 10));
});
