import { describe, expect, test } from 'vitest';
import { openError, type PermissionFacts, permissionRemedy } from './serial-port.ts';

const LINUX: PermissionFacts = {
  platform: 'linux',
  userName: 'mia',
  groupId: 20,
  groupFile: 'root:x:0:\ndialout:x:20:tom\nusers:x:100:\n',
};

describe('a port that does not open', () => {
  test.each([
    ['Error: No such file or directory, cannot open /dev/ttyUSB0', 'linux', 'not_found'],
    ['Opening COM7: File not found', 'win32', 'not_found'],
    ['Error Resource temporarily unavailable Cannot lock port', 'linux', 'port_busy'],
    ['Error: Resource busy, cannot open /dev/cu.usbserial', 'darwin', 'port_busy'],
    ['Opening COM7: Access denied', 'win32', 'port_busy'],
    ['Error: Permission denied, cannot open /dev/ttyUSB0', 'linux', 'no_permission'],
    ['Error: Inappropriate ioctl for device', 'linux', 'open_failed'],
  ] as const)('with "%s" on %s is %s', (text, platform, reason) => {
    const error = openError(new Error(text), '/dev/ttyUSB0', { ...LINUX, platform });
    expect(error.code).toBe(`gatehouse/link:${reason}`);
    expect(error.message).toContain('/dev/ttyUSB0');
  });

  test('for lack of permission names the group and the command to run', () => {
    const error = openError(new Error('Permission denied'), '/dev/ttyUSB0', LINUX);
    expect(error.message).toContain('group dialout');
    expect(error.message).toContain('sudo usermod -aG dialout mia');
  });
});

test('nobody is told to join the group root', () => {
  expect(permissionRemedy({ ...LINUX, groupId: 0 })).not.toContain('usermod');
  expect(permissionRemedy({ ...LINUX, groupId: undefined })).not.toContain('usermod');
});
