import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../hex.ts';
import { type DevAddr, type Eui64, parseDevAddr, parseEui64, parseNetId } from '../identifiers.ts';
import vectors from '../testdata/crypto-vectors.json' with { type: 'json' };
import { setImplementation } from './implementation.ts';
import {
  type AesKey,
  cmac,
  cryptFOpts,
  cryptFrmPayload,
  decryptJoinAccept,
  deriveJoinServerKeys,
  deriveRootWorSKey,
  deriveSessionKeys10,
  deriveSessionKeys11,
  deriveWorSessionKeys,
  encryptJoinAccept,
  expandKey,
  type FOptsKind,
  type JoinReqType,
  KeyTable,
  micDownlink10,
  micDownlink11,
  micJoinAccept10,
  micJoinAccept11,
  micJoinRequest,
  micRejoinRequest,
  micUplink10,
  micUplink11,
  nextPingSlotMs,
  pingOffset,
  selfTestCrypto,
  verifyDownlinkMic10,
  verifyDownlinkMic11,
  verifyJoinRequestMic,
  verifyUplinkMic10,
  verifyUplinkMic11,
  verifyUplinkMics,
} from './index.ts';
import { loadAddon } from './load-addon.ts';
import { nativeImplementation } from './native.ts';
import { portable } from './portable.ts';

/** The inputs of a vector, read in the form a call needs. */
function reader(given: Readonly<Record<string, unknown>>) {
  const text = (name: string): string => String(given[name]);
  const bytes = (name: string): Uint8Array => parseHex(text(name))!;
  return {
    text,
    bytes,
    key: (name: string): AesKey => expandKey(bytes(name)),
    number: (name: string): number => Number(given[name]),
    hexNumber: (name: string): number => Number.parseInt(text(name), 16),
    devAddr: (): DevAddr => parseDevAddr(text('devAddr'))!,
    eui: (name: string): Eui64 => parseEui64(text(name))!,
  };
}
type Reader = ReturnType<typeof reader>;

function hexValues(result: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(result).map(([name, bytes]) => [name, formatHex(bytes as Uint8Array)]),
  );
}

function withMic(message: Uint8Array, mic: Uint8Array): Uint8Array {
  return Uint8Array.of(...message, ...mic);
}

const FOPTS_KINDS: Readonly<Record<string, FOptsKind>> = {
  up: 'up',
  down_n: 'nFCntDown',
  down_a: 'aFCntDown',
};

function context11(given: Reader) {
  return {
    sNwkSIntKey: given.key('sNwkSIntKey'),
    fNwkSIntKey: given.key('fNwkSIntKey'),
    confFCnt: given.number('confFCnt'),
    txDr: given.number('txDr'),
    txCh: given.number('txCh'),
  };
}

