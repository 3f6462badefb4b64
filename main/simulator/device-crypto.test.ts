import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { devAddrFromBytes, expandKey, netIdFromBytes } from '../lorawan/index.ts';
import {
  cryptPayload,
  dataFrameMic,
  deriveDeviceKeys,
  joinRequestMic,
  recoverJoinAccept,
} from './device-crypto.ts';

interface Vector {
  readonly name: string;
  readonly given: Readonly<Record<string, string | number>>;
  readonly expected: Readonly<Record<string, string>>;
}

const vectors: Readonly<Record<string, readonly Vector[]>> = JSON.parse(
  readFileSync(new URL('./testdata/device-crypto-vectors.json', import.meta.url), 'utf8'),
);

const bytes = (value: string | number | undefined): Uint8Array =>
  Uint8Array.from(Buffer.from(String(value ?? ''), 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const number = (value: string | number | undefined): number => Number.parseInt(String(value), 16);

function each(group: string, check: (vector: Vector) => void): void {
  const list = vectors[group] ?? [];
  expect(list.length).toBeGreaterThan(0);
  for (const vector of list) check(vector);
}

describe('device cryptography against published vectors', () => {
  it('encrypts and decrypts FRMPayload', () => {
    each('frm_payload', ({ name, given, expected }) => {
      const direction = given.dir === 'down' ? 'down' : 'up';
      const result = cryptPayload(
        expandKey(bytes(given.key)),
        direction,
        devAddrFromBytes(bytes(given.dev_addr)),
        Number(given.f_cnt),
        bytes(given.plain),
      );
      expect(hex(result), name).toBe(expected.cipher);
    });
  });

  it.each([
    ['up', 'mic_up_10'],
    ['down', 'mic_down_10'],
  ] as const)('computes the MIC of %slinks', (direction, group) => {
    each(group, ({ name, given, expected }) => {
      const mic = dataFrameMic(
        expandKey(bytes(given.nwk_s_key)),
        direction,
        devAddrFromBytes(bytes(given.dev_addr)),
        Number(given.f_cnt),
        bytes(given.message),
      );
      expect(hex(mic), name).toBe(expected.mic);
    });
  });

  it('computes the MIC of join-requests', () => {
    each('mic_join_request', ({ name, given, expected }) => {
      const mic = joinRequestMic(expandKey(bytes(given.key)), bytes(given.message));
      expect(hex(mic), name).toBe(expected.mic);
    });
  });

  it('derives session keys', () => {
    each('derive_10', ({ name, given, expected }) => {
      const keys = deriveDeviceKeys(
        expandKey(bytes(given.key)),
        number(given.join_nonce),
        netIdFromBytes(bytes(given.net_id)),
        number(given.dev_nonce),
      );
      expect(hex(keys.nwkSKey), name).toBe(expected.nwk_s_key);
      expect(hex(keys.appSKey), name).toBe(expected.app_s_key);
    });
  });

  it('recovers join-accepts and refuses them with another key', () => {
    each('join_accept_frame', ({ name, given, expected }) => {
      const frame = bytes(expected.phy_payload);
      const plain = recoverJoinAccept(expandKey(bytes(given.key)), 0x20, frame.subarray(1));
      expect(plain && hex(plain.subarray(-4)), name).toBe(expected.mic);
      const other = bytes(given.key).map((value) => value ^ 1);
      expect(recoverJoinAccept(expandKey(other), 0x20, frame.subarray(1)), name).toBeUndefined();
    });
  });

  it('refuses a join-accept of a wrong length', () => {
    expect(
      recoverJoinAccept(expandKey(new Uint8Array(16)), 0x20, new Uint8Array(15)),
    ).toBeUndefined();
  });
});
