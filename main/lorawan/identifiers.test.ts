import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from './hex.ts';
import {
  devAddrFromBytes,
  devAddrFromLsb,
  devAddrToBytes,
  devAddrToLsb,
  eui64FromBytes,
  eui64FromLsb,
  eui64ToBytes,
  eui64ToLsb,
  netIdFromBytes,
  netIdFromLsb,
  netIdToBytes,
  netIdToLsb,
  parseDevAddr,
  parseEui64,
  parseNetId,
  reverseEui64,
} from './identifiers.ts';

const EUI = '70B3D57ED0001234';

describe('parseEui64', () => {
  it.each([
    '70B3D57ED0001234',
    '70b3d57ed0001234',
    ' 70:b3:d5:7e:d0:00:12:34 ',
    '70-B3-D5-7E-D0-00-12-34',
    '70 B3 D5 7E D0 00 12 34',
    '70B3.D57E.D000.1234',
    '0x70B3D57ED0001234',
    '0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x00, 0x12, 0x34',
    '0x70 0xb3 0xd5 0x7e 0xd0 0x0 0x12 0x34',
    '{ 0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x00, 0x12, 0x34 }',
    'static const u1_t PROGMEM DEVEUI[8]={ 0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x00, 0x12, 0x34 };',
    '\\x70\\xB3\\xD5\\x7E\\xD0\\x00\\x12\\x34',
    '[70, b3, d5, 7e, d0, 00, 12, 34]',
  ])('reads %s', (text) => {
    expect(parseEui64(text)).toBe(EUI);
  });

  it.each(['', '70B3D57ED000123', '70B3D57ED00012345', '70B3D57ED000123G', 'device', '0x70, 0xZZ'])(
    'refuses %j',
    (text) => {
      expect(parseEui64(text)).toBeUndefined();
    },
  );
});

describe('byte order', () => {
  const eui = parseEui64(EUI)!;
  const devAddr = parseDevAddr('01020304')!;
  const netId = parseNetId('600013')!;

  it('is most significant first in text and least significant first on air', () => {
    expect(formatHex(eui64ToBytes(eui))).toBe(EUI);
    expect(formatHex(eui64ToLsb(eui), ' ')).toBe('34 12 00 D0 7E D5 B3 70');
    expect(formatHex(devAddrToBytes(devAddr))).toBe('01020304');
    expect(formatHex(devAddrToLsb(devAddr))).toBe('04030201');
    expect(formatHex(netIdToBytes(netId))).toBe('600013');
    expect(formatHex(netIdToLsb(netId))).toBe('130060');
  });

  it('comes back from bytes', () => {
    expect(eui64FromBytes(eui64ToBytes(eui))).toBe(eui);
    expect(eui64FromLsb(Uint8Array.of(0, ...eui64ToLsb(eui)), 1)).toBe(eui);
    expect(devAddrFromBytes(devAddrToBytes(devAddr))).toBe(devAddr);
    expect(devAddrFromLsb(devAddrToLsb(devAddr))).toBe(devAddr);
    expect(netIdFromBytes(netIdToBytes(netId))).toBe(netId);
    expect(netIdFromLsb(netIdToLsb(netId))).toBe(netId);
  });

  it('can be turned around', () => {
    expect(reverseEui64(eui)).toBe('341200D07ED5B370');
    expect(reverseEui64(reverseEui64(eui))).toBe(eui);
  });

  it('is not guessed from a wrong number of bytes', () => {
    expect(() => eui64FromBytes(new Uint8Array(7))).toThrow(RangeError);
    expect(() => devAddrFromLsb(new Uint8Array(5), 2)).toThrow(RangeError);
  });
});

describe('hex', () => {
  it('round-trips any bytes in any separation', () => {
    const bytes = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(bytes, fc.constantFrom('', ' ', ':', '-', ', 0x'), (given, separator) => {
        const prefix = separator === ', 0x' && given.length > 0 ? '0x' : '';
        expect(parseHex(prefix + formatHex(given, separator))).toEqual(given);
      }),
    );
  });

  it('never throws on any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        parseHex(text);
      }),
      { numRuns: 5000 },
    );
  });
});
