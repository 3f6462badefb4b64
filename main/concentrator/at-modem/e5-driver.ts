import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { errorText } from '../../base/errors.ts';
import type { TxAcknowledgment, TxResult } from '../../base/gateway-link.ts';
import { type AtLineChannel, commandErrors, createAtLineChannel } from './at-line-channel.ts';
import {
  AT,
  type E5PacketHeader,
  type E5RadioConfig,
  lineTimeMs,
  MODE_TEST,
  parseE5Line,
  RECEIVE,
  radioConfig,
  STOP,
  transmit,
  VERSION,
} from './lora-e5.ts';
import { waitUntil } from './spin-wait.ts';

const PROBES = 3;
/** Characters of STOP, RFCFG and their answers: what passes before a frame can be sent. */
const PREPARATION_CHARACTERS = 28 + 52 + 100;
/** What the modem, the system and USB add to that. */
const PREPARATION_MARGIN_MS = 30;
/** Allowed lateness in symbols; a device tolerates about four. */
const TOLERATED_SYMBOLS = 2;

/** A frame the modem heard. */
export interface E5Packet {
  readonly phyPayload: Uint8Array;
  /** Absent when the line with the measurements was lost. */
  readonly header?: E5PacketHeader;
  /** Monotonic time of the end of the frame, as far as the lines tell it. */
  readonly endedAtMs: number;
}

export interface E5Transmission {
  readonly phyPayload: Uint8Array;
  readonly radio: E5RadioConfig;
  /** Monotonic time at which the command line has to be written. */
  readonly writeAtMs: number;
}

export interface E5Driver {
  /** Makes the modem listen; resolves with its firmware version. Rejects with a command error. */
  configure(): Promise<string>;
  /** Interrupts reception, sends, and listens again. Rejects when the modem does not listen afterwards. */
  transmit(transmission: E5Transmission): Promise<TxAcknowledgment>;
  /** What the modem said last that was no answer; shows what it is when it is no modem. */
  readonly lastRemark: string | undefined;
  close(): void;
}

export interface E5DriverOptions {
  readonly stream: Duplex;
  readonly clock: Clock;
  readonly baudRate: number;
  readonly receiveConfig: E5RadioConfig;
  readonly onPacket: (packet: E5Packet) => void;
  readonly onProblem: (code: string, detail: string) => void;
}

/** Time between the start of preparation and the earliest moment the frame's line can be written. */
export function preparationMs(baudRate: number): number {
  return lineTimeMs(PREPARATION_CHARACTERS, baudRate) + PREPARATION_MARGIN_MS;
}

/** Time the line that sends a frame of that many bytes takes to reach the modem. */
export function transmitLineMs(frameBytes: number, baudRate: number): number {
  return lineTimeMs(transmit(new Uint8Array(frameBytes)).text.length, baudRate);
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 60);
}

/** Joins the two lines of a reception and finds out when the frame ended. */
function createPacketReader(options: E5DriverOptions) {
  const { baudRate, onPacket, onProblem } = options;
  let pending: { header: E5PacketHeader; lineMs: number; endedAtMs: number } | undefined;
  return (line: string, arrivedMs: number): void => {
    const parsed = parseE5Line(line);
    const lineMs = lineTimeMs(line.length, baudRate);
    switch (parsed.kind) {
      case 'header':
        pending = { header: parsed.header, lineMs, endedAtMs: arrivedMs - lineMs };
        return;
      case 'frame': {
        const before = pending;
        pending = undefined;
        if (before && before.header.length !== parsed.phyPayload.length) {
          onProblem(
            'gatehouse/modem:length_mismatch',
            `The modem announced ${before.header.length} bytes and delivered ${parsed.phyPayload.length}.`,
          );
          return;
        }
        const endedAtMs = arrivedMs - lineMs - (before?.lineMs ?? 0);
        // Latency only ever adds, so the earlier of the two estimates is the better one.
        onPacket({
          phyPayload: parsed.phyPayload,
          ...(before ? { header: before.header } : {}),
          endedAtMs: before ? Math.min(before.endedAtMs, endedAtMs) : endedAtMs,
        });
        return;
      }
      case 'unreadable':
        pending = undefined;
        onProblem('gatehouse/modem:bad_hex', `The frame is no hex text: ${printable(line)}`);
        return;
      case 'remark':
        return;
      case 'unknown':
        onProblem(
          'gatehouse/modem:unknown_line',
          `The modem sent an unknown line: ${printable(line)}`,
        );
    }
  };
}