/** Runs the operation; the result has the form of the vector's expectation. */
const operations: Readonly<Record<string, (given: Reader) => Record<string, string | number>>> = {
  aesCmac: (given) => ({ mac: formatHex(cmac(given.key('key'), given.bytes('message'))) }),
  frmPayload: (given) => ({
    cipher: formatHex(
      cryptFrmPayload(
        given.key('key'),
        given.devAddr(),
        given.text('dir') === 'up' ? 'up' : 'down',
        given.number('fCnt'),
        given.bytes('plain'),
      ),
    ),
  }),
  fOpts: (given) => ({
    cipher: formatHex(
      cryptFOpts(
        given.key('key'),
        given.devAddr(),
        FOPTS_KINDS[given.text('kind')]!,
        given.number('fCnt'),
        given.bytes('plain'),
      ),
    ),
  }),
  micUp10: (given) => {
    const [key, fCnt] = [given.key('nwkSKey'), given.number('fCnt')];
    const mic = micUplink10(key, fCnt, given.bytes('message'));
    expect(verifyUplinkMic10(key, fCnt, withMic(given.bytes('message'), mic))).toBe(true);
    return { mic: formatHex(mic) };
  },
  micDown10: (given) => {
    const [key, fCnt] = [given.key('nwkSKey'), given.number('fCnt')];
    const mic = micDownlink10(key, fCnt, given.bytes('message'));
    expect(verifyDownlinkMic10(key, fCnt, withMic(given.bytes('message'), mic))).toBe(true);
    return { mic: formatHex(mic) };
  },
  micUp11: (given) => {
    const context = context11(given);
    const fCnt = given.number('fCnt');
    const mic = micUplink11(context, fCnt, given.bytes('message'));
    const frame = withMic(given.bytes('message'), mic);
    expect(verifyUplinkMic11(context, fCnt, frame)).toBe(true);
    const keys = new KeyTable([context.fNwkSIntKey]);
    expect(verifyUplinkMics(frame, keys, [{ row: 0, fullFCnt: fCnt, split: true }])).toBe(0);
    return { mic: formatHex(mic) };
  },
  micDown11: (given) => {
    const [key, conf] = [given.key('sNwkSIntKey'), given.number('confFCnt')];
    const fCnt = given.number('fCnt');
    const mic = micDownlink11(key, conf, fCnt, given.bytes('message'));
    expect(verifyDownlinkMic11(key, conf, fCnt, withMic(given.bytes('message'), mic))).toBe(true);
    return { mic: formatHex(mic) };
  },
  micJoinRequest: (given) => {
    const mic = micJoinRequest(given.key('key'), given.bytes('message'));
    expect(verifyJoinRequestMic(given.key('key'), withMic(given.bytes('message'), mic))).toBe(true);
    return { mic: formatHex(mic) };
  },
  micRejoin: (given) => ({
    mic: formatHex(micRejoinRequest(given.key('key'), given.bytes('message'))),
  }),
  micJoinAccept10: (given) => ({
    mic: formatHex(micJoinAccept10(given.key('key'), given.bytes('message'))),
  }),
  micJoinAccept11: (given) => ({
    mic: formatHex(
      micJoinAccept11(
        given.key('jsIntKey'),
        given.number('joinReqType') as JoinReqType,
        given.eui('joinEui'),
        given.hexNumber('devNonce'),
        given.bytes('message'),
      ),
    ),
  }),
  joinAcceptEncrypt: (given) => {
    const encrypted = encryptJoinAccept(given.key('key'), given.bytes('plain'));
    expect(decryptJoinAccept(given.key('key'), encrypted)).toEqual(given.bytes('plain'));
    return { cipher: formatHex(encrypted) };
  },
  derive10: (given) =>
    hexValues(
      deriveSessionKeys10(given.key('key'), given.key('key'), {
        joinNonce: given.hexNumber('joinNonce'),
        netId: parseNetId(given.text('netId'))!,
        devNonce: given.hexNumber('devNonce'),
      }),
    ),
  derive10TwoKeys: (given) =>
    hexValues(
      deriveSessionKeys10(given.key('nwkKey'), given.key('appKey'), {
        joinNonce: given.hexNumber('joinNonce'),
        netId: parseNetId(given.text('netId'))!,
        devNonce: given.hexNumber('devNonce'),
      }),
    ),
  derive11: (given) =>
    hexValues(
      deriveSessionKeys11(given.key('nwkKey'), given.key('appKey'), {
        joinNonce: given.hexNumber('joinNonce'),
        joinEui: given.eui('joinEui'),
        devNonce: given.hexNumber('devNonce'),
      }),
    ),
  deriveJs: (given) => hexValues(deriveJoinServerKeys(given.key('nwkKey'), given.eui('devEui'))),
  deriveRootWorSKey: (given) => ({
    rootWorSKey: formatHex(deriveRootWorSKey(given.key('nwkSEncKey'))),
  }),
  deriveWorSession: (given) =>
    hexValues(deriveWorSessionKeys(given.key('rootWorSKey'), given.devAddr())),
  nextPingSlotMs: (given) => ({
    slotMs: nextPingSlotMs(given.number('afterMs'), given.devAddr(), given.number('k')),
  }),
  pingOffset: (given) => ({
    pingOffset: pingOffset(given.number('beaconTime'), given.devAddr(), given.number('pingPeriod')),
  }),
};

const addon = loadAddon();
const implementations = [
  portable,
  ...('absent' in addon ? [] : [nativeImplementation(addon), nativeImplementation(addon.portable)]),
];
afterEach(() => setImplementation(portable));

describe.each(implementations)('published vectors, $name', (used) => {
  beforeEach(() => setImplementation(used));
  for (const vector of vectors) {
    const run = operations[vector.operation];
    if (!run) continue;
    it(`${vector.name} (${vector.origin})`, () => {
      expect(run(reader(vector.given))).toEqual(vector.expected);
    });
  }
  it('has vectors for each operation', () => {
    const tested = new Set(vectors.map((vector) => vector.operation));
    expect(Object.keys(operations).filter((operation) => !tested.has(operation))).toEqual([]);
  });
});

describe.each(implementations)('crypto, $name', (used) => {
  beforeEach(() => setImplementation(used));

  it('passes its own start-up test', () => {
    expect(selfTestCrypto().ok).toBe(true);
  });

  it('refuses keys and blocks of a wrong size', () => {
    expect(() => expandKey(new Uint8Array(15))).toThrow(RangeError);
    expect(() => encryptJoinAccept(expandKey(new Uint8Array(16)), new Uint8Array(17))).toThrow(
      RangeError,
    );
  });

  it('finds the session of an uplink among many and goes on behind a match', () => {
    const message = parseHex('40F17DBE4900030001')!;
    const keys = Array.from({ length: 250 }, (_, index) =>
      expandKey(new Uint8Array(16).fill(index)),
    );
    const table = new KeyTable(keys);
    const candidates = keys.map((_, row) => ({ row, fullFCnt: 3, split: false }));
    const frame = withMic(message, micUplink10(keys[222]!, 3, message));
    expect(verifyUplinkMics(frame, table, candidates)).toBe(222);
    expect(verifyUplinkMics(frame, table, candidates, 223)).toBeUndefined();
    expect(verifyUplinkMics(frame.subarray(0, 8), table, candidates)).toBeUndefined();
    frame[8]! ^= 1;
    expect(verifyUplinkMics(frame, table, candidates)).toBeUndefined();
  });
});
