import { gzipSync } from 'node:zlib';
import type { RawRequest } from './raw-http.ts';

/** A request no client of ours would send, and the answer it has to get. */
export interface HostileRequest {
  readonly name: string;
  readonly request: RawRequest;
  readonly status: number;
  /** What the body of the answer has to have in it. */
  readonly says?: string;
}

const APPLICATIONS = '/api/v3/users/admin/applications';
const APPLICATION = '/api/v3/applications/shop';
const PUSH = '/api/v3/as/applications/shop/devices/door-7/down/push';
const FRAMES = '/api/v3/gatehouse/frames';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const repeated = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const post = (name: string, path: string, body: string | Uint8Array, says: string, status = 400) =>
  ({ name, request: { path, body }, status, says }) as const;
const get = (name: string, path: string, status: number, says?: string): HostileRequest => ({
  name,
  request: { method: 'GET', path },
  status,
  ...(says !== undefined && { says }),
});

const BODIES: readonly HostileRequest[] = [
  post('cut JSON', APPLICATIONS, '{"application":', 'not JSON'),
  post('a list for an object', APPLICATIONS, '[]', 'has to be an object'),
  post('invalid UTF-8', APPLICATIONS, Buffer.from('7b22ff223a317d', 'hex'), 'not JSON'),
  post('nested lists', APPLICATIONS, `{"application":${nested(100_000)}}`, 'nested'),
  post(
    'a nested payload',
    PUSH,
    `{"downlinks":[{"f_port":1,"decoded_payload":{"a":${nested(100_000)}}}]}`,
    'nested',
  ),
  post('a number for a text', APPLICATIONS, '{"application":{"ids":{"application_id":5}}}', 'text'),
  post(
    'a name of 10 MB',
    APPLICATIONS,
    JSON.stringify({
      application: { ids: { application_id: 'big' }, name: 'a'.repeat(10_000_000) },
    }),
    'validation',
  ),
  post('17 MiB of anything', APPLICATIONS, 'a'.repeat(17 * 2 ** 20), 'larger than 16 MiB'),
  post('bad base64', PUSH, '{"downlinks":[{"f_port":1,"frm_payload":"!!!"}]}', 'base64'),
  post('a negative FPort', PUSH, '{"downlinks":[{"f_port":-1}]}', 'whole number'),
  post('an FPort beyond numbers', PUSH, '{"downlinks":[{"f_port":1e300}]}', 'whole number'),
  post('prototype-like keys', APPLICATIONS, '{"__proto__":{"application":{}}}', 'validation'),
  post('compressed JSON', APPLICATIONS, gzipSync('{}'), 'not JSON'),
  post(
    'a pattern that is searched for without end',
    '/api/v3/events',
    '{"identifiers":[{"application_ids":{"application_id":"shop"}}],"names":["/(.+)+x/"]}',
    'invalid_regexp',
  ),
];

const MASKS: readonly HostileRequest[] = [
  get('an unknown mask path', `${APPLICATION}?field_mask=nonsense,__proto__`, 400, 'nonsense'),
  {
    name: '100,000 mask paths',
    request: {
      method: 'PUT',
      path: APPLICATION,
      body: JSON.stringify({
        application: { name: 'x' },
        field_mask: { paths: repeated(100_000, (index) => `path_${index}`) },
      }),
    },
    status: 400,
    says: 'field_mask_paths',
  },
  get('a negative limit', '/api/v3/applications?limit=-1', 400, 'whole number'),
  get('an immense limit', `${FRAMES}?limit=1000000000`, 400, 'less than or equal to 1000'),
  get('a negative id', `${FRAMES}?before_id=-1`, 400, 'whole number'),
  get('the largest id', `${FRAMES}/18446744073709551615`, 404, 'not_found'),
  get('an order with SQL', '/api/v3/applications?order=name;drop%20table', 400, 'validation'),
];

const ADDRESSES: readonly HostileRequest[] = [
  get('broken percent signs', '/api/v3/applications/%zz', 404, 'Not Found'),
  get('a NUL in an id', '/api/v3/applications/%00', 400, 'validation'),
  get('a way out of the folder', '/..%2f..%2f..%2fetc%2fpasswd', 404, 'route_not_found'),
  get('two slashes', '//', 400, 'could not be read'),
  get('half an address', 'http://[', 400, 'could not be read'),
  get('20 kB of address', `/api/v3/applications?order=${'x'.repeat(20_000)}`, 431),
  { name: 'TRACE', request: { method: 'TRACE', path: APPLICATION }, status: 400 },
  {
    name: 'a foreign host',
    request: { method: 'GET', path: '/', headers: { host: 'evil.example' } },
    status: 421,
  },
  {
    name: '3,000 headers',
    request: {
      method: 'GET',
      path: APPLICATION,
      headers: Object.fromEntries(repeated(3_000, (index) => [`x-${index}`, 'a'])),
    },
    status: 431,
  },
  {
    name: 'a broken key',
    request: { method: 'GET', path: APPLICATION, headers: { authorization: 'Bearer x.y' } },
    status: 400,
    says: 'token',
  },
  {
    name: 'a body where none belongs',
    request: { method: 'DELETE', path: '/api/v3/applications/none', body: 'x'.repeat(1_000_000) },
    status: 404,
    says: 'not_found',
  },
];

const connect = (
  name: string,
  body: string | Uint8Array,
  type: string,
  status: number,
  says?: string,
  headers: Readonly<Record<string, string>> = {},
): HostileRequest => ({
  name,
  request: {
    path: '/gatehouse.v1.Frames/List',
    body,
    headers: { 'content-type': type, ...headers },
  },
  status,
  ...(says !== undefined && { says }),
});

/** Carriers answer unreadable protobuf with `internal`, as gRPC does everywhere. */
const CARRIERS: readonly HostileRequest[] = [
  connect('XML', '<a/>', 'text/xml', 415),
  connect('gRPC over HTTP/1.1', Buffer.alloc(5), 'application/grpc', 415),
  connect('cut protobuf', Buffer.from('1a7f61', 'hex'), 'application/proto', 500, 'premature EOF'),
  connect('wrong JSON types', '{"limit":"x"}', 'application/json', 400, 'invalid_argument'),
  connect('compression nobody offered', gzipSync('{}'), 'application/proto', 501, 'unimplemented', {
    'content-encoding': 'gzip',
  }),
  connect('a time limit beyond numbers', '', 'application/proto', 400, 'invalid_argument', {
    'connect-timeout-ms': '99999999999999999999',
  }),
  connect(
    'a cut gRPC-Web message',
    Buffer.from('00000000640102', 'hex'),
    'application/grpc-web+proto',
    200,
    'grpc-status: 3',
  ),
  connect(
    'a gRPC-Web message of 4 GB',
    Buffer.from('00ffffffff0102', 'hex'),
    'application/grpc-web+proto',
    200,
    'grpc-status: 8',
  ),
];

export const HOSTILE_REQUESTS = [...BODIES, ...MASKS, ...ADDRESSES, ...CARRIERS] as const;
