import { formatHex, parseHex } from '../../lorawan/hex.ts';
import type { Answer, AtCommand } from './at-line-channel.ts';

/** Radio settings of the test mode. One set serves both directions. */
export interface E5RadioConfig {
  readonly frequencyHz: number;
  /** 7 to 12. */
  readonly spreadingFactor: number;
  /** 125, 250 or 500 kHz. */
  readonly bandwidthHz: number;
  readonly powerDbm: number;
  readonly payloadCrc: boolean;
  readonly invertPolarization: boolean;
}

export const E5_LIMITS = {
  spreadingFactors: [7, 8, 9, 10, 11, 12],
  bandwidthsHz: [125_000, 250_000, 500_000],
  maxPowerDbm: 14,
  minPowerDbm: -9,
  /** The modem reads lines of up to 528 characters. */
  longestFrame: 253,
} as const;

/** Long enough for the longest line at 9600 baud and a busy modem. */
const ANSWER_TIMEOUT_MS = 1_500;
const PROBE_TIMEOUT_MS = 500;
/** The longest frame at SF12 is on air for about nine seconds. */
const TRANSMIT_TIMEOUT_MS = 12_000;

const REFUSAL = /^\+(?!INFO)\w+: ?ERROR|^\+INFO: ?Input timeout/i;

/** Answers by pattern, with what they carry; a refusal of any command counts for the one that waits. */
function expecting<T>(pattern: RegExp, value: (match: RegExpExecArray) => Answer<T> | undefined) {
  return (line: string): Answer<T> | undefined => {
    if (REFUSAL.test(line)) return { kind: 'refused' };
    const match = pattern.exec(line);
    return match ? value(match) : undefined;
  };
}

function nothing(): Answer<undefined> {
  return { kind: 'done', value: undefined };
}

const SIMPLE = { timeoutMs: ANSWER_TIMEOUT_MS } as const;

/** Asks whether anybody is there. */
export const AT: AtCommand<undefined> = {
  text: 'AT',
  match: expecting(/^\+AT: ?OK/, nothing),
  timeoutMs: PROBE_TIMEOUT_MS,
};

/** Asks for the firmware version, e.g. `4.0.11`. */
export const VERSION: AtCommand<string> = {
  ...SIMPLE,
  text: 'AT+VER',
  match: expecting(/^\+VER: ?(.{1,40})/, (match) => ({ kind: 'done', value: match[1] ?? '' })),
};

/** Enters the test mode, the only one with raw frames. */
export const MODE_TEST: AtCommand<undefined> = {
  ...SIMPLE,
  text: 'AT+MODE=TEST',
  match: expecting(/^\+MODE: ?TEST/, nothing),
};

/** Ends continuous reception. */
export const STOP: AtCommand<undefined> = {
  ...SIMPLE,
  text: 'AT+TEST=STOP',
  match: expecting(/^\+TEST: ?STOP/, nothing),
};

/** Starts continuous reception. */
export const RECEIVE: AtCommand<undefined> = {
  ...SIMPLE,
  text: 'AT+TEST=RXLRPKT',
  match: expecting(/^\+TEST: ?RXLRPKT/, nothing),
};

/** Sets the radio with LoRaWAN's preamble and public sync word; the answer repeats the frequency in Hz. */
export function radioConfig(config: E5RadioConfig): AtCommand<undefined> {
  const onOff = (on: boolean): string => (on ? 'ON' : 'OFF');
  const fields = [
    config.frequencyHz / 1_000_000,
    `SF${config.spreadingFactor}`,
    config.bandwidthHz / 1000,
    8,
    8,
    config.powerDbm,
    onOff(config.payloadCrc),
    onOff(config.invertPolarization),
    'ON',
  ];
  return {
    ...SIMPLE,
    text: `AT+TEST=RFCFG,${fields.join(',')}`,
    match: expecting(/^\+TEST: ?RFCFG F: ?(\d+(?:\.\d+)?)/, (match) => {
      const said = Number(match[1]);
      const frequencyHz = said < 10_000 ? Math.round(said * 1_000_000) : said;
      return frequencyHz === config.frequencyHz ? nothing() : { kind: 'refused' };
    }),
  };
}

/** Sends a frame; answered when it has left the antenna. */
export function transmit(phyPayload: Uint8Array): AtCommand<undefined> {
  return {
    text: `AT+TEST=TXLRPKT, "${formatHex(phyPayload)}"`,
    match: expecting(/^\+TEST: ?(TXLRPKT|TX DONE)/, (match) =>
      match[1] === 'TX DONE' ? nothing() : { kind: 'part' },
    ),
    timeoutMs: TRANSMIT_TIMEOUT_MS,
  };
}

/** First line of a reception. */
export interface E5PacketHeader {
  readonly length: number;
  readonly rssiDbm: number;
  readonly snrDb: number;
}

export type E5Line =
  | { readonly kind: 'header'; readonly header: E5PacketHeader }
  | { readonly kind: 'frame'; readonly phyPayload: Uint8Array }
  /** A reception whose bytes cannot be read. */
  | { readonly kind: 'unreadable' }
  /** A late answer, or something the modem says about itself. */
  | { readonly kind: 'remark' }
  | { readonly kind: 'unknown' };

const HEADER = /^\+TEST: ?LEN: ?(\d+), ?RSSI: ?(-?\d+(?:\.\d+)?), ?SNR: ?(-?\d+(?:\.\d+)?)/;
const FRAME = /^\+TEST: ?RX "([^"]*)"?/;
const REMARK = /^\+[A-Z]+:/;

/** Reads a line no command waits for. Never throws. */
export function parseE5Line(line: string): E5Line {
  const header = HEADER.exec(line);
  if (header) {
    const [, length, rssiDbm, snrDb] = header.map(Number) as [number, number, number, number];
    return { kind: 'header', header: { length, rssiDbm, snrDb } };
  }
  const frame = FRAME.exec(line);
  if (frame) {
    const digits = (frame[1] ?? '').replaceAll(' ', '');
    const phyPayload = /^[0-9a-f]+$/i.test(digits) ? parseHex(digits) : undefined;
    return phyPayload && phyPayload.length <= 255
      ? { kind: 'frame', phyPayload }
      : { kind: 'unreadable' };
  }
  return { kind: REMARK.test(line) ? 'remark' : 'unknown' };
}

/** Milliseconds a line of that many characters and its end take at a speed of 8N1. */
export function lineTimeMs(characters: number, baudRate: number): number {
  return ((characters + 2) * 10 * 1000) / baudRate;
}