/** Finds out whether anybody is there; the first attempts may meet a half-written line. */
async function probe(channel: AtLineChannel): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    channel.sendLineEnd();
    try {
      await channel.command(AT);
      return;
    } catch (error) {
      if (commandErrors.closed.is(error) || attempt >= PROBES) throw error;
    }
  }
}

function isLate(transmission: E5Transmission, nowMs: number): boolean {
  const { spreadingFactor, bandwidthHz } = transmission.radio;
  const symbolMs = (2 ** spreadingFactor / bandwidthHz) * 1000;
  return nowMs - transmission.writeAtMs > Math.max(3, TOLERATED_SYMBOLS * symbolMs);
}

/** Runs a command; a refusal becomes the acknowledgement, anything else that goes wrong is thrown. */
async function refusalOf(
  run: Promise<unknown>,
  result: TxResult,
): Promise<TxAcknowledgment | undefined> {
  try {
    await run;
    return undefined;
  } catch (error) {
    if (!commandErrors.refused.is(error)) throw error;
    return { result, detail: errorText(error) };
  }
}

/** Sends a frame at its time with a modem that does not listen. */
async function send(
  channel: AtLineChannel,
  clock: Clock,
  transmission: E5Transmission,
): Promise<TxAcknowledgment> {
  const unset = await refusalOf(channel.command(radioConfig(transmission.radio)), 'tx_freq');
  if (unset) return unset;
  if (isLate(transmission, clock.monotonic())) {
    return { result: 'too_late', detail: 'the modem was not ready in time' };
  }
  await waitUntil(clock, transmission.writeAtMs);
  // A busy computer wakes up late. The device would not hear the frame, and to say that it was sent would be wrong.
  if (isLate(transmission, clock.monotonic())) {
    return { result: 'too_late', detail: 'this computer was too busy at the time of the frame' };
  }
  const unsent = await refusalOf(channel.command(transmit(transmission.phyPayload)), 'unknown');
  return unsent ?? { result: 'success' };
}

/** Drives a LoRa-E5 in its test mode over an open port. */
export function createE5Driver(options: E5DriverOptions): E5Driver {
  const { stream, clock, receiveConfig } = options;
  const readPacket = createPacketReader(options);
  let lastRemark: string | undefined;
  let configured = false;
  const channel = createAtLineChannel({
    stream,
    clock,
    onLine(line, arrivedMs) {
      if (!configured) lastRemark = printable(line);
      if (configured || parseE5Line(line).kind !== 'unknown') readPacket(line, arrivedMs);
    },
  });
  const listen = async (): Promise<void> => {
    await channel.command(radioConfig(receiveConfig));
    await channel.command(RECEIVE);
  };
  return {
    get lastRemark() {
      return lastRemark;
    },
    async configure() {
      await probe(channel);
      const version = await channel.command(VERSION);
      await channel.command(MODE_TEST);
      // Some firmware refuses to be set while it receives, some refuses STOP while it does not.
      await refusalOf(channel.command(STOP), 'unknown');
      await listen();
      configured = true;
      return version;
    },
    async transmit(transmission) {
      await channel.command(STOP);
      const acknowledgment = await send(channel, clock, transmission);
      await listen();
      return acknowledgment;
    },
    close: () => channel.close(),
  };
}
