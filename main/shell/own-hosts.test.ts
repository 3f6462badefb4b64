import { describe, expect, test } from 'vitest';
import { type InterfaceAddress, ownHosts } from './own-hosts.ts';

const HOME: readonly InterfaceAddress[] = [
  { address: '127.0.0.1', family: 'IPv4' },
  { address: '192.168.7.20', family: 'IPv4' },
  { address: 'fd00::20', family: 'IPv6' },
];

describe('the names a listener answers to', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1:1885', true],
    ['127.0.0.1', 'LOCALHOST:1885', true],
    ['127.0.0.1', '[::1]:1885', true],
    ['127.0.0.1', '127.0.0.1', false],
    ['127.0.0.1', '127.0.0.1:18850', false],
    ['127.0.0.1', '192.168.7.20:1885', false],
    ['0.0.0.0', '127.0.0.1:1885', true],
    ['0.0.0.0', '192.168.7.20:1885', true],
    ['0.0.0.0', '192.168.7.20', false],
    ['0.0.0.0', '192.168.7.20:1884', false],
    ['0.0.0.0', '192.168.7.20:18850', false],
    ['0.0.0.0', '192.168.7.200:1885', false],
    ['0.0.0.0', '192.168.7.20.evil.example:1885', false],
    ['0.0.0.0', '[fd00::20]:1885', false],
    ['0.0.0.0', 'my-laptop.local:1885', false],
    ['0.0.0.0', 'evil.example:1885', false],
    ['0.0.0.0', '0.0.0.0:1885', false],
    ['::', '[fd00::20]:1885', true],
    ['::', '[FD00::20]:1885', true],
    ['::', '192.168.7.20:1885', true],
    ['::', '[fd00::21]:1885', false],
    ['::', 'fd00::20:1885', false],
    ['192.168.7.20', '192.168.7.20:1885', true],
    ['192.168.7.20', '[fd00::20]:1885', false],
    ['Gateway.lan', 'gateway.lan:1885', true],
    ['0.0.0.0', '', false],
    ['0.0.0.0', undefined, false],
  ])('at %s, %s: %s', (host, asked, accepted) => {
    expect(ownHosts(host, 1_885, () => HOME).has(asked)).toBe(accepted);
  });

  test('go without the port where browsers leave it out', () => {
    const hosts = ownHosts('0.0.0.0', 80, () => HOME);
    for (const asked of ['192.168.7.20', '192.168.7.20:80', 'localhost', '127.0.0.1:80']) {
      expect([asked, hosts.has(asked)]).toEqual([asked, true]);
    }
    expect(hosts.has('192.168.7.21')).toBe(false);
  });

  test('follow the computer into another network', () => {
    let addresses = HOME;
    const hosts = ownHosts('0.0.0.0', 1_885, () => addresses);
    expect(hosts.has('10.1.2.3:1885')).toBe(false);
    addresses = [{ address: '10.1.2.3', family: 'IPv4' }];
    expect(hosts.has('10.1.2.3:1885')).toBe(true);
    expect(hosts.has('192.168.7.20:1885')).toBe(false);
  });
});
