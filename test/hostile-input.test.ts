import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomBelow, seededRandom } from '../main/simulator/seeded-random.ts';
import { type AbpDevice, registerAbpDevice } from './support/abp-device.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import * as hostile from './support/hostile-datagrams.ts';
import { createPacedSender, type PacedSender } from './support/paced-sender.ts';
import { type Api, programApi, udpLinkStatus } from './support/program-api.ts';
import { type Exchange, exchange, rxpkOf } from './support/udp-conversation.ts';
import { createUdpForwarder, type UdpForwarder } from './support/udp-forwarder.ts';

const GATEWAY = 'AA555A0000000101';
const PACER = 'AA555A0000000102';
/**
 * What the program may keep. Its bounded stores, above all 50,000 events and 2,000 frames, take some 150 MiB when full; two
 * kilobytes kept per hostile datagram would be 200 MiB more and end it.
 */
const HEAP_MIB = 256;
const random = seededRandom(20_260_101);
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-hostile-'));
let program: HeadlessProcess;
let api: Api;
let forwarder: UdpForwarder;
let sender: PacedSender;
let device: AbpDevice;

beforeAll(async () => {
  program = await startHeadless(directory, [], {
    nodeArguments: [`--max-old-space-size=${HEAP_MIB}`],
  });
  api = programApi(program);
  await api('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'shop' } },
  });
  device = await registerAbpDevice(api, {
    applicationId: 'shop',
    deviceId: 'door-7',
    devAddr: '02AB0001',
  });
  const serverPort = Number(program.addresses.udp?.split(':')[1]);
  forwarder = await createUdpForwarder({ gatewayEui: GATEWAY, serverPort });
  await forwarder.pull();
  sender = await createPacedSender(serverPort, PACER);
});
afterAll(async () => {
  await Promise.all([forwarder.close(), sender.close()]);
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function rssMiB(): Promise<number> {
  const { rss_bytes } = await api('GET', '/gatehouse/diagnostics');
  return Number(rss_bytes) / 2 ** 20;
}

const add = (counts: Map<string, number>, code: string): void =>
  void counts.set(code, (counts.get(code) ?? 0) + 1);

/** Sends datagrams of kinds with known fates in random order; counts what the listener has to say about them. */
async function sendKnown(kinds: readonly hostile.HostileKind[], count: number) {
  const codes = new Map<string, number>();
  let refused = 0;
  for (let index = 0; index < count; index += 1) {
    const kind = kinds[randomBelow(random, kinds.length)] as hostile.HostileKind;
    for (const code of kind.codes) add(codes, code);
    if (!kind.used) refused += 1;
    await sender.send(kind.make(random, index));
  }
  await sender.settled();
  return { codes: Object.fromEntries(codes), refused };
}

/** What the listener counted since `before`, and nothing that stayed as it was. */
function difference(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const changed = Object.entries(after).map(
    ([code, count]) => [code, count - (before[code] ?? 0)] as const,
  );
  return Object.fromEntries(changed.filter(([, count]) => count > 0));
}

/** A conversation of confirmed uplinks that goes on until it is told to end. */
function converse(): { readonly exchanges: readonly Exchange[]; end(): Promise<void> } {
  const exchanges: Exchange[] = [];
  let goesOn = true;
  const talking = (async () => {
    while (goesOn) exchanges.push(await exchange(forwarder, device));
  })();
  // A failure shows at `end`.
  talking.catch(() => undefined);
  return {
    exchanges,
    async end() {
      goesOn = false;
      await talking;
    },
  };
}

interface RecordedFrame {
  readonly phy_payload: string;
  readonly f_type: string;
  readonly verdict: { readonly outcome: string; readonly cause: string; readonly text: string };
  readonly receptions: readonly unknown[];
}

/** The newest recorded frames that have this text in them. */
async function framesWith(filter: string): Promise<readonly RecordedFrame[]> {
  const { frames = [] } = await api('GET', `/gatehouse/frames?limit=1000&filter=${filter}`);
  return frames as RecordedFrame[];
}

/** 100,000 together. */
const KNOWN = 60_000;
const LARGE = 400;
const RANDOM = 8_000;
const FLIPPED = 20_000;
const SHAPED = 960;
const REPEATED = 1_000;
const INVENTED = 10_000;
/** Gateways that may be registered by being heard, as the documentation says. */
const MOST_NEW_GATEWAYS = 256;
/** Receptions kept with one frame. */
const MOST_RECEPTIONS = 256;

/** Resident memory beside that heap: code, SQLite's caches, buffers of what is under way. */
const MOST_RSS_MIB = HEAP_MIB + 320;

async function expectKnownFates(): Promise<void> {
  const before = await udpLinkStatus(api);
  const known = await sendKnown(hostile.KNOWN_FATES, KNOWN);
  const large = await sendKnown(hostile.LARGE_KINDS, LARGE);
  const after = await udpLinkStatus(api);
  const expected = { ...known.codes };
  for (const [code, count] of Object.entries(large.codes))
    expected[code] = (expected[code] ?? 0) + count;
  expect(difference(before.malformed, after.malformed)).toEqual(expected);
  expect(after.refused - before.refused).toBe(known.refused + large.refused);
}

/** Nothing of random bytes is of use; a valid datagram with flipped bits is used or refused, and counted either way. */
async function expectUnknownFatesCounted(): Promise<void> {
  const before = await udpLinkStatus(api);
  for (let index = 0; index < RANDOM; index += 1)
    await sender.send(hostile.randomBytes(random, randomBelow(random, 1_200)));
  await sender.settled();
  const between = await udpLinkStatus(api);
  expect(between.refused - before.refused).toBe(RANDOM);
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  expect(sum(between.malformed) - sum(before.malformed)).toBeGreaterThanOrEqual(RANDOM);
  for (let index = 0; index < FLIPPED; index += 1) await sender.send(hostile.flipped(random));
  await sender.settled();
  const after = await udpLinkStatus(api);
  const refused = after.refused - between.refused;
  expect(refused).toBeGreaterThan(FLIPPED / 2);
  expect(refused).toBeLessThan(FLIPPED);
  expect(sum(after.malformed) - sum(between.malformed)).toBeGreaterThanOrEqual(refused);
}

/** Invented gateways stop being registered at the documented number, and the link says so. */
async function expectFewGatewaysServed(): Promise<void> {
  const registered = async (): Promise<unknown[]> =>
    (await api('GET', '/gateways?limit=1000')).gateways as unknown[];
  const before = await udpLinkStatus(api);
  const room = MOST_NEW_GATEWAYS - (await registered()).length;
  for (let index = 0; index < INVENTED; index += 1) {
    const eui = Buffer.from(`E1${index.toString(16).padStart(14, '0')}`, 'hex');
    await sender.send(hostile.datagram(0, '{"stat":{"rxnb":1}}', eui));
  }
  await sender.settled();
  const after = await udpLinkStatus(api);
  expect(difference(before.malformed, after.malformed)).toEqual({
    'gatehouse/udp:too_many_new_gateways': INVENTED - room,
  });
  expect(after.causeCode).toBe('gatehouse/link:too_many_new_gateways');
  expect(after.gateways).toHaveLength(MOST_NEW_GATEWAYS);
  expect(await registered()).toHaveLength(MOST_NEW_GATEWAYS);
}

/** A gateway the user registers is served all the same; what it hears is recorded with outcome and cause. */
async function expectShapedFramesExplained(): Promise<void> {
  await api('POST', '/users/admin/gateways', {
    gateway: { ids: { gateway_id: 'roof', eui: hostile.SHAPED_GATEWAY } },
  });
  const roof = Buffer.from(hostile.SHAPED_GATEWAY, 'hex');
  const hear = (frame: Buffer, tmst: number): Promise<void> =>
    sender.send(hostile.datagram(0, JSON.stringify({ rxpk: [rxpkOf(frame, tmst)] }), roof));
  const sent = new Set<string>();
  for (let index = 0; index < SHAPED; index += 1) {
    const frame = hostile.shapedFrame(random, index);
    sent.add(frame.toString('base64'));
    await hear(frame, index * 1_000);
  }
  await sender.settled();
  const recorded = async (): Promise<Set<string>> =>
    new Set((await framesWith('roof')).map((frame) => frame.phy_payload));
  await expect.poll(recorded, { timeout: 5_000 }).toEqual(sent);
  const frames = await framesWith('roof');
  expect(new Set(frames.map(({ verdict }) => verdict.outcome))).toEqual(
    new Set(['OUTCOME_DROPPED']),
  );
  expect(frames.filter(({ verdict }) => verdict.text === '')).toEqual([]);
  expect(new Set(frames.map(({ verdict }) => verdict.cause))).toEqual(
    new Set([
      'raw_payload_too_short',
      'raw_payload_invalid',
      'lorawan_major_version',
      'payload_type',
      'proprietary_frame',
      'foreign_net_id',
    ]),
  );
  expect(frames.find(({ f_type }) => f_type === 'INVALID')).toBeDefined();

  const repeated = Buffer.from('40EFBEADDE000000010203040506', 'hex');
  for (let copy = 0; copy < REPEATED; copy += 1) await hear(repeated, 1);
  await sender.settled();
  // The record of a frame that is repeated without end does not grow without end.
  await expect
    .poll(async () => (await framesWith('deadbeef'))[0]?.receptions.length)
    .toBe(MOST_RECEPTIONS);
}

test('100,000 hostile datagrams are counted, visible and harmless', async () => {
  const conversation = converse();
  await expectKnownFates();
  await expectUnknownFatesCounted();
  await expectFewGatewaysServed();
  await expectShapedFramesExplained();
  await conversation.end();

  expect(sender.sent).toBeGreaterThanOrEqual(100_000);
  // The system dropped none on the way: all that were sent are in these counts.
  const { exchanges } = conversation;
  const ofConversation = 1 + 2 * exchanges.length;
  await expect
    .poll(async () => (await udpLinkStatus(api)).received)
    .toBe(sender.sent + ofConversation);
  // Every confirmed uplink meanwhile was answered in time for its window.
  expect(exchanges.length).toBeGreaterThan(3);
  expect(Math.min(...exchanges.map(({ leadMs }) => leadMs))).toBeGreaterThan(0);
  expect(await rssMiB()).toBeLessThan(MOST_RSS_MIB);
  expect(program.child.exitCode).toBeNull();
  expect(program.errors()).not.toMatch(/unhandled|"level":[56]0/i);
}, 90_000);

test('room for a new gateway is made by deleting one', async () => {
  await api('DELETE', '/gateways/eui-f000000000000001');
  expect((await udpLinkStatus(api)).causeCode).toBe('');
  const eui = Buffer.from('E2000000000000AA', 'hex');
  await sender.send(hostile.datagram(0, '{"stat":{"rxnb":1}}', eui));
  await sender.settled();
  const { gateways } = await udpLinkStatus(api);
  expect(gateways.map(({ gateway_eui }) => gateway_eui)).toContain('E2000000000000AA');
});
