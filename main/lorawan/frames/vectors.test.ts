import { describe, expect, it } from 'vitest';
import {
  expandKey,
  verifyDownlinkMic10,
  verifyDownlinkMic11,
  verifyUplinkMic10,
  verifyUplinkMic11,
} from '../crypto/index.ts';
import { formatHex, parseHex } from '../hex.ts';
import { parseDevAddr, parseEui64, parseNetId } from '../identifiers.ts';
import vectors from '../testdata/crypto-vectors.json' with { type: 'json' };
import {
  decodeFrame,
  isDataFrame,
  isUplinkDataFrame,
  openDataFrame,
  openJoinAccept,
  type SessionAesKeys,
  sealDownlink,
  sealJoinAccept,
  sealJoinRequest,
  sealUplink,
} from './index.ts';

interface DataFrameInput {
  readonly mType: number;
  readonly devAddr: string;
  readonly fCnt: number;
  readonly fPort?: number;
  readonly fCtrl?: number;
  readonly payload?: string;
  readonly fOpts?: string;
  readonly appSKey: string;
  readonly nwkSKey?: string;
  readonly sNwkSIntKey?: string;
  readonly fNwkSIntKey?: string;
  readonly nwkSEncKey?: string;
  readonly confFCnt?: number;
  readonly txDr?: number;
  readonly txCh?: number;
}

interface JoinInput {
  readonly key: string;
  readonly joinEui?: string;
  readonly devEui?: string;
  readonly devNonce?: string;
  readonly jsIntKey?: string;
  readonly joinNonce: string;
  readonly netId: string;
  readonly devAddr: string;
  readonly dlSettings: string;
  readonly rxDelay: number;
}

function select<T>(operation: string) {
  return vectors
    .filter((vector) => vector.operation === operation)
    .map(({ name, given, expected }) => ({
      name,
      given: given as unknown as T,
      phyPayload: (expected as unknown as { phyPayload: string }).phyPayload,
    }));
}

const key = (hex: string) => expandKey(parseHex(hex)!);

function sessionKeys(given: DataFrameInput): SessionAesKeys {
  const network = given.nwkSKey ?? '';
  return {
    fNwkSIntKey: key(given.fNwkSIntKey ?? network),
    sNwkSIntKey: key(given.sNwkSIntKey ?? network),
    nwkSEncKey: key(given.nwkSEncKey ?? network),
    appSKey: key(given.appSKey),
  };
}

describe('published data frames', () => {
  const frames = [
    ...select<DataFrameInput>('frame10').map((vector) => ({ ...vector, lorawan11: false })),
    ...select<DataFrameInput>('frame11').map((vector) => ({ ...vector, lorawan11: true })),
  ];

  it.each(frames)('$name is built to the byte', ({ given, phyPayload, lorawan11 }) => {
    const fields = {
      confirmed: given.mType >= 4,
      devAddr: parseDevAddr(given.devAddr)!,
      fCtrl: { adr: given.fCtrl === 0x80 },
      fOpts: parseHex(given.fOpts ?? '')!,
      fPort: given.fPort,
      frmPayload: parseHex(given.payload ?? '')!,
    };
    const { confFCnt = 0, txDr = 0, txCh = 0, fCnt: fullFCnt } = given;
    const options = { keys: sessionKeys(given), fullFCnt, lorawan11, confFCnt };
    const up = given.mType === 2 || given.mType === 4;
    const built = up
      ? sealUplink(fields, { ...options, txDr, txCh })
      : sealDownlink(fields, options);
    expect(formatHex(built)).toBe(phyPayload);
  });

  it.each(frames)('$name is verified and opened', ({ given, phyPayload, lorawan11 }) => {
    const bytes = parseHex(phyPayload)!;
    const frame = decodeFrame(bytes);
    if (!isDataFrame(frame)) throw new Error('no data frame');
    expect(frame.issues).toEqual([]);
    expect(frame.devAddr).toBe(given.devAddr.toUpperCase());
    expect(frame.fPort).toBe(given.fPort);
    const keys = sessionKeys(given);
    const { txDr = 0, txCh = 0, fCnt } = given;
    const confFCnt = frame.fCtrl.ack ? (given.confFCnt ?? 0) : 0;
    const verified = isUplinkDataFrame(frame)
      ? lorawan11
        ? verifyUplinkMic11({ ...keys, confFCnt, txDr, txCh }, fCnt, bytes)
        : verifyUplinkMic10(keys.fNwkSIntKey, fCnt, bytes)
      : lorawan11
        ? verifyDownlinkMic11(keys.sNwkSIntKey, confFCnt, fCnt, bytes)
        : verifyDownlinkMic10(keys.fNwkSIntKey, fCnt, bytes);
    expect(verified).toBe(true);
    const opened = openDataFrame(frame, { keys, fullFCnt: fCnt, lorawan11 });
    expect(formatHex(opened.fOpts)).toBe(given.fOpts ?? '');
    expect(formatHex(opened.frmPayload!)).toBe(given.payload ?? '');
  });
});

describe('published joins', () => {
  it.each(select<JoinInput>('joinRequestFrame'))('$name', ({ given, phyPayload }) => {
    const fields = {
      joinEui: parseEui64(given.joinEui!)!,
      devEui: parseEui64(given.devEui!)!,
      devNonce: Number.parseInt(given.devNonce!, 16),
    };
    expect(formatHex(sealJoinRequest(fields, key(given.key)))).toBe(phyPayload);
    expect(decodeFrame(parseHex(phyPayload)!)).toMatchObject({ fType: 'JOIN_REQUEST', ...fields });
  });

  it.each(select<JoinInput>('joinAcceptFrame'))('$name', ({ given, phyPayload }) => {
    const settings = Number.parseInt(given.dlSettings, 16);
    const fields = {
      joinNonce: Number.parseInt(given.joinNonce, 16),
      netId: parseNetId(given.netId)!,
      devAddr: parseDevAddr(given.devAddr)!,
      dlSettings: {
        optNeg: (settings & 0x80) !== 0,
        rx1DrOffset: (settings >> 4) & 7,
        rx2Dr: settings & 15,
      },
      rxDelay: given.rxDelay,
    };
    const encryptionKey = key(given.key);
    const sealed = given.jsIntKey
      ? sealJoinAccept(fields, {
          encryptionKey,
          integrityKey: key(given.jsIntKey),
          lorawan11: {
            joinReqType: 0xff,
            joinEui: parseEui64(given.joinEui!)!,
            devNonce: Number.parseInt(given.devNonce!, 16),
          },
        })
      : sealJoinAccept(fields, { encryptionKey, integrityKey: encryptionKey });
    expect(formatHex(sealed)).toBe(phyPayload);
    const { rxDelay, ...rest } = fields;
    expect(openJoinAccept(sealed, encryptionKey)).toMatchObject({
      ...rest,
      rxDelay: rxDelay & 0x0f,
    });
  });
});
