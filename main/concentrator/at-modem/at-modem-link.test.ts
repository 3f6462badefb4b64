import { randomUUID } from 'node:crypto';
import { rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createLoraE5Emulator,
  type LoraE5EmulatorOptions,
} from '../../../test/support/lora-e5-emulator.ts';
import { measureAtModemTransmitError } from '../../../test/support/lora-e5-transmit-error.ts';
import { createPty, ptyUnavailable } from '../../../test/support/pty.ts';
import { createRecordingSink } from '../../../test/support/udp-recording-sink.ts';
import { unavailable } from '../../../test/support/unavailable.ts';
import { systemClock } from '../../base/clock.ts';
import type { TxRequest } from '../../base/gateway-link.ts';
import { silentLogger } from '../../base/logger.ts';
import { type AtModemLinkOptions, createAtModemLink } from './at-modem-link.ts';
import { timestampFromMonotonic } from './concentrator-time.ts';

const missing = ptyUnavailable();
if (missing) unavailable('serial', missing);

const EUI = '0000000000000E55';
const FRAME = Uint8Array.from(Buffer.from('40F17DBE4900020001954378762B11FF0D', 'hex'));

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function plugIn(options: LoraE5EmulatorOptions = {}) {
  const pty = await createPty();
  cleanUps.push(() => pty.close());
  return { pty, modem: createLoraE5Emulator(pty, options) };
}

async function temporaryLink(target?: string) {
  const path = join(tmpdir(), `gatehouse-modem-${randomUUID()}`);
  cleanUps.push(() => rm(path, { force: true }));
  const pointTo = async (device: string): Promise<void> => {
    await rm(path, { force: true });
    await symlink(device, path);
  };
  if (target) await pointTo(target);
  return { path, pointTo };
}

async function startLink(path: string, change: Partial<AtModemLinkOptions> = {}) {
  const clock = systemClock();
  const link = createAtModemLink({
    id: 'modem',
    path,
    baudRate: 115_200,
    gatewayEui: EUI,
    channel: {
      frequencyHz: 868_100_000,
      modulation: { spreadingFactor: 9, bandwidthHz: 125_000 },
    },
    transmitOffsetMs: 3,
    clock,
    logger: silentLogger(),
    ...change,
  });
  const sink = createRecordingSink();
  cleanUps.push(() => link.stop());
  await link.start(sink);
  return { link, sink, clock };
}

function requestAt(monotonicMs: number, change: Partial<TxRequest> = {}): TxRequest {
  return {
    gatewayEui: EUI,
    phyPayload: Uint8Array.of(0x60, 1, 2, 3, 4, 5, 6, 7),
    frequencyHz: 869_525_000,
    modulation: { kind: 'lora', spreadingFactor: 12, bandwidthHz: 125_000, codingRate: '4/5' },
    eirpDbm: 14,
    antennaIndex: 0,
    invertPolarization: true,
    payloadCrc: false,
    time: { kind: 'timestamp', concentratorTimestampUs: timestampFromMonotonic(monotonicMs) },
    ...change,
  };
}

