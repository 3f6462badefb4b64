import { expect, it } from 'vitest';
import { readPayload } from './downlink-draft.ts';

it('reads a payload in each form', () => {
  const bytes = Uint8Array.from([1, 0x41]);
  expect(readPayload('01 41', 'hex')).toEqual({ kind: 'bytes', bytes });
  expect(readPayload('AUE=', 'base64')).toEqual({ kind: 'bytes', bytes });
  expect(readPayload('A', 'text')).toEqual({ kind: 'bytes', bytes: Uint8Array.from([0x41]) });
  expect(readPayload('{"led": true}', 'json')).toEqual({ kind: 'decoded', payload: { led: true } });
});

it('says what is wrong', () => {
  expect(readPayload('014', 'hex')).toMatchObject({ kind: 'error' });
  expect(readPayload('[1]', 'json')).toMatchObject({ message: expect.stringContaining('object') });
  expect(readPayload('00'.repeat(243), 'hex')).toMatchObject({
    message: expect.stringContaining('243 bytes'),
  });
});
