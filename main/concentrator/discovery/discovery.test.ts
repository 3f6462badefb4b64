import { describe, expect, test } from 'vitest';
import { FINGERPRINTS } from './fingerprints.ts';
import { knownConcentrators } from './known-concentrators.ts';
import { listSerialPorts } from './list-serial-ports.ts';

describe('listing serial ports', () => {
  test('gives ids in one form, USB ports first, and the macOS name that can be opened', async () => {
    const list = await listSerialPorts(async () => [
      { path: '/dev/ttyS0' },
      { path: '/dev/ttyUSB10', vendorId: '10c4', productId: 'ea60', serialNumber: '0001' },
      { path: '/dev/ttyUSB2', vendorId: '0x1a86', productId: '7523' },
      { path: '/dev/tty.usbmodem1', vendorId: '483', productId: '5740' },
    ]);
    expect(list).toEqual({
      kind: 'listed',
      ports: [
        { path: '/dev/cu.usbmodem1', vendorId: '0483', productId: '5740' },
        { path: '/dev/ttyUSB2', vendorId: '1A86', productId: '7523' },
        { path: '/dev/ttyUSB10', vendorId: '10C4', productId: 'EA60', serialNumber: '0001' },
        { path: '/dev/ttyS0' },
      ],
    });
  });

  test('without udevadm says what is missing and what to do', async () => {
    const list = await listSerialPorts(async () => {
      throw Object.assign(new Error('spawn udevadm ENOENT'), { code: 'ENOENT' });
    });
    if (list.kind !== 'failed') throw new Error('should have failed');
    expect(list.error.code).toBe('gatehouse/link:list_failed');
    expect(list.error.message).toContain('udevadm is missing');
    expect(list.error.message).toContain('Install the package udev.');
    expect(list.error.message).toContain('typed in');
  });

  test('on this computer answers one way or the other', async () => {
    expect(['listed', 'failed']).toContain((await listSerialPorts()).kind);
  });
});

describe('known concentrators', () => {
  test('come most likely first; unknown ids and ports without one stay out', () => {
    const found = knownConcentrators([
      { path: '/dev/ttyS0' },
      { path: '/dev/ttyUSB0', vendorId: '1A86', productId: '7523' },
      { path: '/dev/ttyUSB1', vendorId: 'FFFF', productId: '0001' },
      { path: '/dev/ttyACM0', vendorId: '0483', productId: '5740' },
      { path: '/dev/ttyACM1', vendorId: '2886', productId: '8045' },
    ]);
    expect(found.map(({ port }) => port.path)).toEqual([
      '/dev/ttyACM0',
      '/dev/ttyUSB0',
      '/dev/ttyACM1',
    ]);
    expect(found[0]?.fingerprint).toMatchObject({ conflictProne: true });
  });

  test('have well-formed, unique ids', () => {
    const ids = FINGERPRINTS.map((entry) => entry.usbId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9A-F]{4}:([0-9A-F]{4}|\*)$/);
  });
});
