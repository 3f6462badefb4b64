import { formatHex, parseHex } from '../hex.ts';
import { aesDecryptBlock, aesEncryptBlock, expandKey } from './aes.ts';
import { cmac, cmacWordWithPrefix } from './cmac.ts';

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

/** Checks AES and CMAC against RFC 4493. False means that nothing this program verifies or encrypts can be trusted. */
export function selfTestCrypto(): boolean {
  const key = expandKey(parseHex(KEY)!);
  const message = parseHex(MESSAGE)!;
  const encrypted = aesEncryptBlock(key, new Uint8Array(16));
  if (formatHex(encrypted) !== ENCRYPTED_ZERO_BLOCK) return false;
  if (aesDecryptBlock(key, encrypted).some((byte) => byte !== 0)) return false;
  for (const [length, mac] of MACS) {
    if (formatHex(cmac(key, message.subarray(0, length))) !== mac) return false;
  }
  const words = new DataView(message.buffer);
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((offset) => words.getUint32(offset, true));
  const rest = message.subarray(16);
  const word = cmacWordWithPrefix(key, w0!, w1!, w2!, w3!, rest, 24);
  return formatHex(Uint8Array.of(word, word >>> 8, word >>> 16, word >>> 24)) === 'DFA66747';
}
