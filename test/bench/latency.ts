import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHeadless } from '../support/headless-process.ts';
import { benchDevice, fillWorkspace } from './bench-devices.ts';
import { ask, startSender, streamEvents } from './program-under-load.ts';
import { epochMs, type SendReport } from './uplink-sender.ts';

/** Delays beyond what was planned, in milliseconds. */
export interface Delays {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LatencyResult {
  /** From the end of the deduplication window to the event at a subscriber over HTTP. */
  readonly event: Delays;
  /** From the moment a downlink of RX1 is to be scheduled to its arrival at the gateway. */
  readonly rx1: Delays;
}

export interface LatencyOptions {
  readonly perSecond: number;
  readonly seconds: number;
  readonly entry: string;
  readonly nodeArguments: readonly string[];
}

/** So many that none sends again before its windows open, which would close them. */
const DEVICES = 4_096;
/** So many that none of them uses up its duty cycle with the downlinks it sends. */
const GATEWAYS = 40;
/** Has no divisor in common with the gateways and channels, so that all of them take part. */
const CONFIRMED_EVERY = 27;
const DEDUPLICATION_MS = 200;
/**
 * RX1 opens 5 s after the uplink; the link wants downlinks 300 ms before, the way to a gateway whose round trip was not
 * measured is taken for 50 ms, and 50 ms are left for storing the counter.
 */
const RX1_PLANNED_MS = 5_000 - 300 - 50 - 50;
const LISTEN_MS = 6_000;
const WARM_UP_SECONDS = 5;

function delays(all: readonly number[]): Delays {
  const sorted = [...all].sort((left, right) => left - right);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
}

interface UplinkEvent {
  readonly result?: {
    readonly identifiers?: readonly { readonly device_ids?: { readonly device_id: string } }[];
    readonly data?: { readonly uplink_message?: { readonly f_cnt?: number } };
  };
}

/** Arrival of events by `device f_cnt`. */
function arrivals(): { onBytes(bytes: Uint8Array): void; readonly atMs: Map<string, number> } {
  const atMs = new Map<string, number>();
  const decoder = new TextDecoder();
  let rest = '';
  return {
    atMs,
    onBytes(bytes) {
      const nowMs = epochMs();
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const { result } = JSON.parse(line) as UplinkEvent;
        const deviceId = result?.identifiers?.[0]?.device_ids?.device_id;
        const fCnt = result?.data?.uplink_message?.f_cnt;
        if (deviceId !== undefined && fCnt !== undefined) atMs.set(`${deviceId} ${fCnt}`, nowMs);
      }
    },
  };
}

function evaluate(
  { sentAtMs, downlinks }: SendReport,
  atMs: ReadonlyMap<string, number>,
  firstFCnt: number,
): LatencyResult {
  const events = sentAtMs.flatMap((sentMs, index) => {
    const fCnt = firstFCnt + Math.floor(index / DEVICES);
    const arrivedMs = atMs.get(`device-${index % DEVICES} ${fCnt}`);
    return arrivedMs === undefined ? [] : [arrivedMs - sentMs - DEDUPLICATION_MS];
  });
  const rx1 = downlinks
    .filter(({ window }) => window === 1)
    .map((downlink) => downlink.atMs - (sentAtMs[downlink.uplink] ?? 0) - RX1_PLANNED_MS);
  return { event: delays(events), rx1: delays(rx1) };
}

/** Sends uplinks evenly through a headless program, some of them confirmed, and measures how late events and downlinks are. */
export async function measureLatency(options: LatencyOptions): Promise<LatencyResult> {
  const { perSecond, seconds } = options;
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const devices = Array.from({ length: DEVICES }, (_, index) => benchDevice(index));
  await fillWorkspace(directory, DEVICES);
  const program = await startHeadless(directory, [], options);
  const sender = startSender();
  try {
    const port = Number(program.addresses.udp?.split(':')[1]);
    const { atMs, onBytes } = arrivals();
    const stop = await streamEvents(program, 'as.up.data.forward', onBytes);
    const request = { port, devices, perSecond, gateways: GATEWAYS, heardBy: 1 };
    const warmUp = perSecond * WARM_UP_SECONDS;
    await ask(sender, { ...request, firstFCnt: 1, count: warmUp });
    const firstFCnt = Math.ceil(warmUp / DEVICES) + 2;
    const report = await ask(sender, {
      ...request,
      firstFCnt,
      count: perSecond * seconds,
      confirmedEvery: CONFIRMED_EVERY,
      listenMs: LISTEN_MS,
    });
    await stop();
    return evaluate(report, atMs, firstFCnt);
  } finally {
    sender.removeAllListeners();
    sender.kill();
    await program.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
