import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API_KEY, type HeadlessProcess, startHeadless } from '../support/headless-process.ts';
import type { BareIngestReport } from './bare-ingest.ts';
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
  /** CPU time of the program per uplink; only where the system tells. */
  readonly cpuUs?: number;
}

export interface EndToEndOptions {
  /** Uplinks per second, one burst each. */
  readonly rates: readonly number[];
  /** Length of a burst. */
  readonly seconds: number;
  /** File of the program; its source by default. */
  readonly entry?: string;
  readonly nodeArguments?: readonly string[];
}

export interface EndToEndResult {
  /** Memory of the program before the first burst. */
  readonly idleRssMb: number;
  /** CPU time that receiving, acknowledging and parsing alone costs, per uplink over two gateways. */
  readonly bareCpuUs: number;
  readonly runs: readonly EndToEndRun[];
}

const APPLICATION = 'bench';
const DEVICES = 256;
const GATEWAYS = 2;
/** What Linux counts CPU time in, whatever its kernel was built with. */
const CLOCK_TICKS_PER_SECOND = 100;
const RECEIVER = fileURLToPath(new URL('./bare-ingest.ts', import.meta.url));
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

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('A process of the bench ended.'));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}

function ask(sender: ChildProcess, request: SendRequest): Promise<SendReport> {
  const report = nextMessage(sender) as Promise<SendReport>;
  sender.send(request);
  return report;
}

/** CPU time that a process has used so far, where the system tells (Linux). */
function cpuSecondsOf(pid: number | undefined): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
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
  const cpuBefore = cpuSecondsOf(program.child.pid);
  const report = await ask(sender, { port, devices: DEVICE_KEYS, firstFCnt, count, perSecond });
  for (let waitedMs = 0; events.count() < count && waitedMs < SETTLE_MS; waitedMs += LOOK_MS)
    await wait(LOOK_MS);
  const busy = await call(program, 'GET', '/gatehouse/diagnostics');
  const cpuAfter = cpuSecondsOf(program.child.pid);
  await events.stop();
  return {
    ...(cpuBefore !== undefined &&
      cpuAfter !== undefined && { cpuUs: ((cpuAfter - cpuBefore) / count) * 1e6 }),
    perSecond: count / report.seconds,
    sent: count,
    events: events.count(),
    recorded: (await frameCount(program)) - before,
    acknowledgedShare: report.acknowledged / report.datagrams,
    loopDelayP99Ms: Number(busy.loop_delay_p99_ms ?? 0),
    rssMb: Number(busy.rss_bytes) / MB,
  };
}

/** The same burst at the first rate to a process that does nothing but receive. */
async function measureBareIngest(
  sender: ChildProcess,
  { rates, seconds }: EndToEndOptions,
): Promise<number> {
  const receiver = fork(RECEIVER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const { port } = (await nextMessage(receiver)) as { port: number };
    const count = Math.floor((rates[0] ?? 0) * seconds);
    const request = { port, devices: DEVICE_KEYS, firstFCnt: 1, count, perSecond: rates[0] ?? 0 };
    await ask(sender, request);
    receiver.send('report');
    const { datagrams, cpuSeconds } = (await nextMessage(receiver)) as BareIngestReport;
    return (cpuSeconds / (datagrams / GATEWAYS)) * 1e6;
  } finally {
    receiver.removeAllListeners();
    receiver.kill();
  }
}

/**
 * Sends bursts of uplinks of {@link DEVICES} devices, each heard by two gateways, at each of the given rates through a
 * headless program of its own to a subscriber over HTTP.
 */
export async function measureEndToEnd(options: EndToEndOptions): Promise<EndToEndResult> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const program = await startHeadless(directory, [], options);
  const sender = fork(SENDER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const idle = await call(program, 'GET', '/gatehouse/diagnostics');
    const bareCpuUs = await measureBareIngest(sender, options);
    await register(program);
    const runs: EndToEndRun[] = [];
    let firstFCnt = 1;
    for (const perSecond of options.rates) {
      runs.push(
        await runBurst({ program, sender, firstFCnt, perSecond, seconds: options.seconds }),
      );
      firstFCnt += Math.ceil((perSecond * options.seconds) / DEVICES) + 1;
    }
    return { idleRssMb: Number(idle.rss_bytes) / MB, bareCpuUs, runs };
  } finally {
    sender.removeAllListeners();
    sender.kill();
    await program.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