describe.runIf(!missing)('a LoRa-E5 on a serial port', () => {
  test.each(['new', 'old'] as const)('with %s firmware hears frames', async (firmware) => {
    const { pty, modem } = await plugIn({ firmware, baudRate: 9600 });
    const { link, sink, clock } = await startLink(pty.path, { baudRate: 9600 });
    expect(sink.states.map((state) => state.phase)).toEqual(['starting', 'running']);
    expect(sink.connections).toEqual([
      { gatewayEui: EUI, protocol: 'at_modem', remoteAddress: pty.path, downlinkReady: true },
    ]);
    expect(modem.radio).toMatchObject({
      frequencyHz: 868_100_000,
      spreadingFactor: 9,
      powerDbm: 14,
      crc: true,
      iqInverted: false,
      publicNetwork: true,
    });
    const endedAtMs = clock.monotonic();
    modem.hear(FRAME, { rssi: -45, snr: 9 });
    await sink.until(() => sink.uplinks.length === 1);
    const uplink = sink.uplinks[0];
    expect(uplink).toMatchObject({
      gatewayEui: EUI,
      phyPayload: FRAME,
      frequencyHz: 868_100_000,
      modulation: { kind: 'lora', spreadingFactor: 9, bandwidthHz: 125_000 },
      antennas: [{ antennaIndex: 0, channelRssiDbm: -45, snrDb: 9 }],
    });
    // The two lines take 90 ms at 9600 baud; the end of the frame is known to a few.
    const errorMs =
      ((uplink?.concentratorTimestampUs ?? 0) - timestampFromMonotonic(endedAtMs)) / 1000;
    expect(Math.abs(errorMs)).toBeLessThan(20);
    expect(link.capabilities).toMatchObject({ singleChannel: true, maxEirpDbm: 14 });
    expect(link.capabilities.leadTimeMs).toBeGreaterThan(200);
    expect(link.capabilities.leadTimeMs).toBeLessThan(500);
    // Two characters of ten bits for each byte.
    expect(link.capabilities.leadTimePerByteMs).toBeCloseTo(20_000 / 9600);
  });

  test('sends a downlink when it should, then listens again', async () => {
    const { pty, modem } = await plugIn({ transmitDelayMs: 3 });
    const { link, sink, clock } = await startLink(pty.path);
    const before = modem.commands.length;
    const wantedMs = clock.monotonic() + 300;
    const acknowledgment = await link.transmit(requestAt(wantedMs));
    // Without a round trip: it would hold the waiting and the time on air, and lead times would grow with it.
    expect(acknowledgment).toEqual({ result: 'success' });
    const transmission = modem.transmissions[0];
    expect(transmission).toMatchObject({
      phyPayloadHex: '6001020304050607',
      radio: { frequencyHz: 869_525_000, spreadingFactor: 12, crc: false, iqInverted: true },
    });
    expect(Math.abs((transmission?.startedAtMs ?? 0) - wantedMs)).toBeLessThan(20);
    expect(modem.commands.slice(before).map((line) => line.split(/[ ,]/)[0])).toEqual([
      'AT+TEST=STOP',
      'AT+TEST=RFCFG',
      'AT+TEST=TXLRPKT',
      'AT+TEST=RFCFG',
      'AT+TEST=RXLRPKT',
    ]);
    expect(modem.radio).toMatchObject({ frequencyHz: 868_100_000, crc: true, iqInverted: false });
    expect(modem.hear(FRAME, { rssi: -80, snr: 4 })).toBe(true);
    await sink.until(() => sink.uplinks.length === 1);
  });

  test('answers RX1 of what it heard', async () => {
    const { pty, modem } = await plugIn();
    const { link, sink, clock } = await startLink(pty.path);
    const endedAtMs = clock.monotonic();
    modem.hear(FRAME, { rssi: -45, snr: 9 });
    await sink.until(() => sink.uplinks.length === 1);
    const heardUs = sink.uplinks[0]?.concentratorTimestampUs ?? 0;
    const time = {
      kind: 'timestamp',
      concentratorTimestampUs: (heardUs + 1_000_000) >>> 0,
    } as const;
    expect((await link.transmit(requestAt(0, { time }))).result).toBe('success');
    const delayMs = (modem.transmissions[0]?.startedAtMs ?? 0) - endedAtMs;
    expect(Math.abs(delayMs - 1_000)).toBeLessThan(20);
  });

  test('refuses what comes too late or at the same time', async () => {
    const { pty, modem } = await plugIn({ airTimeMs: 100 });
    const { link, clock } = await startLink(pty.path);
    const late = await link.transmit(requestAt(clock.monotonic() + 10));
    expect(late.result).toBe('too_late');
    const atMs = clock.monotonic() + 300;
    const [first, second] = await Promise.all([
      link.transmit(requestAt(atMs)),
      link.transmit(requestAt(atMs + 20)),
    ]);
    expect([first.result, second.result]).toEqual(['success', 'collision_packet']);
    expect(modem.transmissions).toHaveLength(1);
  });

  test('tells a frequency the modem does not take, and listens on', async () => {
    const { pty, modem } = await plugIn();
    const { link } = await startLink(pty.path);
    const time = { kind: 'immediate' } as const;
    const refused = await link.transmit(requestAt(0, { time, frequencyHz: 2_425_000_000 }));
    expect(refused).toMatchObject({ result: 'tx_freq' });
    expect(refused.detail).toContain('ERROR(-1)');
    const accepted = await link.transmit(requestAt(0, { time, eirpDbm: 27 }));
    expect(accepted).toMatchObject({ result: 'success', transmittedEirpDbm: 14 });
    expect(modem.receiving).toBe(true);
  });

  test('tells lines that cannot be used', async () => {
    const { pty, modem } = await plugIn();
    const { sink } = await startLink(pty.path);
    modem.say('+TEST: RX "4"');
    modem.say('+TEST: LEN:9, RSSI:-45, SNR:9');
    modem.say('+TEST: RX "4001"');
    modem.say('\x01\x02 noise');
    modem.hear(FRAME, { rssi: -45, snr: 9 });
    await sink.until(() => sink.uplinks.length === 1);
    expect(sink.malformedReports.map((report) => report.code)).toEqual([
      'gatehouse/modem:bad_hex',
      'gatehouse/modem:length_mismatch',
      'gatehouse/modem:unknown_line',
    ]);
  });

  test('goes on after it was unplugged and plugged in again', async () => {
    const one = await plugIn();
    const { path, pointTo } = await temporaryLink(one.pty.path);
    const { link, sink, clock } = await startLink(path);
    one.modem.hear(FRAME, { rssi: -45, snr: 9 });
    await sink.until(() => sink.uplinks.length === 1);
    const sending = link.transmit(requestAt(clock.monotonic() + 500));
    await rm(path);
    await one.pty.close();
    expect((await sending).result).toBe('no_acknowledgment');
    expect(sink.states.at(-1)).toMatchObject({
      phase: 'waiting',
      causeCode: 'gatehouse/link:vanished',
      address: path,
    });
    expect(sink.disconnections.map((gone) => gone.gatewayEui)).toEqual([EUI]);
    const two = await plugIn();
    await pointTo(two.pty.path);
    await two.modem.listening();
    await sink.until(() => sink.states.at(-1)?.phase === 'running');
    expect(sink.states.map((state) => state.phase)).toEqual([
      'starting',
      'running',
      'waiting',
      'running',
    ]);
    two.modem.hear(FRAME, { rssi: -45, snr: 9 });
    await sink.until(() => sink.uplinks.length === 2);
    expect((await link.transmit(requestAt(clock.monotonic() + 300))).result).toBe('success');
  });

  test('opens a modem that stopped answering anew', async () => {
    const { pty, modem } = await plugIn();
    const { link, sink } = await startLink(pty.path);
    modem.setMood(() => '');
    const result = await link.transmit(requestAt(0, { time: { kind: 'immediate' } }));
    expect(result.result).toBe('no_acknowledgment');
    expect(sink.states.at(-1)?.causeCode).toBe('gatehouse/link:no_answer');
    const before = modem.commands.length;
    await expect.poll(() => modem.commands.length, { timeout: 5_000 }).toBeGreaterThan(before);
    const tooSoon = await link.transmit(requestAt(0, { time: { kind: 'immediate' } }));
    expect(tooSoon).toMatchObject({ detail: 'the modem is not there' });
    expect(modem.commands.slice(before)).not.toContain('AT+TEST=STOP');
    modem.setMood(undefined);
    await sink.until(() => sink.states.at(-1)?.phase === 'running');
  });
});

