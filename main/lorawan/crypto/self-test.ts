import { formatHex, parseHex } from '../hex.ts';
import {
  type AesKey,
  aesDecryptBlock,
  aesEncryptBlock,
  BLOCK_BYTES,
  emptyKey,
  readWord,
} from './aes.ts';
import { type CryptoImplementation, setImplementation } from './implementation.ts';
import { KeyTable } from './key-table.ts';
import { loadAddon } from './load-addon.ts';
import { nativeImplementation } from './native.ts';
import { portable } from './portable.ts';
import { UPLINK, UPLINK_WORDS } from './uplink-batch.ts';

/** Key, message and results of RFC 4493 §4. */
const KEY = '2B7E151628AED2A6ABF7158809CF4F3C';
const MESSAGE =
  '6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51' +
  '30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710';
const ENCRYPTED_ZERO_BLOCK = '7DF76B0C1AB899B33E42F047B91B546F';
const MACS: readonly (readonly [length: number, mac: string])[] = [
  [0, 'BB1D6929E95937287FA37D129B756746'],
  [16, '070A16B46B4D4144F79BDD9DD04A287C'],
  [40, 'DFA66747DE9AE63030CA32611497C827'],
  [64, '51F0BEBF7E3B9D92FC49741779363CFE'],
];

/** A 1.0.x uplink of the tests of `lora-packet`: keys, counter, frame, and what it says. */
const UPLINK_10 = {
  nwkSKey: '44024241ED4CE9A68C6A8BC055233FD3',
  appSKey: 'EC925802AE430CA77FD3DD73CB2CC588',
  fullFCnt: 2,
  frame: '40F17DBE4900020001954378762B11FF0D',
  fPort: 1,
  payload: '74657374',
};
/** FOpts of a 1.1 downlink with FPort > 0, and the MIC of one that acknowledges; The Things Stack's crypto package. */
const F_OPTS = {
  key: 'F2E619961135B6CF3A2FDFF0366D73AE',
  address: 0x50c65a8c,
  fullFCnt: 2,
  plain: '49B6E16FE6',
  cipher: '810E166240',
};
const DOWNLINK_11 = {
  key: '60EEC1E2A09512912FD5D9A6969AB622',
  confFCnt: 1,
  fullFCnt: 65_535,
  message: '60EFFE450C00FFFF018D5E4FCB3FB27ECBF80F6A8F88334E42',
  mic: 'FDB60C89',
};
/** More than any number of lanes, and no multiple of one. */
const CANDIDATES = 19;

const hex = (text: string): Uint8Array => parseHex(text)!;

function expand(tested: CryptoImplementation, text: string): AesKey {
  const key = emptyKey(hex(text));
  tested.fillKey(key, hex(text));
  return key;
}

function blocksAreRight(tested: CryptoImplementation): boolean {
  const key = expand(tested, KEY);
  const encrypted = aesEncryptBlock(key, new Uint8Array(BLOCK_BYTES));
  const decrypted = aesDecryptBlock(key, encrypted);
  return formatHex(encrypted) === ENCRYPTED_ZERO_BLOCK && decrypted.every((byte) => byte === 0);
}

function cmacIsRight(tested: CryptoImplementation): boolean {
  const key = expand(tested, KEY);
  const message = hex(MESSAGE);
  return MACS.every(
    ([length, mac]) => formatHex(tested.cmac(key, message.subarray(0, length))) === mac,
  );
}

function micIsRight(tested: CryptoImplementation): boolean {
  const { key, confFCnt, fullFCnt, message, mic } = DOWNLINK_11;
  const bytes = hex(message);
  const word = tested.micWord(expand(tested, key), 1, confFCnt, fullFCnt, bytes, bytes.length);
  return word === readWord(hex(mic), 0);
}

function payloadIsRight(tested: CryptoImplementation): boolean {
  const { key, address, fullFCnt, plain, cipher } = F_OPTS;
  const words = expand(tested, key);
  return formatHex(tested.crypt(words, 2, 1, address, fullFCnt, hex(plain))) === cipher;
}

function searchIsRight(tested: CryptoImplementation): boolean {
  const { nwkSKey, fullFCnt, frame } = UPLINK_10;
  const keys = new KeyTable([expand(tested, KEY), expand(tested, nwkSKey)]);
  for (let place = 0; place < CANDIDATES; place++) {
    const candidates = Array.from({ length: CANDIDATES }, (_, index) => ({
      row: index === place ? 1 : 0,
      fullFCnt,
      split: false,
    }));
    if (tested.searchMics(keys, candidates, 0, hex(frame)) !== place) return false;
    if (tested.searchMics(keys, candidates, place + 1, hex(frame)) !== -1) return false;
  }
  return true;
}

function uplinkIsRight(tested: CryptoImplementation): boolean {
  const { nwkSKey, appSKey, fullFCnt, frame, fPort, payload } = UPLINK_10;
  const keys = new KeyTable([expand(tested, nwkSKey), expand(tested, appSKey)]);
  const frames = hex(frame);
  const table = new Uint32Array(UPLINK_WORDS);
  table.set([0, 1, fullFCnt, 0, frames.length]);
  const payloads = new Uint8Array(hex(payload).length);
  const opened = tested.openUplinks({ keys, frames, table, payloads }, 1);
  return opened === 1 && table[UPLINK.port] === fPort && formatHex(payloads) === payload;
}

const CHECKS: Readonly<Record<string, (tested: CryptoImplementation) => boolean>> = {
  'a block': blocksAreRight,
  'a CMAC': cmacIsRight,
  'a MIC': micIsRight,
  'a payload': payloadIsRight,
  'a MIC search': searchIsRight,
  'an uplink': uplinkIsRight,
};

/** Checks an implementation against RFC 4493 and LoRaWAN frames; what it gets wrong, or undefined if nothing. */
export function wrongAnswerOf(tested: CryptoImplementation): string | undefined {
  return Object.entries(CHECKS).find(([, isRight]) => {
    try {
      return !isRight(tested);
    } catch {
      return true;
    }
  })?.[0];
}

/** What {@link selfTestCrypto} found. */
export interface CryptoReport {
  /** False means that nothing this program verifies or encrypts can be trusted. */
  readonly ok: boolean;
  /** The implementation in use. */
  readonly name: string;
  /** Why it is not the native one, if it is not. */
  readonly reason?: string;
}

/**
 * Chooses the implementation: the native addon if there is one and it gives right answers, else TypeScript. Both run
 * published vectors before they are used.
 *
 * @param addonFile another addon than the one that belongs to this program
 */
export function selfTestCrypto(addonFile?: string): CryptoReport {
  setImplementation(portable);
  const { name } = portable;
  if (wrongAnswerOf(portable)) return { ok: false, name };
  const addon = loadAddon(addonFile);
  if ('absent' in addon) return { ok: true, name, reason: addon.absent };
  const native = nativeImplementation(addon);
  const wrong = wrongAnswerOf(native);
  if (wrong) return { ok: true, name, reason: `the addon gets ${wrong} wrong` };
  setImplementation(native);
  return { ok: true, name: native.name };
}
