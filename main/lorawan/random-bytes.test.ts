/** Random bytes through every decoder of the protocol: none throws, and what each makes of them holds together. */
import { expect, test } from 'vitest';
import { expandKey } from './crypto/index.ts';
import { formatDevAddrPrefix, parseDevAddrPrefix } from './dev-addr-prefix.ts';
import type { FieldSpan } from './field-span.ts';
import {
  appendMic,
  type DecodedFrame,
  decodeFrame,
  decodeJoinAcceptBody,
  encodeDataFrame,
  encodeJoinAcceptMessage,
  encodeJoinRequestMessage,
  encodeRejoinRequestMessage,
  frameLayout,
  isDataFrame,
  openDataFrame,
  openJoinAccept,
} from './frames/index.ts';
import { formatHex, parseHex } from './hex.ts';
import { parseDevAddr, parseDevEui, parseNetId } from './identifiers.ts';
import {
  decodeMacCommands,
  encodeMacCommand,
  MAC_COMMAND_ROWS,
  macCommandLayout,
} from './mac-commands/index.ts';
import { parseCfList } from './regional/index.ts';
import { eachInput, INPUTS } from './testing/random-inputs.ts';

const MANY_MS = 20_000 + INPUTS / 20;
const CIDS = MAC_COMMAND_ROWS.map(({ cid }) => cid);
const KEY = expandKey(Uint8Array.from({ length: 16 }, (_, index) => 17 * index));
const KEYS = { fNwkSIntKey: KEY, sNwkSIntKey: KEY, nwkSEncKey: KEY, appSKey: KEY };
/** Join-requests, rejoin-requests of both sizes and join-accepts have these sizes. */
const JOIN_SIZES = [23, 19, 24, 17, 33];

test('random inputs are read as frames: each has a type, and what is wrong has a place', {
  timeout: MANY_MS,
}, () => {
  const types = new Set<string>();
  let misplaced = 0;
  eachInput(0x12345678, (bytes) => {
    const { fType, issues } = decodeFrame(bytes);
    types.add(fType);
    for (const { offset, length } of issues)
      if (offset < 0 || length < 0 || offset + length > bytes.length) misplaced += 1;
  });
  expect(misplaced).toBe(0);
  // All that a random MHDR can name, and what is none of them.
  expect([...types].sort()).toEqual([
    'CONFIRMED_DOWN',
    'CONFIRMED_UP',
    'INVALID',
    'JOIN_ACCEPT',
    'JOIN_REQUEST',
    'PROPRIETARY',
    'REJOIN_REQUEST',
    'UNCONFIRMED_DOWN',
    'UNCONFIRMED_UP',
  ]);
});

/** Writes a frame that was read; undefined for types that are not written in the clear. */
function written(frame: DecodedFrame): Uint8Array | undefined {
  if (isDataFrame(frame)) return encodeDataFrame(frame);
  if (frame.fType === 'JOIN_REQUEST') return appendMic(encodeJoinRequestMessage(frame), frame.mic);
  if (frame.fType === 'REJOIN_REQUEST')
    return appendMic(encodeRejoinRequestMessage(frame), frame.mic);
  return undefined;
}

/** Bits that are reserved: those of the MHDR, and bit 6 of FCtrl in downlinks (TS001-1.0.4 §4.2 and §4.3.1). */
function withoutReserved(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[0] = (copy[0] ?? 0) & 0xe0;
  const isDataDown = copy[0] === 0x60 || copy[0] === 0xa0;
  if (isDataDown) copy[5] = (copy[5] ?? 0) & 0xbf;
  return copy;
}

