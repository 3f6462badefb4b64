import { expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { devAddrInBlock, isId, localEui, slugify, suggestDeviceId } from './device-id.ts';

it('knows what an id is', () => {
  expect(['abc', 'a-b-c', 'eui-70b3d57ed0001234'].every(isId)).toBe(true);
  expect(['ab', 'Abc', 'a--b', '-abc', 'abc-', 'a'.repeat(37)].some(isId)).toBe(false);
});

it('suggests an id from the name, else from the DevEUI', () => {
  expect(suggestDeviceId('Door sensor 3 (Küche)', '70B3D57ED0001234')).toBe('door-sensor-3-ku-che');
  expect(suggestDeviceId('', '70B3D57ED0001234')).toBe('eui-70b3d57ed0001234');
  expect(suggestDeviceId('!', undefined)).toBe('');
  expect(isId(slugify(`${'x'.repeat(35)} y`))).toBe(true);
});

it('draws a DevAddr from a block', () => {
  const random = Uint8Array.from([0xff, 0xff, 0x12, 0x34]);
  expect(toHex(devAddrInBlock('02AB0000/16', random) ?? new Uint8Array())).toBe('02AB1234');
  expect(toHex(devAddrInBlock('02000000/7', random) ?? new Uint8Array())).toBe('03FF1234');
  expect(devAddrInBlock('nonsense', random)).toBeUndefined();
});

it('makes EUIs that belong to nobody', () => {
  expect(toHex(localEui(new Uint8Array(8).fill(0xff)))).toBe('FEFFFFFFFFFFFFFF');
  expect(toHex(localEui(new Uint8Array(8)))).toBe('0200000000000000');
});
