/** The program killed again and again in the middle of its work: what it said is true after the next start. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { amount } from '../main/base/testing/amount.ts';
import { seededRandom } from '../main/simulator/seeded-random.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import {
  APPLICATION,
  createDownlinkReader,
  type FleetDevice,
  type FrameJson,
  faultyDownlinks,
  forwardedUplink,
  OTAA,
  pagesOfFrames,
  personalizedDevice,
  registrationOf,
  undecidedReceptions,
  uplinkName,
} from './support/kill-fleet.ts';
import {
  createForwarder,
  dataUplink,
  type Forwarder,
  joinRequest,
  openJoinAccept,
  type SessionKeys,
} from './support/radio-fleet.ts';

const KILLS = amount('GATEHOUSE_KILLS', 20);
/** The OTAA device joins in every so manieth round, which lasts until its join-accept was sent. */
const ROUNDS_PER_JOIN = 11;
const joinsIn = (round: number): boolean => round % ROUNDS_PER_JOIN === 0;
const LONGEST_ROUND_MS = 800;
/** Replayed after each start, beside the newest ones. */
const OLD_UPLINKS = 3;
/** From start to start on a busy machine. */
const LONGEST_LIFE_MS = 12_000;
const UPLINK_INTERVAL_MS = 12;
/** Longer than it takes to hand a downlink for RX1 over, so that each of these uplinks gets its answer. */
const CONFIRMED_INTERVAL_MS = 800;

