import type { IncomingHttpHeaders } from 'node:http';
import { defineError } from '../base/errors.ts';
import type { Caller } from '../rpc/call.ts';
import type { OwnHosts } from './own-hosts.ts';
import { type Sessions, sessionSecrets } from './sessions.ts';

const twoCredentials = defineError(
  'gatehouse/shell:two_credentials',
  'UNAUTHENTICATED',
  'The request has an Authorization and a Grpc-Metadata-Authorization header that differ. Send only one of them.',
);

/**
 * Whether our own page made a request to `Host`, which is known to be ours. Only then a session counts. Whatever speaks
 * against it decides: a foreign `Origin` is foreign even if something else says `same-origin`.
 */
export function fromOwnPage(headers: IncomingHttpHeaders, hosts: OwnHosts): boolean {
  const { host, origin } = headers;
  const site = headers['sec-fetch-site'];
  if (!hosts.has(host)) return false;
  if (origin !== undefined && origin !== `http://${host}`.toLowerCase()) return false;
  return site === undefined ? origin !== undefined : site === 'same-origin';
}

const GATEWAY_HEADER = 'grpc-metadata-authorization';

const normal = (credentials: string): string =>
  credentials.trim().replace(/^(\S+)\s+/, (_, scheme: string) => `${scheme.toLowerCase()} `);

export interface CallerOptions {
  readonly callerOf: (authorization: string | undefined) => Caller;
  readonly sessions: Sessions;
  readonly hosts: OwnHosts;
  /** The port in use. */
  readonly port: number;
}

/**
 * Who makes a request: credentials come before a session. `Grpc-Metadata-Authorization` is how a REST client of a gRPC
 * gateway may spell `Authorization`; two that differ are refused, since either choice could be the wrong one.
 */
export function callerOfRequest(headers: IncomingHttpHeaders, options: CallerOptions): Caller {
  const { callerOf, hosts, port, sessions } = options;
  const plain = headers.authorization || undefined;
  const header = headers[GATEWAY_HEADER];
  const metadata = (typeof header === 'string' && header) || undefined;
  if (plain && metadata && normal(plain) !== normal(metadata)) {
    return { kind: 'refused', error: twoCredentials() };
  }
  const credentials = plain ?? metadata;
  if (credentials) return callerOf(credentials);
  const hasSession =
    fromOwnPage(headers, hosts) && sessionSecrets(port, headers.cookie).some(sessions.knows);
  return hasSession ? { kind: 'session' } : { kind: 'anonymous' };
}