test('a frame that was read of random bytes is written as it was, but for reserved bits', {
  timeout: MANY_MS,
}, () => {
  const read = new Map<string, number>();
  let changed = 0;
  const check = (bytes: Uint8Array): void => {
    const frame = decodeFrame(bytes);
    const again = written(frame);
    if (!again) return;
    read.set(frame.fType, (read.get(frame.fType) ?? 0) + 1);
    if (formatHex(again) !== formatHex(withoutReserved(bytes))) changed += 1;
  };
  eachInput(0x2545f491, (bytes, index) => {
    if (index % 2 === 0) check(bytes);
  });
  eachInput(
    0x7f4a7c15,
    (bytes, index) => {
      if (index % 2 !== 0) return;
      const isRejoin = (bytes[0] ?? 0) >> 5 === 6;
      if (isRejoin) bytes[1] = index % 3;
      check(bytes);
    },
    JOIN_SIZES,
  );
  expect(changed).toBe(0);
  expect(read.size).toBe(6);
  for (const count of read.values()) expect(count).toBeGreaterThan(INPUTS / 1_000);
});

test('random inputs are read as MAC commands: every byte is a command or an issue', {
  timeout: MANY_MS,
}, () => {
  const names = new Set<string>();
  let lost = 0;
  eachInput(0x9e3779b9, (bytes, index) => {
    // Half of the inputs begin with a CID that exists, so that more is read than the first byte.
    if (bytes.length > 0 && index % 2 === 0) bytes[0] = CIDS[index % CIDS.length] ?? 0;
    const { commands, issues } = decodeMacCommands(bytes, index % 4 < 2 ? 'up' : 'down');
    let read = 0;
    for (const { name, length } of commands) {
      names.add(name);
      read += length;
    }
    for (const { length } of issues) read += length;
    if (read !== bytes.length) lost += 1;
  });
  expect(lost).toBe(0);
  expect(names.size).toBe(MAC_COMMAND_ROWS.length);
});

test('a MAC command that was read of random bytes is written as it was, but for reserved bits', {
  timeout: MANY_MS,
}, () => {
  const names = new Set<string>();
  let changed = 0;
  eachInput(0x51ed270b, (bytes, index) => {
    const row = MAC_COMMAND_ROWS[index % MAC_COMMAND_ROWS.length];
    if (index % 20 >= 4 || bytes.length === 0 || !row) return;
    bytes[0] = row.cid;
    for (const command of decodeMacCommands(bytes, row.direction).commands) {
      names.add(command.name);
      const again = decodeMacCommands(encodeMacCommand(command), row.direction).commands[0];
      if (JSON.stringify(again?.fields) !== JSON.stringify(command.fields)) changed += 1;
    }
  });
  expect(changed).toBe(0);
  expect(names.size).toBe(MAC_COMMAND_ROWS.length);
});

test('random join-accepts are opened, and written as they were read', { timeout: MANY_MS }, () => {
  let opened = 0;
  let changed = 0;
  eachInput(
    0x3c6ef372,
    (bytes, index) => {
      const isSized = bytes.length === 17 || bytes.length === 33;
      const body = index % 2 === 0 ? openJoinAccept(bytes, KEY) : decodeJoinAcceptBody(bytes);
      if ((body !== undefined) !== isSized) changed += 1;
      if (!body) return;
      opened += 1;
      const reserved = body.message.slice();
      reserved[0] = 0x20;
      reserved[12] = (reserved[12] ?? 0) & 0x0f;
      if (formatHex(encodeJoinAcceptMessage(body)) !== formatHex(reserved)) changed += 1;
    },
    [...JOIN_SIZES, 0, 1, 16, 18, 32, 34],
  );
  expect(changed).toBe(0);
  expect(opened).toBeGreaterThan(INPUTS / 10);
});

test('random data frames are decrypted without a change of length', { timeout: MANY_MS }, () => {
  let opened = 0;
  let changed = 0;
  eachInput(0x1b873593, (bytes, index) => {
    const frame = decodeFrame(bytes);
    if (!isDataFrame(frame)) return;
    const options = { keys: KEYS, fullFCnt: index, lorawan11: index % 2 === 0 };
    const { fOpts, frmPayload } = openDataFrame(frame, options);
    opened += 1;
    if (fOpts.length !== frame.fOpts.length || frmPayload?.length !== frame.frmPayload.length)
      changed += 1;
  });
  expect(changed).toBe(0);
  expect(opened).toBeGreaterThan(INPUTS / 10);
});

