import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  type DevEui,
  devAddrFromBytes,
  eui64FromBytes,
  expandKey,
  type JoinEui,
} from '../lorawan/index.ts';
import {
  cryptFOpts,
  deriveDeviceKeys11,
  deriveLifetimeKeys,
  downlinkMic11,
  type JoinReqType,
  joinAcceptMic11,
  rejoinRequestMic,
  uplinkMic11,
} from './device-crypto-11.ts';

type Values = Readonly<Record<string, string | number>>;
interface Vector {
  readonly operation: string;
  readonly name: string;
  readonly given: Values;
  readonly expected: Values;
}

const file = new URL('../lorawan/testdata/crypto-vectors.json', import.meta.url);
const vectors: readonly Vector[] = JSON.parse(readFileSync(file, 'utf8'));
const bytes = (value: string | number | undefined): Uint8Array =>
  Uint8Array.from(Buffer.from(String(value ?? ''), 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex').toUpperCase();
const key = (value: string | number | undefined) => expandKey(bytes(value));
const number = (value: string | number | undefined): number => Number.parseInt(String(value), 16);

const addr = (value: string | number | undefined) => devAddrFromBytes(bytes(value));

function each(operation: string, check: (given: Values) => Values): void {
  const list = vectors.filter((vector) => vector.operation === operation);
  expect(list.length).toBeGreaterThan(3);
  for (const { name, given, expected } of list)
    expect({ name, ...check(given) }).toEqual({ name, ...expected });
}

describe('device cryptography of LoRaWAN 1.1 against published vectors', () => {
  it('encrypts FOpts with each of the counters', () => {
    each('fOpts', ({ devAddr, fCnt, key: nwkSEncKey, kind, plain }) => {
      const direction = kind === 'up' ? 'up' : 'down';
      const frame = { direction, devAddr: addr(devAddr), fullFCnt: Number(fCnt) } as const;
      const isApplication = String(kind).toLowerCase().includes('a');
      return { cipher: hex(cryptFOpts(key(nwkSEncKey), frame, bytes(plain), isApplication)) };
    });
  });

  it('computes the MICs of uplinks', () => {
    each(
      'micUp11',
      ({ confFCnt, devAddr, fCnt, fNwkSIntKey, message, sNwkSIntKey, txCh, txDr }) => {
        const mic = uplinkMic11(
          { fNwkSIntKey: key(fNwkSIntKey), sNwkSIntKey: key(sNwkSIntKey) },
          { devAddr: addr(devAddr), fullFCnt: Number(fCnt) },
          bytes(message),
          Number(confFCnt),
          { dataRateIndex: Number(txDr), channelIndex: Number(txCh) },
        );
        return { mic: hex(mic) };
      },
    );
  });

  it('computes the MICs of downlinks', () => {
    each('micDown11', ({ confFCnt, devAddr, fCnt, message, sNwkSIntKey }) => {
      const counted = { devAddr: addr(devAddr), fullFCnt: Number(fCnt) };
      const mic = downlinkMic11(key(sNwkSIntKey), counted, bytes(message), Number(confFCnt));
      return { mic: hex(mic) };
    });
  });

  it('computes the MICs of rejoin-requests', () => {
    each('micRejoin', ({ key: integrityKey, message }) => ({
      mic: hex(rejoinRequestMic(key(integrityKey), bytes(message))),
    }));
  });

  it('computes the MICs of join-accepts', () => {
    each('micJoinAccept11', ({ devNonce, joinEui, joinReqType, jsIntKey, message }) => {
      const mic = joinAcceptMic11(
        key(jsIntKey),
        Number(joinReqType) as JoinReqType,
        eui64FromBytes(bytes(joinEui)) as JoinEui,
        number(devNonce),
        bytes(message),
      );
      return { mic: hex(mic) };
    });
  });

  it('derives session keys', () => {
    each('derive11', ({ appKey, devNonce, joinEui, joinNonce, nwkKey }) => {
      const keys = deriveDeviceKeys11(
        key(nwkKey),
        key(appKey),
        number(joinNonce),
        eui64FromBytes(bytes(joinEui)) as JoinEui,
        number(devNonce),
      );
      return Object.fromEntries(Object.entries(keys).map(([name, value]) => [name, hex(value)]));
    });
  });

  it('derives the keys of its life', () => {
    each('deriveJs', ({ devEui, nwkKey }) => {
      const keys = deriveLifetimeKeys(key(nwkKey), eui64FromBytes(bytes(devEui)) as DevEui);
      return { jsIntKey: hex(keys.jsIntKey), jsEncKey: hex(keys.jsEncKey) };
    });
  });
});
