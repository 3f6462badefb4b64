import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API_KEY, type HeadlessProcess, startHeadless } from '../support/headless-process.ts';
import type { BareIngestReport } from './bare-ingest.ts';
import {
  BENCH_APPLICATION,
  type BenchDevice,
  benchDevice,
  fillWorkspace,
  type WorkspaceContents,
} from './bench-devices.ts';
import type { SendReport, SendRequest } from './uplink-sender.ts';

/** One burst of uplinks through the whole program. */
export interface EndToEndRun {
  /** Frames per second that were sent. */
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
  /** Devices of the workspace, all of which send in turns; 256 by default. */
  readonly devices?: number;
  /** Gateways that hear an uplink; two by default. */
  readonly gatewaysPerUplink?: 1 | 2;
  /** What the workspace holds beside its devices. */
  readonly contents?: WorkspaceContents;
  /** File of the program; its source by default. */
  readonly entry?: string;
  readonly nodeArguments?: readonly string[];
}

export interface EndToEndResult {
  /** From the start of the program to its last listener. */
  readonly startMs: number;
  /** Memory of the program before the first burst. */
  readonly idleRssMb: number;
  /** CPU time that receiving, acknowledging and parsing alone costs, per uplink over its gateways. */
  readonly bareCpuUs: number;
  readonly runs: readonly EndToEndRun[];
}

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

/** Counts events of one name on a stream that is read until `stop`. */
async function countEvents(program: HeadlessProcess, name: string) {
  const cancel = new AbortController();
  const answer = await fetch(`http://${program.addresses.http}/api/v3/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: JSON.stringify({
      identifiers: [{ application_ids: { application_id: BENCH_APPLICATION } }],
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
  readonly devices: readonly BenchDevice[];
  readonly program: HeadlessProcess;
  readonly sender: ChildProcess;
  readonly firstFCnt: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly heardByBoth: boolean;
}

async function runBurst({
  devices,
  program,
  sender,
  firstFCnt,
  perSecond,
  seconds,
  heardByBoth,
}: Burst): Promise<EndToEndRun> {
  const before = await frameCount(program);
  const events = await countEvents(program, 'as.up.data.forward');
  const count = Math.floor(perSecond * seconds);
  await call(program, 'GET', '/gatehouse/diagnostics');
  const port = Number(program.addresses.udp?.split(':')[1]);
  const cpuBefore = cpuSecondsOf(program.child.pid);
  const report = await ask(sender, { port, devices, firstFCnt, count, perSecond, heardByBoth });
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
  devices: readonly BenchDevice[],
  { rates, seconds, gatewaysPerUplink = GATEWAYS }: EndToEndOptions,
): Promise<number> {
  const receiver = fork(RECEIVER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const { port } = (await nextMessage(receiver)) as { port: number };
    const count = Math.floor((rates[0] ?? 0) * seconds);
    const request = {
      port,
      devices,
      firstFCnt: 1,
      count,
      perSecond: rates[0] ?? 0,
      heardByBoth: gatewaysPerUplink === GATEWAYS,
    };
    await ask(sender, request);
    receiver.send('report');
    const { datagrams, cpuSeconds } = (await nextMessage(receiver)) as BareIngestReport;
    return (cpuSeconds / (datagrams / gatewaysPerUplink)) * 1e6;
  } finally {
    receiver.removeAllListeners();
    receiver.kill();
  }
}

/**
 * Sends bursts of uplinks, at each of the given rates through a
 * headless program of its own to a subscriber over HTTP.
 */
export async function measureEndToEnd(options: EndToEndOptions): Promise<EndToEndResult> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const devices = Array.from({ length: options.devices ?? DEVICES }, (_, index) =>
    benchDevice(index),
  );
  await fillWorkspace(directory, devices.length, options.contents);
  const startedMs = performance.now();
  const program = await startHeadless(directory, [], options);
  const startMs = performance.now() - startedMs;
  const sender = fork(SENDER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const idle = await call(program, 'GET', '/gatehouse/diagnostics');
    const bareCpuUs = await measureBareIngest(sender, devices, options);
    const runs: EndToEndRun[] = [];
    let firstFCnt = 1;
    for (const perSecond of options.rates) {
      runs.push(
        await runBurst({
          devices,
          program,
          sender,
          firstFCnt,
          perSecond,
          seconds: options.seconds,
          heardByBoth: (options.gatewaysPerUplink ?? GATEWAYS) === GATEWAYS,
        }),
      );
      firstFCnt += Math.ceil((perSecond * options.seconds) / devices.length) + 1;
    }
    return { startMs, idleRssMb: Number(idle.rss_bytes) / MB, bareCpuUs, runs };
  } finally {
    sender.removeAllListeners();
    sender.kill();
    await program.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
