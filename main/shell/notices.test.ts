import { expect, test } from 'vitest';
import { parseFlags } from './flags.ts';
import { noticesFor } from './notices.ts';
import type { InterfaceAddress } from './own-hosts.ts';

const ADDRESSES: readonly InterfaceAddress[] = [
  { address: '127.0.0.1', family: 'IPv4' },
  { address: '192.168.7.20', family: 'IPv4' },
  { address: 'fd00::20', family: 'IPv6' },
  { address: 'fe80::1', family: 'IPv6' },
];
const notices = (...argv: string[]) => noticesFor(parseFlags(argv, {}), 1_885, ADDRESSES).join(' ');

test('nothing is said of what works as it was asked for', () => {
  expect(notices()).toBe('');
  expect(notices('--udp', '127.0.0.1:1700', '--http', '[::1]:1885', '--simulate', '0')).toBe('');
});

test('whoever opens the API to other computers learns where, and that nothing is encrypted', () => {
  expect(notices('--http', '0.0.0.0:1885')).toContain('at http://192.168.7.20:1885/; nothing');
  expect(notices('--http', '[::]:1885')).toContain(
    'at http://192.168.7.20:1885/ or http://[fd00::20]:1885/; nothing',
  );
  expect(notices('--http', '192.168.7.20:1885')).toContain('at http://192.168.7.20:1885/; nothing');
});

test('whoever simulates devices learns when the last of them has started', () => {
  expect(notices('--simulate', '3')).toBe(
    '3 simulated devices start, one after another within 10 s.',
  );
  expect(notices('--simulate', '1')).toBe('A simulated device starts.');
});

test('a key on the command line is warned about, without repeating it', () => {
  const text = notices('--api-key', 'NNSXS.TESTKEY.TESTSECRET');
  expect(text).toContain('GATEHOUSE_API_KEY');
  expect(text).not.toContain('TESTSECRET');
});
