import fc from 'fast-check';
import type { DevAddr, Eui64, NetId } from '../identifiers.ts';

const HEX_DIGIT = fc.constantFrom(...'0123456789ABCDEF');

function hexText(digits: number): fc.Arbitrary<string> {
  return fc.string({ unit: HEX_DIGIT, minLength: digits, maxLength: digits });
}

export const anyDevAddr = hexText(8) as fc.Arbitrary<DevAddr>;
export const anyEui64 = hexText(16) as fc.Arbitrary<Eui64>;
export const anyNetId = hexText(6) as fc.Arbitrary<NetId>;

export function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Fields of a data frame that fit together. */
export const anyDataFields = fc.record({
  confirmed: fc.boolean(),
  devAddr: anyDevAddr,
  adr: fc.boolean(),
  ack: fc.boolean(),
  fCnt: fc.nat(0xffff),
  fOpts: fc.uint8Array({ maxLength: 15 }),
  fPort: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
  payload: fc.uint8Array({ maxLength: 222 }),
  mic: bytesOf(4),
});
