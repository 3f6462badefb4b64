import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandKey, verifyDownlinkMic10, verifyDownlinkMic11 } from '../crypto/index.ts';
import { parseHex } from '../hex.ts';
import {
  appendMic,
  type DataFrame,
  decodeFrame,
  decodeJoinAcceptBody,
  encodeDataFrame,
  encodeJoinAcceptMessage,
  encodeJoinRequestMessage,
  encodeRejoinRequestMessage,
  encodeUplinkMessage,
  openDataFrame,
  openJoinAccept,
  sealDownlink,
  sealJoinAccept,
  sealUplink,
  uplinkFrameCounter,
} from './index.ts';
import { anyDataFields, anyDevAddr, anyEui64, anyNetId, bytesOf } from './test-arbitraries.ts';

function withoutBytes<T extends object>(frame: T): Omit<T, 'phyPayload' | 'issues' | 'major'> {
  const { phyPayload: _, issues: _i, major: _m, ...rest } = frame as T & Record<string, unknown>;
  return rest as Omit<T, 'phyPayload' | 'issues' | 'major'>;
}

const anyUplink = fc.record({ adrAckReq: fc.boolean(), classB: fc.boolean() });

describe('data frames', () => {
  it('come back as they were written, uplinks', () => {
    fc.assert(
      fc.property(anyDataFields, anyUplink, (given, control) => {
        const { adr, ack, confirmed, payload, ...rest } = given;
        const frame = {
          ...rest,
          fType: confirmed ? ('CONFIRMED_UP' as const) : ('UNCONFIRMED_UP' as const),
          direction: 'up' as const,
          fCtrl: { adr, ack, ...control },
          frmPayload: given.fPort === undefined ? new Uint8Array(0) : payload,
        };
        expect(withoutBytes(decodeFrame(encodeDataFrame(frame)))).toEqual(frame);
      }),
      { numRuns: 2000 },
    );
  });

  it('come back as they were written, downlinks', () => {
    fc.assert(
      fc.property(anyDataFields, fc.boolean(), (given, fPending) => {
        const { adr, ack, confirmed, payload, ...rest } = given;
        const frame = {
          ...rest,
          fType: confirmed ? ('CONFIRMED_DOWN' as const) : ('UNCONFIRMED_DOWN' as const),
          direction: 'down' as const,
          fCtrl: { adr, ack, fPending },
          frmPayload: given.fPort === undefined ? new Uint8Array(0) : payload,
        };
        expect(withoutBytes(decodeFrame(encodeDataFrame(frame)))).toEqual(frame);
      }),
      { numRuns: 2000 },
    );
  });

  it('open to what was sealed', () => {
    const keyOf = (value: number) => expandKey(new Uint8Array(16).fill(value));
    const keys = {
      fNwkSIntKey: keyOf(1),
      sNwkSIntKey: keyOf(2),
      nwkSEncKey: keyOf(3),
      appSKey: keyOf(4),
    };
    fc.assert(
      fc.property(anyDataFields, fc.nat(0xffffffff), fc.boolean(), (given, fullFCnt, lorawan11) => {
        const { payload, ...fields } = given;
        const frmPayload = given.fPort === undefined ? new Uint8Array(0) : payload;
        const sealed = sealUplink({ ...fields, frmPayload }, { keys, fullFCnt, lorawan11 });
        const frame = decodeFrame(sealed) as DataFrame;
        expect(frame.fCnt).toBe(fullFCnt & 0xffff);
        const opened = openDataFrame(frame, { keys, fullFCnt, lorawan11 });
        expect(opened).toEqual({ fOpts: given.fOpts, frmPayload });
      }),
      { numRuns: 1000 },
    );
  });

  it('open to what was sealed, downlinks', () => {
    const keyOf = (value: number) => expandKey(new Uint8Array(16).fill(value));
    const keys = {
      fNwkSIntKey: keyOf(1),
      sNwkSIntKey: keyOf(2),
      nwkSEncKey: keyOf(3),
      appSKey: keyOf(4),
    };
    const context = fc.record({
      fullFCnt: fc.nat(0xffffffff),
      confFCnt: fc.nat(0xffff),
      lorawan11: fc.boolean(),
    });
    fc.assert(
      fc.property(anyDataFields, context, (given, { confFCnt, ...rest }) => {
        const { ack, adr, payload, ...fields } = given;
        const frmPayload = given.fPort === undefined ? new Uint8Array(0) : payload;
        const fCtrl = { ack, adr };
        const sealed = sealDownlink({ ...fields, fCtrl, frmPayload }, { keys, confFCnt, ...rest });
        const frame = decodeFrame(sealed) as DataFrame;
        expect(frame).toMatchObject({ direction: 'down', fCnt: rest.fullFCnt & 0xffff, fCtrl });
        expect(openDataFrame(frame, { keys, ...rest })).toEqual({ fOpts: given.fOpts, frmPayload });
        const isValid = rest.lorawan11
          ? verifyDownlinkMic11(keys.sNwkSIntKey, ack ? confFCnt : 0, rest.fullFCnt, sealed)
          : verifyDownlinkMic10(keys.sNwkSIntKey, rest.fullFCnt, sealed);
        expect(isValid).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('show an application payload only to who has its key', () => {
    const key = expandKey(new Uint8Array(16));
    const keys = { fNwkSIntKey: key, sNwkSIntKey: key, nwkSEncKey: key, appSKey: key };
    const sealed = sealUplink(
      { confirmed: false, devAddr: 'ABCDEF01' as never, fPort: 1, frmPayload: Uint8Array.of(7) },
      { keys, fullFCnt: 1, lorawan11: false },
    );
    const options = { keys: { ...keys, appSKey: undefined }, fullFCnt: 1, lorawan11: false };
    expect(openDataFrame(decodeFrame(sealed) as DataFrame, options).frmPayload).toBeUndefined();
  });

  it('cannot be written with more than they hold', () => {
    const fields = { confirmed: false, devAddr: 'ABCDEF01' as never, fCnt: 0 };
    expect(() => encodeUplinkMessage({ ...fields, fOpts: new Uint8Array(16) })).toThrow(RangeError);
    expect(() => encodeUplinkMessage({ ...fields, frmPayload: new Uint8Array(1) })).toThrow(
      RangeError,
    );
  });
});

describe('join frames', () => {
  it('come back as they were written', () => {
    const fields = fc.record({ joinEui: anyEui64, devEui: anyEui64, devNonce: fc.nat(0xffff) });
    fc.assert(
      fc.property(fields, bytesOf(4), (given, mic) => {
        const frame = decodeFrame(appendMic(encodeJoinRequestMessage(given), mic));
        expect(withoutBytes(frame)).toEqual({ fType: 'JOIN_REQUEST', ...given, mic });
      }),
    );
  });

  it('ask to rejoin with all three types', () => {
    const counted = { devEui: anyEui64, rjCount: fc.nat(0xffff) };
    const fields = fc.oneof(
      fc.record({
        rejoinType: fc.constantFrom(0 as const, 2 as const),
        netId: anyNetId,
        ...counted,
      }),
      fc.record({ rejoinType: fc.constant(1 as const), joinEui: anyEui64, ...counted }),
    );
    fc.assert(
      fc.property(fields, bytesOf(4), (given, mic) => {
        const frame = decodeFrame(appendMic(encodeRejoinRequestMessage(given), mic));
        expect(withoutBytes(frame)).toEqual({ fType: 'REJOIN_REQUEST', ...given, mic });
      }),
    );
  });

  const anyJoinAccept = fc.record({
    joinNonce: fc.nat(0xffffff),
    netId: anyNetId,
    devAddr: anyDevAddr,
    dlSettings: fc.record({ optNeg: fc.boolean(), rx1DrOffset: fc.nat(7), rx2Dr: fc.nat(15) }),
    rxDelay: fc.nat(15),
    cfList: fc.option(bytesOf(16), { nil: undefined }),
  });

  it('accept with and without CFList', () => {
    fc.assert(
      fc.property(anyJoinAccept, bytesOf(4), bytesOf(16), (given, mic, keyBytes) => {
        const message = encodeJoinAcceptMessage(given);
        expect(decodeJoinAcceptBody(appendMic(message, mic))).toEqual({ ...given, message, mic });
        const key = expandKey(keyBytes);
        const sealed = sealJoinAccept(given, { encryptionKey: key, integrityKey: key });
        expect(decodeFrame(sealed)).toMatchObject({ fType: 'JOIN_ACCEPT', issues: [] });
        expect(openJoinAccept(sealed, key)).toMatchObject({ ...given, message });
      }),
    );
  });

  it('are not accepted in other sizes', () => {
    expect(openJoinAccept(new Uint8Array(18), expandKey(new Uint8Array(16)))).toBeUndefined();
    expect(decodeJoinAcceptBody(new Uint8Array(32))).toBeUndefined();
  });
});

describe('foreign bytes', () => {
  it('never throw, and each issue lies within them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const frame = decodeFrame(bytes);
        for (const issue of frame.issues) {
          if (issue.offset + issue.length > bytes.length) throw new Error('issue out of range');
        }
        if (frame.fType === 'INVALID' && frame.issues.length === 0) throw new Error('no reason');
      }),
      { numRuns: 100_000 },
    );
  });

  it.each([
    ['', 'raw_payload_too_short'],
    ['40', 'raw_payload_too_short'],
    ['400102030400000001020', 'raw_payload_too_short'],
    ['400403020103010001020304', 'f_opts_length'],
    ['0001', 'raw_payload_size'],
    ['20'.padEnd(36, '0'), 'raw_payload_size'],
    ['C003'.padEnd(38, '0'), 'rejoin_type'],
    ['C0', 'rejoin_type'],
  ])('%s is invalid because of %s', (hex, code) => {
    const bytes = parseHex(hex.length % 2 === 0 ? hex : hex.slice(0, -1))!;
    expect(decodeFrame(bytes)).toMatchObject({ fType: 'INVALID', issues: [{ code }] });
  });

  it('are decoded in spite of what is odd about them', () => {
    const wrongMajor = decodeFrame(parseHex('410403020100010001020304')!);
    expect(wrongMajor).toMatchObject({
      fType: 'UNCONFIRMED_UP',
      major: 1,
      devAddr: '01020304',
      issues: [{ code: 'lorawan_major_version', offset: 0, length: 1 }],
    });
    const doubled = decodeFrame(parseHex('4004030201010100020001020304')!);
    expect(doubled.issues).toMatchObject([{ code: 'f_opts_with_port_0', offset: 8, length: 2 }]);
    expect(decodeFrame(parseHex('E0AABB')!)).toMatchObject({
      fType: 'PROPRIETARY',
      payload: Uint8Array.of(0xaa, 0xbb),
    });
  });
});

describe('uplinkFrameCounter', () => {
  it.each([
    [undefined, 0, true, 0],
    [undefined, 5, true, 5],
    [0, 0, true, 0],
    [5, 6, true, 6],
    [5, 5, true, 5],
    [5, 4, true, 0x10004],
    [0x1ffff, 0, true, 0x20000],
    [0x10005, 4, true, 0x20004],
    [0xffff0005, 4, true, 4],
    [0xffff, 0, false, 0],
  ])('last %s, on air %i, 32 bits %s: %i', (last, fCnt, supports32, expected) => {
    expect(uplinkFrameCounter(last, fCnt, supports32)).toBe(expected);
  });
});
