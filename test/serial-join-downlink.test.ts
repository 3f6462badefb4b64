import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import {
  createLoraE5Emulator,
  type EmulatedTransmission,
  type LoraE5Emulator,
} from './support/lora-e5-emulator.ts';
import { createLoraPacketDevice } from './support/lora-packet-device.ts';
import { createPty, type Pty, ptyUnavailable } from './support/pty.ts';
import { unavailable } from './support/unavailable.ts';

const missing = ptyUnavailable();
if (missing) unavailable('serial modem through the whole program', missing);

/** Speed a LoRa-E5 has when it leaves the factory: every line takes long, so this is the hardest case. */
const BAUD_RATE = 9_600;
/** Long enough that a program which ignored it would miss the tolerance. */
const TRANSMIT_OFFSET_MS = 250;
/** For machines that do other things; what an idle one reaches is measured by the bench. */
const TOLERANCE_MS = 100;
const RX1_DELAY_MS = 5_000;
/** Radio settings with which the modem hears devices on its channel. */
const RECEPTION = {
  frequencyHz: 868_100_000,
  spreadingFactor: 9,
  bandwidthKhz: 125,
  crc: true,
  iqInverted: false,
  publicNetwork: true,
};
const QUALITY = { rssi: -45, snr: 9 };
/** Five seconds to a window and a modem that is looked for every 1.5 s, on a busy machine. */
const PATIENCE = { timeout: 15_000, interval: 50 };

const ids = {
  device_id: 'pump-3',
  application_ids: { application_id: 'field' },
  dev_eui: '0004A30B001C0531',
  join_eui: '0000000000000001',
};
const appKey = Buffer.from('8AFE71A145B253E49C3031AD068277A2', 'hex');
const device = createLoraPacketDevice({ devEui: ids.dev_eui, joinEui: ids.join_eui, appKey });

interface LinkStatusJson {
  readonly link: { readonly id: string; readonly name: string };
  readonly phase: string;
  readonly cause_code?: string;
  readonly cause_text?: string;
  readonly address?: string;
  readonly single_channel?: boolean;
  readonly gateways?: readonly { readonly connected?: boolean; readonly gateway_eui: string }[];
}

interface FrameJson {
  readonly f_type: string;
  readonly full_f_cnt?: number;
  readonly receptions?: readonly { readonly link_id: string }[];
  readonly verdict: { readonly outcome: string; readonly cause?: string };
  readonly transmission?: { readonly window: string; readonly result: string };
}

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-serial-'));
/** A name that stays while the device behind it changes, as the ones in /dev/serial/by-id do. */
const path = join(directory, 'usb-lora-e5');
let program: HeadlessProcess;
let pty: Pty;
let modem: LoraE5Emulator;
let linkId: string;
let lastFCntDown: number;

async function plugIn(): Promise<void> {
  pty = await createPty();
  modem = createLoraE5Emulator(pty, {
    baudRate: BAUD_RATE,
    transmitDelayMs: TRANSMIT_OFFSET_MS,
    airTimeMs: 250,
  });
  symlinkSync(pty.path, path);
}

/** The device file goes, and what has it open is told: in this order, as udev and the kernel do. */
async function unplug(): Promise<void> {
  rmSync(path);
  await pty.close();
}

