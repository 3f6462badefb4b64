import { describe, expect, test } from 'vitest';
import type { Caller } from '../rpc/call.ts';
import { ownHosts } from './own-hosts.ts';
import { callerOfRequest, fromOwnPage } from './request-caller.ts';
import { createSessions, sessionCookie } from './sessions.ts';

const hosts = ownHosts('127.0.0.1', 1_885, () => []);
const host = '127.0.0.1:1885';
const OURS = 'http://127.0.0.1:1885';

describe('whether our own page asks', () => {
  test.each([
    ['its Origin', { origin: OURS }, true],
    ['same-origin', { 'sec-fetch-site': 'same-origin' }, true],
    ['both', { origin: OURS, 'sec-fetch-site': 'same-origin' }, true],
    ['neither', {}, false],
    ['a foreign Origin', { origin: 'http://evil.example' }, false],
    [
      'a foreign Origin beside same-origin',
      { origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
      false,
    ],
    ['no Origin that has a name', { origin: 'null', 'sec-fetch-site': 'same-origin' }, false],
    ['another port of this computer', { origin: 'http://127.0.0.1:8080' }, false],
    ['a longer port', { origin: `${OURS}0` }, false],
    ['a longer name', { origin: `${OURS}.evil.example` }, false],
    ['another scheme', { origin: 'https://127.0.0.1:1885' }, false],
    ['another of our names', { origin: 'http://localhost:1885' }, false],
    ['our Origin, across sites', { origin: OURS, 'sec-fetch-site': 'cross-site' }, false],
    ['same-site only', { 'sec-fetch-site': 'same-site' }, false],
    ['across sites', { 'sec-fetch-site': 'cross-site' }, false],
    ['an address somebody typed', { 'sec-fetch-site': 'none' }, false],
  ])('with %s', (_, headers, expected) => {
    expect(fromOwnPage({ host, ...headers }, hosts)).toBe(expected);
  });

  test('never under a foreign name, even if everything else agrees with it', () => {
    const headers = { host: 'evil.example:1885', origin: 'http://evil.example:1885' };
    expect(fromOwnPage({ ...headers, 'sec-fetch-site': 'same-origin' }, hosts)).toBe(false);
  });
});

function caller(headers: Record<string, string>, withSession = false): Caller | string {
  const sessions = createSessions();
  const secret = sessions.open(sessions.issue()) ?? '';
  return callerOfRequest(
    {
      host,
      ...(withSession && { cookie: sessionCookie(1_885, secret).split(';')[0] ?? '' }),
      ...headers,
    },
    {
      hosts,
      port: 1_885,
      sessions,
      callerOf: (authorization) => ({ kind: 'refused', error: new Error(authorization) }),
    },
  );
}
const credentials = (headers: Record<string, string>) => {
  const found = caller(headers);
  return typeof found === 'object' && found.kind === 'refused' ? found.error.message : undefined;
};

describe('who calls', () => {
  test('is said by either spelling of the header', () => {
    expect(credentials({ authorization: 'Bearer A' })).toBe('Bearer A');
    expect(credentials({ 'grpc-metadata-authorization': 'Bearer A' })).toBe('Bearer A');
    expect(
      credentials({ authorization: 'bearer  A', 'grpc-metadata-authorization': ' Bearer A' }),
    ).toBe('bearer  A');
  });

  test('is not guessed when the spellings differ', () => {
    const both = { authorization: 'Bearer A', 'grpc-metadata-authorization': 'Bearer B' };
    expect(credentials(both)).toMatch(/differ/);
    expect(credentials({ ...both, 'grpc-metadata-authorization': 'Bearer a' })).toMatch(/differ/);
  });

  test('is a session for our own page only, and credentials come before it', () => {
    expect(caller({ origin: OURS }, true)).toEqual({ kind: 'session' });
    expect(caller({ origin: 'http://evil.example' }, true)).toEqual({ kind: 'anonymous' });
    expect(caller({}, true)).toEqual({ kind: 'anonymous' });
    expect(caller({ origin: OURS })).toEqual({ kind: 'anonymous' });
    expect(caller({ origin: OURS, authorization: 'Bearer A' }, true)).toMatchObject({
      kind: 'refused',
    });
  });
});
