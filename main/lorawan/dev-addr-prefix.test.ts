import { describe, expect, it } from 'vitest';
import {
  devAddrInPrefix,
  devAddrPrefixOf,
  formatDevAddrPrefix,
  netIdType,
  netIdTypeOfDevAddr,
  nwkIdOfDevAddr,
  parseDevAddrPrefix,
  prefixContains,
} from './dev-addr-prefix.ts';
import { type DevAddr, parseDevAddr, parseNetId } from './identifiers.ts';
import vectors from './testdata/crypto-vectors.json' with { type: 'json' };

const address = (text: string): DevAddr => parseDevAddr(text)!;

describe('DevAddr prefixes', () => {
  it('are read and written', () => {
    const prefix = parseDevAddrPrefix('02000000/7')!;
    expect(prefix).toEqual({ devAddr: '02000000', length: 7 });
    expect(formatDevAddrPrefix(prefix)).toBe('02000000/7');
  });

  it.each(['02000000', '02000000/33', '02000000/6', '020000/7', '/7', 'x/1', ''])(
    'refuse %j',
    (text) => {
      expect(parseDevAddrPrefix(text)).toBeUndefined();
    },
  );

  it('contain exactly the addresses that begin with them', () => {
    const prefix = parseDevAddrPrefix('02000000/7')!;
    expect(prefixContains(prefix, address('02000000'))).toBe(true);
    expect(prefixContains(prefix, address('03FFFFFF'))).toBe(true);
    expect(prefixContains(prefix, address('04000000'))).toBe(false);
    expect(prefixContains(prefix, address('01FFFFFF'))).toBe(false);
    expect(prefixContains(parseDevAddrPrefix('00000000/0')!, address('FFFFFFFF'))).toBe(true);
    expect(prefixContains(parseDevAddrPrefix('FFFFFFFF/32')!, address('FFFFFFFE'))).toBe(false);
  });

  it('take the free bits of an address from a random number', () => {
    const prefix = parseDevAddrPrefix('02340000/16')!;
    expect(devAddrInPrefix(prefix, 0xffffabcd)).toBe('0234ABCD');
    expect(devAddrInPrefix(parseDevAddrPrefix('FE000000/7')!, 0)).toBe('FE000000');
  });
});

describe('NetIDs', () => {
  it.each(vectors.filter((vector) => vector.operation === 'devAddrPrefix'))('$name', (vector) => {
    const netId = parseNetId(String((vector.given as { netId?: string }).netId))!;
    const expected = vector.expected as unknown as { prefix: string; netIdType: number };
    expect(formatDevAddrPrefix(devAddrPrefixOf(netId)).toLowerCase()).toBe(
      expected.prefix.toLowerCase(),
    );
    expect(netIdType(netId)).toBe(expected.netIdType);
    const prefix = devAddrPrefixOf(netId);
    const device = devAddrInPrefix(prefix, 0x12345678);
    expect(prefixContains(prefix, device)).toBe(true);
    expect(netIdTypeOfDevAddr(device)).toBe(expected.netIdType);
  });

  it('give the experimental block of NetID 000001', () => {
    expect(formatDevAddrPrefix(devAddrPrefixOf(parseNetId('000001')!))).toBe('02000000/7');
    expect(nwkIdOfDevAddr(address('02ABCDEF'))).toBe(1);
  });

  it('have no type for addresses that begin with eight ones', () => {
    expect(netIdTypeOfDevAddr(address('FF000000'))).toBeUndefined();
    expect(nwkIdOfDevAddr(address('FF000000'))).toBeUndefined();
  });
});