const seed = Number(process.env.GATEHOUSE_TEST_SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-kill-'));

const devices: readonly FleetDevice[] = [
  personalizedDevice(1, false),
  personalizedDevice(2, false),
  personalizedDevice(3, true),
  personalizedDevice(4, true),
  personalizedDevice(5, true),
  { id: 'joiner', confirmed: true, keys: undefined, nextFCnt: 0 },
];
const byId = (id: string): FleetDevice => devices.find((one) => one.id === id) as FleetDevice;
const joiner = byId('joiner');

/** Everything the program acknowledged, and everything it did, over all its lives. */
const acknowledged = {
  created: new Set<string>(),
  /** Those of the newest life. */
  fresh: new Set<string>(),
  label: 0,
  pushed: new Map<string, Set<string>>(),
  pushedCount: 0,
};
const sessions: SessionKeys[] = devices.flatMap(({ keys }) => keys ?? []);
/** `device fCnt` as the application got it; the newest process last. */
const forwarded: Set<string>[] = [];
/** `device fCnt` → the frame that carried it. */
const sent = new Map<string, Buffer>();
let devNonce = 0;
let writes = 0;
let notProcessedCount = 0;
let replayCount = 0;

let program: HeadlessProcess;
let forwarder: Forwarder;
/** Hears the device that joins, so that no other downlink stands in the way of its join-accept. */
let quietForwarder: Forwarder;
const downlinksSoFar = createDownlinkReader(() => [forwarder, quietForwarder], sessions);

beforeAll(async () => {
  forwarder = await createForwarder('AA555A0000000101');
  quietForwarder = await createForwarder('AA555A0000000202');
});
afterAll(async () => {
  forwarder.close();
  quietForwarder.close();
  await program.stop('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown) {
  const answer = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(json)}`);
  return json;
}

async function register(): Promise<void> {
  await call('POST', '/users/admin/applications', {
    application: { ids: { application_id: APPLICATION } },
  });
  for (const device of devices) {
    await call('POST', `/gatehouse/applications/${APPLICATION}/devices`, {
      end_device: registrationOf(device),
    });
  }
}

/** Collects what the application gets from this life of the program, until it dies. */
async function listen(): Promise<void> {
  const heard = new Set<string>();
  forwarded.push(heard);
  const response = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({
      identifiers: [{ application_ids: { application_id: APPLICATION } }],
      names: ['as.up.data.forward'],
    }),
  });
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body as ReadableStream<Uint8Array>) {
      const lines = (text + decoder.decode(chunk, { stream: true })).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const name = forwardedUplink(line);
        if (name !== undefined) heard.add(name);
      }
    }
  };
  void read().catch(() => undefined);
}

function sendUplink(device: FleetDevice): string | undefined {
  const { keys, confirmed, id, nextFCnt } = device;
  if (!keys) return undefined;
  device.nextFCnt += 1;
  const name = uplinkName(id, keys.devAddr, nextFCnt);
  const bytes = dataUplink(keys, nextFCnt, confirmed);
  sent.set(name, bytes);
  (device === joiner ? quietForwarder : forwarder).push(bytes);
  return name;
}

/** One write after the other until the program dies; what was answered goes into `acknowledged`. */
async function write(worker: number): Promise<void> {
  const answered = devices.filter(({ confirmed, keys }) => confirmed && keys);
  for (;;) {
    writes += 1;
    const number = writes;
    const turn = number % 3;
    if (turn === 0) {
      const id = `made-${number}`;
      await call('POST', `/applications/${APPLICATION}/devices`, {
        end_device: { ids: { device_id: id } },
      });
      acknowledged.created.add(id);
      acknowledged.fresh.add(id);
    } else if (turn === 1 && worker === 0) {
      await call('PUT', `/applications/${APPLICATION}/devices/fast-1`, {
        end_device: {
          ids: { device_id: 'fast-1', application_ids: { application_id: APPLICATION } },
          name: String(number),
        },
        field_mask: { paths: ['name'] },
      });
      acknowledged.label = number;
    } else {
      const { id } = answered[number % answered.length] as FleetDevice;
      const payload = `down ${number}`;
      await call('POST', `/as/applications/${APPLICATION}/devices/${id}/down/push`, {
        downlinks: [{ f_port: 2, frm_payload: Buffer.from(payload).toString('base64') }],
      });
      const pushed = acknowledged.pushed.get(id) ?? new Set();
      acknowledged.pushed.set(id, pushed.add(payload));
      acknowledged.pushedCount += 1;
    }
  }
}

/** Lets everything happen at once and ends the program in the middle of it. */
async function trafficAndKill(round: number): Promise<void> {
  const fast = devices.filter(({ confirmed }) => !confirmed);
  const answered = devices.filter(({ confirmed }) => confirmed);
  const timers = [
    setInterval(() => fast.forEach(sendUplink), UPLINK_INTERVAL_MS),
    ...answered.map((device, at) =>
      setTimeout(() => {
        sendUplink(device);
        timers.push(setInterval(() => sendUplink(device), CONFIRMED_INTERVAL_MS));
      }, at * 90),
    ),
  ];
  const writers = [0, 1].map((worker) => write(worker).catch((error: unknown) => error));
  if (joinsIn(round)) await joinOverAir();
  await killMoment(round);
  await program.stop('SIGKILL');
  for (const timer of timers) clearInterval(timer);
  for (const failure of await Promise.all(writers))
    expect(String(failure)).toMatch(/fetch failed|terminated|other side closed/);
}

/** Some time in the round; in every third one the moment a downlink left, before its answer can be noted. */
async function killMoment(round: number): Promise<void> {
  const anyTime = new Promise((resolve) => setTimeout(resolve, random() * LONGEST_ROUND_MS));
  const tooLate = new Promise((resolve) => setTimeout(resolve, 2 * LONGEST_ROUND_MS));
  await (round % 3 === 1 ? Promise.race([forwarder.nextTransmission(), tooLate]) : anyTime);
}

/** Asks to join once; the session, or undefined if no join-accept came, as on a machine that was too busy. */
async function askToJoin(): Promise<SessionKeys | undefined> {
  devNonce += 1;
  const before = quietForwarder.transmitted.length;
  const opened = (): SessionKeys | undefined =>
    quietForwarder.transmitted
      .slice(before)
      .map((bytes) =>
        bytes[0] === 0x20 ? openJoinAccept(bytes, OTAA.appKey, devNonce) : undefined,
      )
      .find((one) => one !== undefined);
  quietForwarder.push(joinRequest(OTAA, OTAA.appKey, devNonce));
  await vi
    .waitFor(() => expect(opened()).toBeDefined(), { timeout: 7_000, interval: 10 })
    .catch(() => undefined);
  return opened();
}

/** A join whose join-accept went on air: the device has a new session from now on. */
async function joinOverAir(): Promise<void> {
  // A device that joins sends nothing else, whose answers would stand in the way of its join-accept.
  joiner.keys = undefined;
  const keys = (await askToJoin()) ?? (await askToJoin());
  if (!keys) throw new Error('no join-accept');
  joiner.keys = keys;
  joiner.nextFCnt = 0;
  sessions.push(keys);
}

const newestFrames = (count: number): Promise<FrameJson[]> =>
  pagesOfFrames((path) => call('GET', path), count);

async function expectWritesThere(): Promise<void> {
  const { fresh } = acknowledged;
  await Promise.all(
    [...fresh].map((id) => call('GET', `/applications/${APPLICATION}/devices/${id}`)),
  );
  fresh.clear();
  const labelled = await call('GET', `/applications/${APPLICATION}/devices/fast-1?field_mask=name`);
  expect(Number(labelled.name ?? 0)).toBeGreaterThanOrEqual(acknowledged.label);
  const onAir = new Set(downlinksSoFar().map(({ payload }) => payload));
  for (const [id, pushed] of acknowledged.pushed) {
    const path = `/as/applications/${APPLICATION}/devices/${id}/down`;
    const { downlinks = [] } = (await call('GET', path)) as {
      downlinks?: { frm_payload: string }[];
    };
    const queued = new Set(
      downlinks.map((one) => Buffer.from(one.frm_payload, 'base64').toString()),
    );
    expect([...pushed].filter((one) => !queued.has(one) && !onAir.has(one))).toEqual([]);
    await call('POST', `${path}/replace`, { downlinks: [] });
    pushed.clear();
  }
}

async function expectNotProcessed(receptions: readonly Buffer[]): Promise<void> {
  // One frame for each, and few others since the start.
  const frames = await newestFrames(receptions.length + 200);
  const notProcessed = new Set(
    frames
      .filter(({ verdict }) => verdict.outcome === 'OUTCOME_NOT_PROCESSED')
      .map((frame) => frame.phy_payload),
  );
  const missing = receptions.filter((bytes) => !notProcessed.has(bytes.toString('base64')));
  expect({ undecided: receptions.length, missing }).toEqual({
    undecided: receptions.length,
    missing: [],
  });
  notProcessedCount += receptions.length;
}

/** A frame that is heard again is refused for the given reason. */
async function expectRefused(bytes: Buffer, cause: string | RegExp): Promise<void> {
  replayCount += 1;
  forwarder.push(bytes);
  const data = bytes.toString('base64');
  await expect
    .poll(async () => (await newestFrames(20)).find((one) => one.phy_payload === data)?.verdict, {
      timeout: 5_000,
    })
    .toMatchObject({
      outcome: expect.not.stringMatching('ACCEPTED'),
      cause: expect.stringMatching(cause),
    });
}

/** Counters of uplinks go on where the application saw them last. */
async function expectUplinksGoOn(): Promise<void> {
  const seenBefore = [...(forwarded.at(-2) ?? [])];
  const goesOn = async (device: FleetDevice): Promise<void> => {
    const last = seenBefore.filter((name) => name.startsWith(`${device.id} `)).at(-1);
    if (last) await expectRefused(sent.get(last) as Buffer, 'f_cnt_too_low');
    const name = sendUplink(device);
    await expect.poll(() => forwarded.at(-1)?.has(name ?? '')).toBe(true);
  };
  await Promise.all(devices.filter(({ confirmed }) => !confirmed).map(goesOn));
}

/** Any frame of any earlier life is a replay now. */
async function expectOldUplinksRefused(): Promise<void> {
  const old = forwarded
    .slice(0, -1)
    .flatMap((names) => [...names])
    .filter((name) => !name.startsWith(joiner.id));
  for (let count = 0; count < OLD_UPLINKS && old.length > 0; count += 1) {
    const name = old[Math.floor(random() * old.length)] ?? '';
    await expectRefused(sent.get(name) as Buffer, 'f_cnt_too_low');
  }
}

function expectForwardedOnce(): void {
  const all = forwarded.flatMap((one) => [...one]);
  expect(all.length).toBe(new Set(all).size);
}

async function listedDevices(): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let page = 1; ; page += 1) {
    const path = `/applications/${APPLICATION}/devices?limit=1000&page=${page}`;
    const { end_devices: found = [] } = (await call('GET', path)) as {
      end_devices?: { ids: { device_id: string } }[];
    };
    for (const one of found) ids.add(one.ids.device_id);
    if (found.length < 1000) return ids;
  }
}

async function liveAndDie(round: number): Promise<void> {
  const receptions = round === 0 ? [] : undecidedReceptions(directory);
  program = await startHeadless(directory);
  for (const one of [forwarder, quietForwarder]) one.connect(program.addresses.udp ?? '');
  if (round === 0) await register();
  await listen();
  await expectNotProcessed(receptions);
  await expectWritesThere();
  expect(faultyDownlinks(downlinksSoFar())).toEqual([]);
  if (round > 0 && joinsIn(round - 1))
    await expectRefused(joinRequest(OTAA, OTAA.appKey, devNonce), /dev_nonce/);
  await expectUplinksGoOn();
  await expectOldUplinksRefused();
  const replayed = new Set(receptions.map((bytes) => bytes.toString('base64')));
  const names = [...(forwarded.at(-1) ?? [])];
  expect(names.filter((name) => replayed.has(sent.get(name)?.toString('base64') ?? ''))).toEqual(
    [],
  );
  expectForwardedOnce();
  if (round < KILLS) await trafficAndKill(round);
}

test(
  `${KILLS} kills at random moments lose nothing acknowledged and use no counter twice`,
  async () => {
    for (let round = 0; round <= KILLS; round += 1) {
      try {
        await liveAndDie(round);
      } catch (error) {
        throw new Error(`seed ${seed}, after kill ${round}: ${String(error)}`, { cause: error });
      }
    }
    const downlinks = downlinksSoFar();
    expect(downlinks.length).toBeGreaterThan(KILLS);
    // The three whose uplinks are confirmed; rounds are too short for the 5 s of a device that joined.
    expect(new Set(downlinks.map(({ devAddr }) => devAddr)).size).toBeGreaterThanOrEqual(3);
    expect(notProcessedCount).toBeGreaterThan(KILLS);
    expect(acknowledged.created.size).toBeGreaterThan(KILLS);
    const listed = await listedDevices();
    expect([...acknowledged.created].filter((id) => !listed.has(id))).toEqual([]);
    expect(acknowledged.pushedCount).toBeGreaterThan(KILLS);
    expect(replayCount).toBeGreaterThan(OLD_UPLINKS * (KILLS - 1));
  },
  KILLS * LONGEST_LIFE_MS,
);