async function call<T>(method: string, resource: string, body?: unknown): Promise<T> {
  const answer = await fetch(`http://${program.addresses.http}/api/v3${resource}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = await answer.json();
  expect(answer.status, JSON.stringify(json)).toBe(200);
  return json as T;
}

async function addLink(name: string, port = path): Promise<LinkStatusJson> {
  return call('POST', '/gatehouse/links', {
    link: {
      name,
      enabled: true,
      frequency_plan_id: 'EU_863_870',
      at_modem: {
        path: port,
        frequency_hz: '868100000',
        spreading_factor: 9,
        bandwidth_hz: 125_000,
        transmit_offset_ms: TRANSMIT_OFFSET_MS,
      },
    },
  });
}

async function linkStatus(id: string): Promise<LinkStatusJson | undefined> {
  const { links } = await call<{ links: LinkStatusJson[] }>('GET', '/gatehouse/links');
  return links.find(({ link }) => link.id === id);
}

async function frames(): Promise<FrameJson[]> {
  return (await call<{ frames?: FrameJson[] }>('GET', '/gatehouse/frames?limit=100')).frames ?? [];
}

function accepted({ verdict, full_f_cnt }: FrameJson): number {
  expect(verdict.outcome).toBe('OUTCOME_ACCEPTED');
  return full_f_cnt ?? 0;
}

async function push(text: string): Promise<void> {
  await call('POST', `/as/applications/field/devices/pump-3/down/push`, {
    downlinks: [{ f_port: 12, frm_payload: Buffer.from(text).toString('base64') }],
  });
}

/** Lets a frame end on air as soon as the modem listens; answers when that was. */
async function hear(phyPayload: Buffer): Promise<number> {
  await expect.poll(() => modem.receiving, PATIENCE).toBe(true);
  const endedAtMs = performance.now();
  expect(modem.hear(phyPayload, QUALITY)).toBe(true);
  return endedAtMs;
}

/** Lets a frame end on air and waits for the next transmission, which has to be in its RX1. */
async function answerInRx1(phyPayload: Buffer): Promise<Buffer> {
  const next = modem.transmissions.length + 1;
  const endedAtMs = await hear(phyPayload);
  const transmission = await modem.transmitted(next);
  expectInRx1(transmission, endedAtMs);
  return bytesOf(transmission);
}

async function expectListening(): Promise<void> {
  await expect.poll(() => modem.receiving, PATIENCE).toBe(true);
  expect(modem.radio).toMatchObject(RECEPTION);
}

/** Counters of all uplinks recorded, newest first. */
async function uplinks(): Promise<number[]> {
  return (await frames()).filter(({ f_type }) => f_type === 'UNCONFIRMED_UP').map(accepted);
}

async function countOf(cause: string): Promise<number> {
  return (await frames()).filter(({ verdict }) => verdict.cause === cause).length;
}

function bytesOf({ phyPayloadHex }: EmulatedTransmission): Buffer {
  return Buffer.from(phyPayloadHex, 'hex');
}

/** What every downlink in RX1 of this channel has to look like to the modem, and when. */
function expectInRx1(transmission: EmulatedTransmission, uplinkEndedAtMs: number): void {
  expect(transmission.radio).toMatchObject({
    frequencyHz: 868_100_000,
    spreadingFactor: 9,
    bandwidthKhz: 125,
    preamble: 8,
    crc: false,
    iqInverted: true,
    publicNetwork: true,
  });
  const opensAtMs = uplinkEndedAtMs + RX1_DELAY_MS;
  // 8N1: ten bits a character, and the line has an end of two.
  const characters = 'AT+TEST=TXLRPKT, ""'.length + transmission.phyPayloadHex.length + 2;
  const lineMs = (characters * 10_000) / BAUD_RATE;
  const scheduledMs = opensAtMs - lineMs - TRANSMIT_OFFSET_MS;
  expect(transmission.configuredAtMs).toBeLessThan(transmission.commandedAtMs);
  // Until shortly before, the modem hears other devices.
  expect(opensAtMs - transmission.configuredAtMs).toBeLessThan(1_000);
  expect(Math.abs(transmission.commandedAtMs - scheduledMs)).toBeLessThan(TOLERANCE_MS);
  expect(Math.abs(transmission.startedAtMs - opensAtMs)).toBeLessThan(TOLERANCE_MS);
}

async function register(): Promise<void> {
  const devices = '/applications/field/devices';
  await call('POST', '/users/admin/applications', {
    application: { ids: ids.application_ids },
  });
  await call('POST', devices, { end_device: { ids } });
  await call('PUT', `/js${devices}/pump-3`, {
    end_device: { ids, root_keys: { app_key: { key: appKey.toString('hex') } } },
    field_mask: { paths: ['root_keys.app_key.key'] },
  });
  await call('PUT', `/ns${devices}/pump-3`, {
    end_device: {
      ids,
      supports_join: true,
      frequency_plan_id: 'EU_863_870',
      lorawan_version: '1.0.3',
      lorawan_phy_version: '1.0.3-a',
    },
    field_mask: {
      paths: ['supports_join', 'frequency_plan_id', 'lorawan_version', 'lorawan_phy_version'],
    },
  });
  await call('PUT', `/as${devices}/pump-3`, { end_device: { ids }, field_mask: { paths: [] } });
}

beforeAll(async () => {
  if (missing) return;
  program = await startHeadless(directory);
  await register();
  await plugIn();
});
afterAll(async () => {
  await program?.stop();
  await pty?.close();
  rmSync(directory, { recursive: true, force: true });
});

/**
 * One story: each test goes on where the one before it ended. On a machine that does too many other things the program
 * misses a window now and then, and records it; what has to hold is that it can be kept, so a test may begin anew.
 */
describe.runIf(!missing)('a LoRa-E5 on one channel', { timeout: 40_000, retry: 2 }, () => {
  test('is added over the API and listens', async () => {
    const added = await addLink('Stick');
    linkId = added.link.id;
    expect(added).toMatchObject({
      phase: 'LINK_PHASE_RUNNING',
      address: path,
      single_channel: true,
    });
    expect(modem.receiving).toBe(true);
    expect(modem.radio).toMatchObject(RECEPTION);
  });

  test('brings a device to join: the accept leaves in RX1, five seconds after the request', async () => {
    const accept = await answerInRx1(device.joinRequest());
    expect(device.acceptJoin(accept).rx1DelaySeconds).toBe(5);
    await expectListening();
  });

  test('sends a pushed downlink in RX1 of the next uplink, then listens as before', async () => {
    await push('open');
    const read = device.readDownlink(
      await answerInRx1(device.uplink(1, Buffer.from('0102', 'hex'))),
    );
    expect(read.fPort).toBe(12);
    lastFCntDown = read.fCnt;
    expect(read.payload.toString()).toBe('open');
    await expectListening();
    await expect
      .poll(async () => (await frames()).map(({ transmission }) => transmission), PATIENCE)
      .toContainEqual(expect.objectContaining({ window: 'RX1', result: 'success' }));
  });

  test('keeps its port: a second link says that it is in use, one without device that it is missing', async () => {
    const second = await addLink('Second');
    expect(second).toMatchObject({
      phase: 'LINK_PHASE_FAILED',
      cause_code: 'gatehouse/link:port_busy',
    });
    expect(second.cause_text).toContain(path);
    const nowhere = await addLink('Nowhere', `${path}-2`);
    expect(nowhere).toMatchObject({
      phase: 'LINK_PHASE_WAITING',
      cause_code: 'gatehouse/link:not_found',
    });
    for (const { link } of [second, nowhere]) await call('DELETE', `/gatehouse/links/${link.id}`);
    expect(await linkStatus(linkId)).toMatchObject({ phase: 'LINK_PHASE_RUNNING' });
  });

  test('goes on by itself after it was unplugged between an uplink and its downlink', async () => {
    if (!existsSync(path)) await plugIn();
    const before = await uplinks();
    const refused = await countOf('no_downlink_path');
    await push('close');
    await hear(device.uplink(1, Buffer.from('0304', 'hex')));
    const heard = [(before[0] ?? 0) + 1, ...before];
    await expect.poll(uplinks, PATIENCE).toEqual(heard);
    await unplug();
    const vanished = { phase: 'LINK_PHASE_WAITING', cause_code: 'gatehouse/link:vanished' };
    await expect.poll(() => linkStatus(linkId), PATIENCE).toMatchObject(vanished);
    expect((await linkStatus(linkId))?.gateways?.[0]?.connected ?? false).toBe(false);
    await expect.poll(() => countOf('no_downlink_path'), PATIENCE).toBe(refused + 1);
    // However often the missing port was looked for since; and what was heard is kept.
    expect(await linkStatus(linkId)).toMatchObject(vanished);
    expect(await uplinks()).toEqual(heard);

    await plugIn();
    await expect
      .poll(() => linkStatus(linkId), PATIENCE)
      .toMatchObject({
        phase: 'LINK_PHASE_RUNNING',
        gateways: [{ connected: true, downlink_ready: true }],
      });
    expect((await linkStatus(linkId))?.cause_code ?? '').toBe('');
    expect(modem.radio).toMatchObject(RECEPTION);
    const read = device.readDownlink(
      await answerInRx1(device.uplink(1, Buffer.from('0506', 'hex'))),
    );
    expect(read.payload.toString()).toBe('close');
    // The counter of the frame that could not leave is spent, and never used again.
    expect(read.fCnt).toBeGreaterThan(lastFCntDown + 1);
    await expect.poll(uplinks, PATIENCE).toEqual([(heard[0] ?? 0) + 1, ...heard]);
    await expectListening();
  });
});
