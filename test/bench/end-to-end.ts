import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type HeadlessProcess, startHeadless } from '../support/headless-process.ts';
import type { BareIngestReport } from './bare-ingest.ts';
import {
  BENCH_APPLICATION,
  type BenchDevice,
  benchDevice,
  fillWorkspace,
} from './bench-devices.ts';
import {
  ask,
  call,
  countEvents,
  nextMessage,
  type Observed,
  startSender,
} from './program-under-load.ts';

/** One burst of uplinks through the whole program. */
export interface EndToEndRun {
  /** Frames per second that were sent. */
  readonly perSecond: number;
  readonly sent: number;
  /** Events `as.up.data.forward` that a subscriber was to get over HTTP, and those that it got. */
  readonly expectedEvents: number;
  readonly events: number;
  /** Events that carry what the formatter made of the payload. */
  readonly decoded: number;
  /** Frames more in frames.db. */
  readonly recorded: number;
  readonly acknowledgedShare: number;
  readonly loopDelayP99Ms: number;
  readonly rssMb: number;
  /** CPU time of the program per uplink; only where the system tells. */
  readonly cpuUs?: number;
}

/** What is sent in one burst. */
export interface BurstPlan {
  readonly perSecond: number;
  /** JavaScript formatter of the application meanwhile. */
  readonly formatter?: string;
  /** Whose events a subscriber reads; those of all devices by default. */
  readonly observed?: Observed;
}

export interface EndToEndOptions {
  readonly bursts: readonly BurstPlan[];
  /** Length of a burst. */
  readonly seconds: number;
  /** Devices of the workspace, all of which send in turns; 256 by default. */
  readonly devices?: number;
  /** Gateways that hear an uplink; two by default. */
  readonly gatewaysPerUplink?: 1 | 2;
  /** Frames that were recorded before. */
  readonly storedFrames?: number;
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
const SETTLE_MS = 10_000;
const LOOK_MS = 50;
const MB = 1024 * 1024;

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** CPU time that a process has used so far, where the system tells (Linux). */
function cpuSecondsOf(pid: number | undefined): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** Sets the formatter of the application's uplinks, or takes it away. */
async function setFormatter(program: HeadlessProcess, formatter: string | undefined) {
  const formatters =
    formatter === undefined
      ? { up_formatter: 'FORMATTER_NONE' }
      : { up_formatter: 'FORMATTER_JAVASCRIPT', up_formatter_parameter: formatter };
  await call(program, 'PUT', `/as/applications/${BENCH_APPLICATION}/link`, {
    link: { default_formatters: formatters },
    field_mask: { paths: ['default_formatters'] },
  });
}

/** Ids count all frames ever recorded, those that had to go meanwhile included. */
async function newestFrameId(program: HeadlessProcess): Promise<number> {
  const { frames } = await call(program, 'GET', '/gatehouse/frames?limit=1');
  const [newest] = (frames ?? []) as readonly { readonly id: string }[];
  return Number(newest?.id ?? 0);
}

interface Burst {
  readonly devices: readonly BenchDevice[];
  readonly program: HeadlessProcess;
  readonly sender: ChildProcess;
  readonly firstFCnt: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly heardBy: number;
  readonly observed: Observed;
}

/** How many of `count` uplinks, which devices send in turns, are of the observed ones. */
function expectedEvents(count: number, devices: number, observed: Observed): number {
  if (observed === 'all') return count;
  return Math.floor(count / devices) * observed + Math.min(count % devices, observed);
}

async function runBurst({
  devices,
  program,
  sender,
  firstFCnt,
  perSecond,
  seconds,
  heardBy,
  observed,
}: Burst): Promise<EndToEndRun> {
  const before = await newestFrameId(program);
  const events = await countEvents(program, 'as.up.data.forward', '"decoded_payload":', observed);
  const count = Math.floor(perSecond * seconds);
  await call(program, 'GET', '/gatehouse/diagnostics');
  const port = Number(program.addresses.udp?.split(':')[1]);
  const cpuBefore = cpuSecondsOf(program.child.pid);
  const report = await ask(sender, {
    port,
    devices,
    firstFCnt,
    count,
    perSecond,
    gateways: GATEWAYS,
    heardBy,
  });
  const quietMs = performance.now() + SETTLE_MS;
  const expected = expectedEvents(count, devices.length, observed);
  for (let waitedMs = 0; events.count() < expected && waitedMs < SETTLE_MS; waitedMs += LOOK_MS)
    await wait(LOOK_MS);
  while ((await newestFrameId(program)) - before < count && performance.now() < quietMs)
    await wait(LOOK_MS);
  const busy = await call(program, 'GET', '/gatehouse/diagnostics');
  const cpuAfter = cpuSecondsOf(program.child.pid);
  await events.stop();
  return {
    ...(cpuBefore !== undefined &&
      cpuAfter !== undefined && { cpuUs: ((cpuAfter - cpuBefore) / count) * 1e6 }),
    perSecond: count / report.seconds,
    sent: count,
    expectedEvents: expected,
    events: events.count(),
    decoded: events.countWithText(),
    recorded: (await newestFrameId(program)) - before,
    acknowledgedShare: report.acknowledged / report.datagrams,
    loopDelayP99Ms: Number(busy.loop_delay_p99_ms ?? 0),
    rssMb: Number(busy.rss_bytes) / MB,
  };
}

/** The first burst to a process that does nothing but receive. */
async function measureBareIngest(
  sender: ChildProcess,
  devices: readonly BenchDevice[],
  { bursts: [first], seconds, gatewaysPerUplink = GATEWAYS }: EndToEndOptions,
): Promise<number> {
  const receiver = fork(RECEIVER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    const { port } = (await nextMessage(receiver)) as { port: number };
    const perSecond = first?.perSecond ?? 0;
    const count = Math.floor(perSecond * seconds);
    const request = {
      port,
      devices,
      firstFCnt: 1,
      count,
      perSecond,
      gateways: GATEWAYS,
      heardBy: gatewaysPerUplink,
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

/** Sends bursts of uplinks through a headless program of its own to a subscriber over HTTP. */
export async function measureEndToEnd(options: EndToEndOptions): Promise<EndToEndResult> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const devices = Array.from({ length: options.devices ?? DEVICES }, (_, index) =>
    benchDevice(index),
  );
  await fillWorkspace(directory, devices.length, options.storedFrames);
  const startedMs = performance.now();
  const program = await startHeadless(directory, [], options);
  const startMs = performance.now() - startedMs;
  const sender = startSender();
  try {
    const idle = await call(program, 'GET', '/gatehouse/diagnostics');
    const bareCpuUs = await measureBareIngest(sender, devices, options);
    const runs: EndToEndRun[] = [];
    let firstFCnt = 1;
    for (const { perSecond, formatter, observed = 'all' } of options.bursts) {
      await setFormatter(program, formatter);
      runs.push(
        await runBurst({
          devices,
          program,
          sender,
          firstFCnt,
          perSecond,
          seconds: options.seconds,
          heardBy: options.gatewaysPerUplink ?? GATEWAYS,
          observed,
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
