import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AbpDevice, registerAbpDevice } from './support/abp-device.ts';
import { openEventStream } from './support/event-stream.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { type Api, programApi } from './support/program-api.ts';
import { type Exchange, exchange, rxpkOf } from './support/udp-conversation.ts';
import { createUdpForwarder, type UdpForwarder } from './support/udp-forwarder.ts';

const ENDLESS_LOOP = 'function decodeUplink(input) { for (;;) {} }';
const MEMORY_BOMB = `function decodeUplink(input) {
  const kept = [];
  for (;;) kept.push(new Array(100000).fill(kept.length));
}`;
const GLOBAL_COUNTER = `var calls = 0;
function decodeUplink(input) {
  calls += 1;
  globalThis.seen = (globalThis.seen || 0) + 1;
  return { data: { calls: calls, seen: globalThis.seen } };
}`;
/** Tells first whether an earlier call's change is there, then makes one of every kind. */
const PROTOTYPE_CHANGE = `function decodeUplink(input) {
  const found = [({}).polluted, [].polluted, typeof JSON.stringify, [1, 2].map(String).join()];
  Object.prototype.polluted = 'object';
  Array.prototype.polluted = 'array';
  Array.prototype.map = function () { return ['stolen']; };
  JSON.stringify = undefined;
  return { data: { found: found.filter(function (one) { return one !== undefined; }).toString() } };
}`;

const APPLICATIONS = ['shop', 'bad'] as const;
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-formatters-'));
let program: HeadlessProcess;
let api: Api;
let forwarder: UdpForwarder;