/** Whether the spans follow each other from `start` to `end`, and each lies around its children. */
function covers(spans: readonly FieldSpan[], start: number, end: number): boolean {
  let at = start;
  for (const { offset, length, children } of spans) {
    if (offset !== at) return false;
    at += length;
    if (children.some((child) => child.offset < offset || child.offset + child.length > at))
      return false;
  }
  return at === end;
}

test('the field tree of random frames shows every byte once', { timeout: MANY_MS }, () => {
  let holes = 0;
  eachInput(0x6c078965, (bytes) => {
    if (!covers(frameLayout(bytes), 0, bytes.length)) holes += 1;
  });
  expect(holes).toBe(0);
});

test('the field tree of random MAC commands shows every byte once', { timeout: MANY_MS }, () => {
  let holes = 0;
  eachInput(0x5bd1e995, (bytes, index) => {
    if (bytes.length > 0 && index % 4 < 2) bytes[0] = CIDS[index % CIDS.length] ?? 0;
    const direction = index % 2 === 0 ? 'up' : 'down';
    const spans = macCommandLayout(bytes, direction, { offset: 8, decrypted: true });
    if (!covers(spans, 8, 8 + bytes.length)) holes += 1;
  });
  expect(holes).toBe(0);
});

test('random CFLists are five frequencies, 120 masks or none', { timeout: MANY_MS }, () => {
  const found = new Map<string, number>();
  let wrong = 0;
  eachInput(
    0x41c64e6d,
    (bytes, index) => {
      if (bytes.length === 16 && index % 4 < 3) bytes[15] = index % 3;
      const list = parseCfList(bytes);
      const type = bytes.length === 16 ? (bytes[15] ?? 0) : 2;
      const expected = ['FREQUENCIES', 'CHANNEL_MASKS'][type];
      if (list?.type !== expected) wrong += 1;
      if (list?.type === 'FREQUENCIES' && list.frequenciesHz.length !== 5) wrong += 1;
      if (list?.type === 'CHANNEL_MASKS' && list.masks.length !== 120) wrong += 1;
      found.set(`${list?.type}`, (found.get(`${list?.type}`) ?? 0) + 1);
    },
    [16, 16, 16, 15, 17, 0],
  );
  expect(wrong).toBe(0);
  expect([...found.keys()].sort()).toEqual(['CHANNEL_MASKS', 'FREQUENCIES', 'undefined']);
});

/** Characters of which hex in its many notations is made, and some that it never has. */
const CHARACTERS = '0123456789abcdefABCDEF:-., xX0/{}[];=\\\n\tgé\u{1F4E1}';

function textOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += CHARACTERS[byte % CHARACTERS.length];
  return text;
}

test('random texts are bytes and identifiers, or none', { timeout: MANY_MS }, () => {
  const identifiers = [
    { digits: 8, parse: parseDevAddr },
    { digits: 16, parse: parseDevEui },
    { digits: 6, parse: parseNetId },
  ];
  let wrong = 0;
  let read = 0;
  eachInput(0x7fffffff, (bytes, index) => {
    // One in two is well-formed hex in some notation, the others are whatever comes.
    const separator = [':', '-', ' ', ''][index % 4];
    const isHex = index % 8 < 4;
    const text = isHex ? formatHex(bytes, separator) : textOf(bytes);
    const parsed = parseHex(text);
    if (isHex && formatHex(parsed ?? new Uint8Array(1)) !== formatHex(bytes)) wrong += 1;
    const digits = parsed && formatHex(parsed);
    // Half a byte more, in front.
    if (separator === '' && isHex && parseHex(`7${text}`) !== undefined) wrong += 1;
    if (index % 16 >= 8) return;
    for (const identifier of identifiers) {
      const expected = digits?.length === identifier.digits ? digits : undefined;
      if (identifier.parse(text) !== expected) wrong += 1;
      if (expected !== undefined) read += 1;
    }
    const prefix = parseDevAddrPrefix(`${text}/${index % 40}`);
    if (prefix && parseDevAddrPrefix(formatDevAddrPrefix(prefix))?.devAddr !== prefix.devAddr)
      wrong += 1;
  });
  expect(wrong).toBe(0);
  expect(read).toBeGreaterThan(INPUTS / 200);
});
