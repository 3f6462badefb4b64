import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type E5RadioConfig,
  lineTimeMs,
  parseE5Line,
  RECEIVE,
  radioConfig,
  STOP,
  transmit,
  VERSION,
} from './lora-e5.ts';

const CONFIG: E5RadioConfig = {
  frequencyHz: 868_100_000,
  spreadingFactor: 7,
  bandwidthHz: 125_000,
  powerDbm: 14,
  payloadCrc: true,
  invertPolarization: false,
};

describe('commands', () => {
  test('set the radio as the manual says', () => {
    expect(radioConfig(CONFIG).text).toBe('AT+TEST=RFCFG,868.1,SF7,125,8,8,14,ON,OFF,ON');
    const downlink = {
      ...CONFIG,
      frequencyHz: 869_525_000,
      spreadingFactor: 12,
      powerDbm: 10,
      payloadCrc: false,
      invertPolarization: true,
    };
    expect(radioConfig(downlink).text).toBe('AT+TEST=RFCFG,869.525,SF12,125,8,8,10,OFF,ON,ON');
  });

  test('send a frame as hex', () => {
    expect(transmit(Uint8Array.of(0x60, 0x0a)).text).toBe('AT+TEST=TXLRPKT, "600A"');
  });
});

describe('answers', () => {
  test.each([
    '+TEST: RFCFG F:868100000, SF7, BW125K, TXPR:8, RXPR:8, POW:14dBm, CRC:ON, IQ:OFF, NET:ON',
    '+TEST: RFCFG F:868100000, SF7, BW125KHz, TXPR:8, RXPR:8, POW:14dBm, CRC:ON, IQ:OFF, PNET:ON',
  ])('of new and old firmware are understood: %s', (line) => {
    expect(radioConfig(CONFIG).match(line)?.kind).toBe('done');
  });

  test('with another frequency than asked for are refusals', () => {
    const line = '+TEST: RFCFG F:868300000, SF7, BW125K';
    expect(radioConfig(CONFIG).match(line)?.kind).toBe('refused');
  });

  test.each(['+TEST: ERROR(-1)', '+AT: ERROR(-10)', '+INFO: Input timeout'])(
    '%s is a refusal of any command',
    (line) => {
      for (const command of [STOP, RECEIVE, VERSION, radioConfig(CONFIG)]) {
        expect(command.match(line)).toEqual({ kind: 'refused' });
      }
    },
  );

  test('a frame is sent when the modem says so, not when it repeats the command', () => {
    const command = transmit(Uint8Array.of(1));
    expect(command.match('+TEST: TXLRPKT "01"')).toEqual({ kind: 'part' });
    expect(command.match('+TEST: TX DONE')).toEqual({ kind: 'done', value: undefined });
  });

  test('carry the firmware version', () => {
    expect(VERSION.match('+VER: 4.0.11')).toEqual({ kind: 'done', value: '4.0.11' });
  });
});

describe('receptions', () => {
  test('come in two lines', () => {
    expect(parseE5Line('+TEST: LEN:17, RSSI:-45, SNR:9')).toEqual({
      kind: 'header',
      header: { length: 17, rssiDbm: -45, snrDb: 9 },
    });
    expect(parseE5Line('+TEST: RX "40F17D"')).toEqual({
      kind: 'frame',
      phyPayload: Uint8Array.of(0x40, 0xf1, 0x7d),
    });
  });

  test.each([
    ['+TEST: RX "40F"', 'unreadable'],
    ['+TEST: RX "hello"', 'unreadable'],
    ['+TEST: RX ""', 'unreadable'],
    ['+INFO: Low power', 'remark'],
    ['garbage', 'unknown'],
  ])('%s is %s', (line, kind) => {
    expect(parseE5Line(line).kind).toBe(kind);
  });

  test('of any text never throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, marked) => {
        parseE5Line(marked ? `+TEST: RX "${text}` : text);
      }),
      { numRuns: 2000 },
    );
  });
});

test('a 95 character reception takes about 100 ms at 9600 baud', () => {
  expect(lineTimeMs(94, 9600)).toBeCloseTo(100);
  expect(lineTimeMs(94, 115_200)).toBeCloseTo(8.33, 2);
});