beforeAll(async () => {
  program = await startHeadless(directory);
  api = programApi(program);
  for (const application_id of APPLICATIONS)
    await api('POST', '/users/admin/applications', { application: { ids: { application_id } } });
  forwarder = await createUdpForwarder({
    gatewayEui: 'AA555A0000000101',
    serverPort: Number(program.addresses.udp?.split(':')[1]),
  });
  await forwarder.pull();
});
afterAll(async () => {
  await forwarder.close();
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

let devices = 0;
function device(
  applicationId: (typeof APPLICATIONS)[number],
  deviceId: string,
  script: string,
): Promise<AbpDevice> {
  devices += 1;
  const devAddr = (0x02ab0000 + devices).toString(16).padStart(8, '0');
  return registerAbpDevice(api, { applicationId, deviceId, devAddr, script });
}

interface RecordedFrame {
  readonly direction?: string;
  readonly decoded_payload?: Record<string, unknown>;
  readonly verdict: {
    readonly outcome: string;
    readonly stages: { evidence?: { name: string; text?: string }[] }[];
  };
}

/** The recorded uplinks of a device, newest first. */
async function uplinksOf({ applicationId, deviceId }: AbpDevice): Promise<RecordedFrame[]> {
  const query = new URLSearchParams({
    limit: '200',
    'end_device_ids.device_id': deviceId,
    'end_device_ids.application_ids.application_id': applicationId,
  });
  const { frames = [] } = (await api('GET', `/gatehouse/frames?${query}`)) as {
    frames?: RecordedFrame[];
  };
  return frames.filter(({ direction }) => direction?.endsWith('UPLINK'));
}

function formatterError({ verdict }: RecordedFrame): string | undefined {
  return verdict.stages
    .flatMap(({ evidence = [] }) => evidence)
    .find(({ name }) => name === 'formatter_error')?.text;
}

/** Sends uplinks and resolves with what their formatter made of them, oldest first. */
async function decoded(of: AbpDevice, count: number): Promise<unknown[]> {
  for (let sent = 0; sent < count; sent += 1)
    forwarder.pushOnly({ rxpk: [rxpkOf(of.uplink(), 1_000 * sent)] });
  await expect.poll(() => uplinksOf(of), { timeout: 10_000 }).toHaveLength(count);
  return (await uplinksOf(of)).map((frame) => frame.decoded_payload).reverse();
}

test('every call of a formatter starts anew: a global counter stays 1', async () => {
  const counting = await device('shop', 'counter', GLOBAL_COUNTER);
  const fresh = { calls: 1, seen: 1 };
  expect(await decoded(counting, 4)).toEqual([fresh, fresh, fresh, fresh]);
});

test('a changed prototype reaches neither the next call nor another device', async () => {
  const changing = await device('shop', 'prototype', PROTOTYPE_CHANGE);
  const untouched = { found: 'function,1,2' };
  expect(await decoded(changing, 3)).toEqual([untouched, untouched, untouched]);
  const neighbour = await device('shop', 'neighbour', PROTOTYPE_CHANGE);
  expect(await decoded(neighbour, 2)).toEqual([untouched, untouched]);
});

/** Confirmed uplinks of several devices, one after the other for each, all devices at the same time. */
async function converse(among: readonly AbpDevice[], rounds: number): Promise<Exchange[][]> {
  return Promise.all(
    among.map(async (one) => {
      const exchanges: Exchange[] = [];
      for (let round = 0; round < rounds; round += 1)
        exchanges.push(await exchange(forwarder, one));
      return exchanges;
    }),
  );
}

const leads = (exchanges: readonly Exchange[]): number[] =>
  exchanges.map(({ leadMs }) => leadMs).toSorted((a, b) => a - b);
const median = (sorted: readonly number[]): number =>
  sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;

/**
 * Keeps the formatters behind with uplinks of devices that wait for no window: some at once, so that calls queue up for
 * longer than a receive window is away, then about as many as the formatters get done. Answers how to end it.
 */
function floodWith(sending: readonly AbpDevice[]): () => void {
  let tmst = 2_000_000_000;
  const sendAll = (): void => {
    for (const one of sending) {
      tmst += 1_000;
      forwarder.pushOnly({ rxpk: [rxpkOf(one.uplink(), tmst)] });
    }
  };
  for (let sent = 0; sent < 12; sent += 1) sendAll();
  const timer = setInterval(sendAll, 160);
  return () => clearInterval(timer);
}

/** What the network hands a frame over ahead of its transmission, besides the way to the gateway. */
const PROMISED_LEAD_MS = 300;
const ROUNDS = 6;
const LOOP_ENDED = 'The script ran longer than 100 ms.';
const BOMB_ENDED = 'The script needs more memory than it may use.';

test('an endless loop and a memory bomb are ended and reported, and no downlink is late for them', async () => {
  const healthy = await device('shop', 'healthy', GLOBAL_COUNTER);
  const looping = await device('bad', 'looping', ENDLESS_LOOP);
  const bombing = await device('bad', 'bombing', MEMORY_BOMB);
  const flooding = await Promise.all([
    device('bad', 'looping-flood', ENDLESS_LOOP),
    device('bad', 'bombing-flood', MEMORY_BOMB),
  ]);
  // The lead follows the measured way to the gateway; it is steady once there are enough measurements.
  await converse([healthy], 5);
  const [before = []] = await converse([healthy], ROUNDS);
  const stream = await openEventStream(program, 'bad');
  const failuresOf = ({ deviceId }: AbpDevice): string[] =>
    stream.namesOf(deviceId).filter((name) => name === 'as.up.data.decode.fail');
  const endFlood = floodWith(flooding);
  let during: Exchange[][];
  try {
    during = await converse([healthy, looping, bombing], ROUNDS);
    // The answers came although most of these uplinks still wait for their formatter.
    expect(failuresOf(looping).length).toBeLessThan(ROUNDS);
    // Uplinks of other applications are decoded all the while.
    await expect
      .poll(async () => (await uplinksOf(healthy)).map((frame) => frame.decoded_payload))
      .toEqual(Array.from({ length: 5 + 2 * ROUNDS }, () => ({ calls: 1, seen: 1 })));
  } finally {
    endFlood();
  }

  const baseline = median(leads(before));
  expect(baseline).toBeGreaterThan(PROMISED_LEAD_MS);
  for (const exchanges of during) {
    expect(exchanges).toHaveLength(ROUNDS);
    // An answer that waited for its formatter, more than a second behind, would miss its window.
    expect(median(leads(exchanges))).toBeGreaterThan(baseline - 60);
    // No answer missed its window, whatever the machine did meanwhile.
    expect(leads(exchanges)[0]).toBeGreaterThan(PROMISED_LEAD_MS / 2);
  }

  for (const [one, text] of [
    [looping, LOOP_ENDED],
    [bombing, BOMB_ENDED],
  ] as const) {
    await expect.poll(() => failuresOf(one), { timeout: 10_000 }).toHaveLength(ROUNDS);
    // The frame itself was good: a formatter's failure does not turn it away.
    const recorded = async (): Promise<unknown[]> =>
      (await uplinksOf(one)).map((frame) => [frame.verdict.outcome, formatterError(frame)]);
    await expect
      .poll(recorded)
      .toEqual(Array.from({ length: ROUNDS }, () => ['OUTCOME_ACCEPTED', text]));
  }
  await stream.close();
  expect(program.child.exitCode).toBeNull();
  expect(program.errors()).not.toMatch(/unhandled|"level":[56]0/i);
}, 30_000);
