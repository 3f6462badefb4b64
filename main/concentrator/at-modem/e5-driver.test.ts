import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { type VirtualClock, virtualClock } from '../../base/virtual-clock.ts';
import { createE5Driver, type E5Transmission } from './e5-driver.ts';

const RADIO = {
  frequencyHz: 868_100_000,
  spreadingFactor: 9,
  bandwidthHz: 125_000,
  powerDbm: 14,
  payloadCrc: false,
  invertPolarization: true,
};

function answerTo(line: string): string {
  if (line.startsWith('AT+TEST=RFCFG')) return '+TEST: RFCFG F:868100000, SF9, BW125K';
  if (line.startsWith('AT+TEST=TXLRPKT')) return '+TEST: TX DONE';
  return line.replace('AT+TEST=', '+TEST: ');
}

/** A modem that answers every command at once. */
function modem(clock: VirtualClock) {
  const written: string[] = [];
  const stream: Duplex = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      const line = chunk.toString().trim();
      written.push(line);
      stream.push(`${answerTo(line)}\r\n`);
      done();
    },
  });
  const driver = createE5Driver({
    stream,
    clock,
    baudRate: 9600,
    receiveConfig: RADIO,
    onPacket: () => undefined,
    onProblem: () => undefined,
  });
  const transmit = (writeAtMs: number) => {
    const transmission: E5Transmission = { phyPayload: Uint8Array.of(1), radio: RADIO, writeAtMs };
    return driver.transmit(transmission);
  };
  return { written, transmit };
}

const isSent = (written: readonly string[]): boolean =>
  written.some((line) => line.startsWith('AT+TEST=TXLRPKT'));

test('a frame is not sent when the computer woke up too late for it', async () => {
  const clock = virtualClock();
  // Whoever sleeps is woken 100 ms late: SF9 symbols last 4 ms, of which a receiver can miss a few.
  const busy: VirtualClock = { ...clock, sleep: (delayMs) => clock.sleep(delayMs + 100) };
  const { written, transmit } = modem(busy);
  const acknowledgment = transmit(clock.monotonic() + 500);
  await clock.advance(2_000);
  expect(await acknowledgment).toMatchObject({ result: 'too_late' });
  expect(isSent(written)).toBe(false);
});

test('in time it is sent', async () => {
  const clock = virtualClock();
  const { written, transmit } = modem(clock);
  const acknowledgment = transmit(clock.monotonic() + 500);
  await clock.advance(2_000);
  expect(await acknowledgment).toEqual({ result: 'success' });
  expect(isSent(written)).toBe(true);
});