describe.runIf(!missing)('a port without a modem', () => {
  test('that does not exist is waited for', async () => {
    const { path, pointTo } = await temporaryLink();
    const { sink } = await startLink(path);
    expect(sink.states.at(-1)).toMatchObject({
      phase: 'waiting',
      causeCode: 'gatehouse/link:not_found',
    });
    const { pty } = await plugIn();
    await pointTo(pty.path);
    await sink.until(() => sink.states.at(-1)?.phase === 'running');
  });

  test('that another program uses is said to be busy', async () => {
    const { pty } = await plugIn();
    await startLink(pty.path);
    const { sink } = await startLink(pty.path);
    expect(sink.states.at(-1)).toMatchObject({
      phase: 'failed',
      causeCode: 'gatehouse/link:port_busy',
    });
  });

  test('that may not be opened is said so', async () => {
    const openPort = async (): Promise<never> => {
      throw new Error('Error: Permission denied, cannot open /dev/ttyUSB0');
    };
    const { sink } = await startLink('/dev/ttyUSB0', { openPort });
    expect(sink.states.at(-1)).toMatchObject({
      phase: 'failed',
      causeCode: 'gatehouse/link:no_permission',
    });
  });

  test('that is silent is no modem', async () => {
    const pty = await createPty();
    cleanUps.push(() => pty.close());
    const { sink } = await startLink(pty.path);
    expect(sink.states.at(-1)).toMatchObject({
      phase: 'failed',
      causeCode: 'gatehouse/link:not_a_modem',
    });
    expect(sink.states.at(-1)?.causeText).toContain('no answer');
  });

  test('that talks differently shows what it says', async () => {
    const { pty, modem } = await plugIn();
    modem.setMood(() => 'invalid_param');
    const { sink } = await startLink(pty.path);
    expect(sink.states.at(-1)?.causeCode).toBe('gatehouse/link:not_a_modem');
    expect(sink.states.at(-1)?.causeText).toContain('invalid_param');
  });
});

describe.runIf(!missing)('the begin of a frame', () => {
  test('keeps to its time', async () => {
    const { count, meanMs, p50Ms, p95Ms, maxMs } = await measureAtModemTransmitError({ count: 10 });
    expect(count).toBe(10);
    expect(Math.abs(meanMs)).toBeLessThan(20);
    expect(p50Ms).toBeLessThan(20);
    expect(maxMs).toBeLessThan(100);
    expect(p50Ms).toBeLessThanOrEqual(p95Ms);
    expect(p95Ms).toBeLessThanOrEqual(maxMs);
  });
});
