import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  API_KEY,
  type HeadlessOptions,
  type HeadlessProcess,
  startHeadless,
} from '../support/headless-process.ts';
import type { SendReport, SendRequest } from './uplink-sender.ts';

/** One burst of uplinks through the whole program. */
export interface EndToEndRun {
  /** Frames per second that were sent; each reached two gateways. */
  readonly perSecond: number;
  readonly sent: number;
  /** Events `as.up.data.forward` that a subscriber got over HTTP. */
  readonly events: number;
  /** Frames more in frames.db. */
  readonly recorded: number;
  readonly acknowledgedShare: number;
  readonly loopDelayP99Ms: number;
  readonly rssMb: number;
}

const APPLICATION = 'bench';
const DEVICES = 256;
const SENDER = fileURLToPath(new URL('./uplink-sender.ts', import.meta.url));
const SETTLE_MS = 10_000;
const LOOK_MS = 50;
const MB = 1024 * 1024;

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function call(program: HeadlessProcess, method: string, path: string, body?: unknown) {
  const answer = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${API_KEY}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as Record<string, unknown>;
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
  return json;
}

const hex = (value: number, bytes: number): string =>
  value
    .toString(16)
    .padStart(bytes * 2, '0')
    .toUpperCase();

const DEVICE_KEYS = Array.from({ length: DEVICES }, (_, index) => ({
  devAddr: hex(0x02_00_10_00 + index, 4),
  nwkSKey: hex(0x1000 + index, 16),
  appSKey: hex(0x2000 + index, 16),
}));

/** ABP devices that have nothing to ask of the network and of whom it asks nothing, so that uplinks alone are measured. */
async function register(program: HeadlessProcess): Promise<void> {
  await call(program, 'POST', '/users/admin/applications', {
    application: { ids: { application_id: APPLICATION } },
  });
  for (const [index, { devAddr, nwkSKey, appSKey }] of DEVICE_KEYS.entries()) {
    await call(program, 'POST', `/gatehouse/applications/${APPLICATION}/devices`, {
      end_device: {
        ids: {
          device_id: `device-${index}`,
          application_ids: { application_id: APPLICATION },
          dev_eui: hex(0x70b3d57ed0000000 + index * 4096, 8),
          dev_addr: devAddr,
        },
        frequency_plan_id: 'EU_863_870',
        lorawan_version: 'MAC_V1_0_3',
        lorawan_phy_version: 'PHY_V1_0_3_REV_A',
        session: {
          dev_addr: devAddr,
          keys: { f_nwk_s_int_key: { key: nwkSKey }, app_s_key: { key: appSKey } },
        },
        mac_settings: {
          rx1_delay: 5,
          status_time_periodicity: '0s',
          status_count_periodicity: 0,
          factory_preset_frequencies: [
            '868100000',
            '868300000',
            '868500000',
            '867100000',
            '867300000',
            '867500000',
            '867700000',
            '867900000',
          ],
        },
      },
    });
  }
}

/** Counts events of one name on a stream that is read until `stop`. */
async function countEvents(program: HeadlessProcess, name: string) {
  const cancel = new AbortController();
  const answer = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({
      identifiers: [{ application_ids: { application_id: APPLICATION } }],
      names: [name],
    }),
    signal: cancel.signal,
  });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const needle = Buffer.from(`"name":"${name}"`);
  let count = 0;
  let rest = Buffer.alloc(0);
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const bytes = Buffer.concat([rest, value]);
      let end = 0;
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, end)) {
        count += 1;
        end = at + needle.length;
      }
      rest = bytes.subarray(Math.max(end, bytes.length - needle.length + 1));
    }
  })().catch(() => undefined);
  return {
    count: () => count,
    async stop() {
      cancel.abort();
      await reading;
    },
  };
}

function ask(sender: ChildProcess, request: SendRequest): Promise<SendReport> {
  return new Promise((resolve, reject) => {
    sender.once('message', (report) => resolve(report as SendReport));
    sender.once('exit', () => reject(new Error('The sender ended.')));
    sender.send(request);
  });
}

async function frameCount(program: HeadlessProcess): Promise<number> {
  return Number((await call(program, 'GET', '/gatehouse/workspace')).frame_count ?? 0);
}

interface Burst {
  readonly program: HeadlessProcess;
  readonly sender: ChildProcess;
  readonly firstFCnt: number;
  readonly perSecond: number;
  readonly seconds: number;
}

async function runBurst({
  program,
  sender,
  firstFCnt,
  perSecond,
  seconds,
}: Burst): Promise<EndToEndRun> {
  const before = await frameCount(program);
  const events = await countEvents(program, 'as.up.data.forward');
  const count = Math.floor(perSecond * seconds);
  await call(program, 'GET', '/gatehouse/diagnostics');
  const port = Number(program.addresses.udp?.split(':')[1]);
  const report = await ask(sender, { port, devices: DEVICE_KEYS, firstFCnt, count, perSecond });
  for (let waitedMs = 0; events.count() < count && waitedMs < SETTLE_MS; waitedMs += LOOK_MS)
    await wait(LOOK_MS);
  const busy = await call(program, 'GET', '/gatehouse/diagnostics');
  await events.stop();
  return {
    perSecond: count / report.seconds,
    sent: count,
    events: events.count(),
    recorded: (await frameCount(program)) - before,
    acknowledgedShare: report.acknowledged / report.datagrams,
    loopDelayP99Ms: Number(busy.loop_delay_p99_ms ?? 0),
    rssMb: Number(busy.rss_bytes) / MB,
  };
}

/**
 * Sends bursts of uplinks of {@link DEVICES} devices, each heard by two gateways, at each of the given rates through a
 * headless program of its own and a subscriber over HTTP.
 */
export async function measureEndToEnd(
  rates: readonly number[],
  seconds: number,
  how: HeadlessOptions = {},
): Promise<EndToEndRun[]> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const program = await startHeadless(directory, [], how);
  const sender = fork(SENDER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    await register(program);
    const runs: EndToEndRun[] = [];
    let firstFCnt = 1;
    for (const perSecond of rates) {
      runs.push(await runBurst({ program, sender, firstFCnt, perSecond, seconds }));
      firstFCnt += Math.ceil((perSecond * seconds) / DEVICES) + 1;
    }
    return runs;
  } finally {
    sender.removeAllListeners();
    sender.kill();
    await program.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
