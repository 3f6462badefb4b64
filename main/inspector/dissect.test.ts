import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { type DissectionField, FrameSchema } from '../api/gen/gatehouse/v1/frames_pb.js';
import { dissect } from './dissect.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const flat = (fields: readonly DissectionField[]): DissectionField[] =>
  fields.flatMap((field) => [field, ...flat(field.children)]);

// An uplink published with the lora-packet library: DevAddr 49BE7DF1, FCnt 2, FPort 1, payload "test".
const UPLINK = hex('40f17dbe4900020001954378762b11ff0d');

test('every field of an uplink has its place in the bytes', () => {
  const { fields, issues } = dissect(create(FrameSchema, { phyPayload: UPLINK }));
  expect(issues).toEqual([]);
  const places = Object.fromEntries(
    flat(fields).map(({ name, offset, length }) => [name, [offset, length]]),
  );
  expect(places).toMatchObject({
    'lorawan.fhdr.devaddr': [1, 4],
    'lorawan.fhdr.fcnt': [6, 2],
    'lorawan.fport': [8, 1],
    'lorawan.mic': [13, 4],
  });
});

test('a decrypted payload stands at the offsets of the encrypted one', () => {
  const { decrypted } = dissect(
    create(FrameSchema, { phyPayload: UPLINK, frmPayload: hex('74657374') }),
  );
  expect(Buffer.from(decrypted.subarray(9, 13)).toString()).toBe('test');
  expect(decrypted.subarray(0, 9)).toEqual(UPLINK.subarray(0, 9));
});

test('bytes that are no frame are explained as far as they go', () => {
  const { issues } = dissect(create(FrameSchema, { phyPayload: hex('4001') }));
  expect(issues.length).toBeGreaterThan(0);
});
