import { describe, expect, it } from 'vitest';
import { readIdentifier, reversedHex } from './identifier-reading.ts';

function hexOf(text: string, length = 8): string {
  const result = readIdentifier(text, length);
  return result.kind === 'ok' ? result.hex : `${result.kind}`;
}

describe('readIdentifier', () => {
  it.each([
    '70B3D57ED0001234',
    '70b3d57ed0001234',
    '70:B3:D5:7E:D0:00:12:34',
    '70-b3-d5-7e-d0-00-12-34',
    ' 70 B3 D5 7E D0 00 12 34 ',
    '70B3.D57E.D000.1234',
    '0x70B3D57ED0001234',
    '0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x00, 0x12, 0x34',
    '{ 0x70, 0xB3, 0xD5, 0x7E, 0xD0, 0x0, 0x12, 0x34 };',
    'static const u1_t DEVEUI[8] = { 0x70,0xB3,0xD5,0x7E,0xD0,0x00,0x12,0x34 };',
    '\\x70\\xB3\\xD5\\x7E\\xD0\\x00\\x12\\x34',
    '70,B3,D5,7E,D0,00,12,34',
  ])('reads %s', (text) => {
    expect(hexOf(text)).toBe('70B3D57ED0001234');
  });

  it('says what is missing and what is strange', () => {
    expect(readIdentifier('70B3D5', 8)).toEqual({ kind: 'error', message: '6 of 16 hex digits' });
    expect(readIdentifier('70B3D57ED000123O', 8)).toEqual({
      kind: 'error',
      message: '“O” is not a hex digit',
    });
    expect(readIdentifier('0x70, 0xB3', 8)).toEqual({ kind: 'error', message: '2 of 8 bytes' });
    expect(readIdentifier('0x7G, 0xB3', 8)).toEqual({
      kind: 'error',
      message: '“0x7G” is not a hex byte',
    });
    expect(readIdentifier('  ', 8)).toEqual({ kind: 'empty' });
  });

  it('notices an EUI in the order of transmission', () => {
    expect(readIdentifier('34 12 00 D0 7E D5 B3 70', 8)).toMatchObject({ looksLsb: true });
    expect(readIdentifier('70B3D57ED0001234', 8)).toMatchObject({ looksLsb: false });
    expect(readIdentifier('0000000000000001', 8)).toMatchObject({ looksLsb: false });
  });

  it('turns the bytes round', () => {
    expect(reversedHex(Uint8Array.from([0x70, 0xb3, 1]))).toBe('01B370');
  });

  it('reads keys and addresses', () => {
    expect(hexOf('2B7E151628AED2A6ABF7158809CF4F3C', 16)).toBe('2B7E151628AED2A6ABF7158809CF4F3C');
    expect(hexOf('0x26011BDA', 4)).toBe('26011BDA');
  });
});
