import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { ErrorDetailsSchema } from '../../main/api/gen/ttn/lorawan/v3/error_pb.js';
import { toProblem } from './problem.ts';

function failure(code: Code, format: string, attributes: Record<string, string>): ConnectError {
  return new ConnectError('raw', code, undefined, [
    {
      desc: ErrorDetailsSchema,
      value: create(ErrorDetailsSchema, {
        namespace: 'pkg/networkserver',
        name: 'field_value',
        messageFormat: format,
        attributes,
      }),
    },
  ]);
}

it('fills in what the server says and names the field', () => {
  const problem = toProblem(
    failure(Code.InvalidArgument, 'invalid value of field `{field}`', {
      field: 'session.dev_addr',
    }),
  );
  expect(problem).toMatchObject({
    text: 'Invalid value of field “session.dev_addr”.',
    code: 'pkg/networkserver:field_value',
    field: 'session.dev_addr',
    unauthorized: false,
  });
});

it('keeps placeholders it has no value for rather than showing "undefined"', () => {
  expect(toProblem(failure(Code.Internal, 'no {thing}', {})).text).toBe('No {thing}.');
});

it('says in words that nothing answers', () => {
  expect(toProblem(new TypeError('Failed to fetch')).text).toMatch(/cannot be reached/);
  const wrapped = ConnectError.from(new TypeError('Failed to fetch'), Code.Internal);
  expect(toProblem(wrapped).text).toMatch(/cannot be reached/);
  expect(toProblem('odd').text).not.toBe('');
});

it('tells a missing session and a missing thing apart', () => {
  expect(toProblem(new ConnectError('no', Code.Unauthenticated)).unauthorized).toBe(true);
  expect(toProblem(new ConnectError('no', Code.PermissionDenied)).unauthorized).toBe(true);
  expect(toProblem(new ConnectError('gone', Code.NotFound))).toMatchObject({
    notFound: true,
    text: 'Gone.',
  });
});
