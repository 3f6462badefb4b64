/**
 * `npm run bench [frames] [search] [rows] [modem] [uplinks] [sustained] [latency] [scale] [devices]`: measures what the program promises, each figure against a
 * baseline that runs in turns with it. Absolute figures belong to the machine; the shares are what to compare.
 */
import { fileURLToPath } from 'node:url';
import { programArguments } from '../../scripts/tool-chain.mjs';
import { measureAtModemTransmitError } from '../support/lora-e5-transmit-error.ts';
import { ptyUnavailable } from '../support/pty.ts';
import { type CallTimes, type ImportFigures, measureDeviceApis } from './device-apis.ts';
import { type EndToEndRun, measureEndToEnd } from './end-to-end.ts';
import { measureFramePath } from './frame-path.ts';
import { measureFrameRows } from './frame-rows.ts';
import { type Delays, measureLatency } from './latency.ts';
import { measureMicSearch, SEARCHED_SESSIONS } from './mic-search.ts';

const BUNDLE = fileURLToPath(new URL('../../dist/main/headless.js', import.meta.url));
/** What C loops reached where AES-NI was there; for machines without a compiler. */
const REFERENCE_C_FRAMES_PER_SECOND = '10–12 million';
const WARM_UP_RATE = 1_500;
const UPLINK_RATES = [3_000, 4_000];
const BURST_SECONDS = 6;
const STORED_FRAMES = 1_000_000;
const FORMATTED_RATE = 5_000;
const PLAIN_RATE = 8_000;
/** Devices whose events are read at the highest rate, where reading all of them would take a third of the time. */
const OBSERVED_DEVICES = 16;
const SUSTAINED_SECONDS = 10;
const FORMATTER = `function decodeUplink(input) {
  const [high, low, battery] = input.bytes;
  return { data: { temperature: ((high << 8) | low) / 100, battery: battery / 50, port: input.fPort } };
}`;
const LATENCY_RATE = 500;
const LATENCY_SECONDS = 12;
const LATENCY_LIMIT_MS = 30;
const DEVICE_BYTES_LIMIT = 512;
const MB = 1024 * 1024;
const WORKSPACE_SIZES = [100, 10_000, 100_000];
const SCALE_RATE = 1_000;
/** What the program keeps below at the first rate, without losing any. */
const LOOP_DELAY_LIMIT_MS = 20;
const IDLE_MEMORY_LIMIT_MB = 150;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const number = (value: number, digits = 0): string =>
  value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const percent = (share: number): string => `${number(share * 100, 1)} %`;

/** What the addon reaches of the C loop at least. */
const ONE_PER_CALL_SHARE = 0.4;
const BATCH_SHARE = 0.85;
/** Longest search of the addon among sessions whose keys are expanded. */
const SEARCH_LIMIT_MS = 0.5;

async function frames(): Promise<void> {
  const { rounds, native, cLoop } = await measureFramePath();
  const { rates, ratio } = rounds;
  const hasC = 'aes' in cLoop;
  const line = (name: string, label: string, ...more: readonly string[]): void => {
    const ofC = hasC ? [`${percent(ratio(name, 'c'))} of C`] : [];
    const parts = [`${number(rates[name] ?? 0)} frames/s`, ...ofC, ...more];
    say(`  ${label.padEnd(34)} ${parts.join(', ')}`);
  };
  say(`Parse, verify and decrypt (Node ${process.version})`);
  line(
    'typescript',
    'TypeScript, frame objects',
    `${number(ratio('typescript', 'lora-packet'))} times lora-packet`,
  );
  if ('missing' in native) say(`  addon not measured: ${native.missing}`);
  else {
    const times = number(ratio('native', 'typescript'), 1);
    line('native', 'addon, frame objects', `${times} times TypeScript`);
    line('one', 'addon, a call per frame', `target ${percent(ONE_PER_CALL_SHARE)} of C`);
    line('batch', 'addon, one call for all', `target ${percent(BATCH_SHARE)} of C`);
  }
  say(`  ${'lora-packet'.padEnd(34)} ${number(rates['lora-packet'] ?? 0)} frames/s`);
  if (hasC) {
    line('c addon', "the addon's C in that loop");
    say(`  ${`plain C loop (${cLoop.aes})`.padEnd(34)} ${number(rates.c ?? 0)} frames/s`);
  } else
    say(
      `  C loop not measured, ${cLoop.missing.trim()}; with AES-NI about ${REFERENCE_C_FRAMES_PER_SECOND} frames/s`,
    );
}

async function search(): Promise<void> {
  const { rounds, native } = await measureMicSearch();
  const line = (name: string, label: string): void => {
    const milliseconds = (kind: string): string =>
      `${number(1_000 / (rounds.rates[`${name} ${kind}`] ?? Number.NaN), 2)} ms`;
    say(
      `  ${label.padEnd(12)} ${milliseconds('warm')} warm, ${milliseconds('cold')} with expanding all keys; ` +
        `network server ${milliseconds('match')}, ${milliseconds('none')} if no session fits`,
    );
  };
  say(`MIC search among ${number(SEARCHED_SESSIONS)} sessions of one DevAddr`);
  line('typescript', 'TypeScript');
  if ('missing' in native) say(`  addon not measured: ${native.missing}`);
  else {
    line('native', 'addon');
    say(
      `  the addon is ${number(rounds.ratio('native warm', 'typescript warm'))} times faster (limit ${SEARCH_LIMIT_MS} ms warm)`,
    );
  }
}

async function rows(): Promise<void> {
  const { rates, ratio } = await measureFrameRows();
  say('Frame rows');
  say(`  store           ${number(rates.store ?? 0)} rows/s, from frames`);
  say(
    `  one connection  ${number(rates['one connection'] ?? 0)} rows/s, finished rows: ${percent(ratio('store', 'one connection'))} of it`,
  );
}

async function modem(): Promise<void> {
  const missing = ptyUnavailable();
  say('Serial modem: begin of transmissions against their time');
  if (missing) {
    say(`  not measured: ${missing}`);
    return;
  }
  const { count, meanMs, p50Ms, p95Ms, maxMs } = await measureAtModemTransmitError();
  say(
    `  ${count} frames: mean ${number(meanMs, 2)} ms, p50 ${number(p50Ms, 2)} ms, p95 ${number(p95Ms, 2)} ms, worst ${number(maxMs, 2)} ms`,
  );
}

/** Uplinks that were not recorded, or whose event did not come. */
function lost({ sent, expectedEvents, events, recorded }: EndToEndRun): number {
  return Math.max(sent - recorded, expectedEvents - events);
}

function uplinkLine(run: EndToEndRun, bareCpuUs: number, ...more: readonly string[]): string {
  const { perSecond, loopDelayP99Ms, rssMb, cpuUs } = run;
  const parts = [
    `  ${number(perSecond)} uplinks/s`,
    `${number(lost(run))} of ${number(run.sent)} lost`,
    ...more,
    `loop delay p99 ${number(loopDelayP99Ms, 1)} ms`,
    `memory ${number(rssMb)} MB`,
  ];
  if (cpuUs !== undefined)
    parts.push(
      `${number(cpuUs)} µs of CPU each, ${number(cpuUs / bareCpuUs, 1)} times bare reception`,
    );
  return parts.join(', ');
}

async function uplinks(): Promise<void> {
  const { idleRssMb, bareCpuUs, runs } = await measureEndToEnd({
    bursts: [WARM_UP_RATE, ...UPLINK_RATES].map((perSecond) => ({ perSecond })),
    seconds: BURST_SECONDS,
    entry: BUNDLE,
    nodeArguments: programArguments,
  });
  say(
    `Uplinks end to end: each over two gateways by UDP, verified, recorded, and sent to a subscriber (limit of the loop delay ${LOOP_DELAY_LIMIT_MS} ms at the first rate)`,
  );
  say(`  memory after start ${number(idleRssMb)} MB (limit ${IDLE_MEMORY_LIMIT_MB} MB)`);
  // The first burst lets the engine compile what is hot.
  for (const run of runs.slice(1)) say(uplinkLine(run, bareCpuUs));
}

/** How fast it goes beside a million recorded frames. */
async function sustained(): Promise<void> {
  const { bareCpuUs, runs } = await measureEndToEnd({
    bursts: [
      { perSecond: WARM_UP_RATE, formatter: FORMATTER },
      { perSecond: FORMATTED_RATE, formatter: FORMATTER },
      { perSecond: PLAIN_RATE, observed: OBSERVED_DEVICES },
    ],
    seconds: SUSTAINED_SECONDS,
    gatewaysPerUplink: 1,
    storedFrames: STORED_FRAMES,
    entry: BUNDLE,
    nodeArguments: programArguments,
  });
  say(`Sustained uplinks over one gateway each, beside ${number(STORED_FRAMES)} recorded frames`);
  const [, formatted, plain] = runs;
  if (formatted) {
    const decoded = `${number(formatted.decoded)} decoded by a JavaScript formatter`;
    say(uplinkLine(formatted, bareCpuUs, decoded));
  }
  if (plain)
    say(
      uplinkLine(
        plain,
        bareCpuUs,
        `no formatter, ${number(plain.events)} events of some devices read`,
      ),
    );
}

async function latency(): Promise<void> {
  const { event, rx1 } = await measureLatency({
    perSecond: LATENCY_RATE,
    seconds: LATENCY_SECONDS,
    entry: BUNDLE,
    nodeArguments: programArguments,
  });
  const line = (label: string, { count, p50Ms, p99Ms }: Delays): void =>
    say(
      `  ${label}: p50 ${number(p50Ms, 1)} ms, p99 ${number(p99Ms, 1)} ms (limit ${LATENCY_LIMIT_MS} ms; ${number(count)} measured)`,
    );
  say(`Delays at ${number(LATENCY_RATE)} uplinks/s`);
  line('from the end of the deduplication window to the event', event);
  line('from the moment for scheduling RX1 to the downlink at its gateway', rx1);
}

/** Cost of an uplink and memory at rest in workspaces of different size, all of whose devices send. */
async function scale(): Promise<void> {
  say('Uplinks in workspaces of different size, sent by all devices in turns');
  let smallest: { readonly cpuUs: number | undefined; readonly idleRssMb: number } | undefined;
  for (const devices of WORKSPACE_SIZES) {
    const { idleRssMb, startMs, runs } = await measureEndToEnd({
      bursts: [{ perSecond: SCALE_RATE }, { perSecond: SCALE_RATE }],
      seconds: BURST_SECONDS,
      devices,
      entry: BUNDLE,
      nodeArguments: programArguments,
    });
    const [, run] = runs;
    if (!run) continue;
    smallest ??= { cpuUs: run.cpuUs, idleRssMb };
    const bytesPerDevice = ((idleRssMb - smallest.idleRssMb) * MB) / devices;
    const parts = [
      `  ${number(devices)} devices: listening after ${number(startMs)} ms`,
      `memory ${number(idleRssMb)} MB (${number(Math.max(0, bytesPerDevice))} bytes per idle device, limit ${DEVICE_BYTES_LIMIT})`,
      `${number(lost(run))} of ${number(run.sent)} lost`,
    ];
    if (run.cpuUs !== undefined && smallest.cpuUs !== undefined)
      parts.push(
        `${number(run.cpuUs)} µs of CPU each, ${number(run.cpuUs / smallest.cpuUs, 2)} of the smallest`,
      );
    say(parts.join(', '));
  }
}

const API_DEVICES = 100_000;

/** Files, lists and searches of many devices. */
async function devices(): Promise<void> {
  const figures = await measureDeviceApis(API_DEVICES);
  const files = (name: string, run: ImportFigures): void =>
    say(
      `  ${name.padEnd(24)} ${number(run.devicesPerSecond)} devices/s, ${number(run.cpuUs)} µs of CPU each, ${run.failed} failed, loop delay p99 ` +
        `${number(run.loopDelayP99Ms, 1)} ms, worst ${number(run.loopDelayMs, 1)} ms, memory ${number(run.quarterMb)} MB after a ` +
        `quarter, ${number(run.endMb)} MB at the end`,
    );
  const calls = (name: string, { p50Ms, p95Ms, maxMs, loopDelayMs }: CallTimes): void =>
    say(
      `  ${name.padEnd(24)} p50 ${number(p50Ms, 1)} ms, p95 ${number(p95Ms, 1)} ms, worst ${number(maxMs, 1)} ms, ` +
        `loop delay at most ${number(loopDelayMs, 1)} ms`,
    );
  say(`API of devices, with ${number(API_DEVICES)} of them`);
  files('import, tried', figures.dryRun);
  files('import', figures.imported);
  say(`  ${'export'.padEnd(24)} ${number(figures.exportedPerSecond)} devices/s`);
  calls('list of 100', figures.list);
  calls('search, 3 characters up', figures.longSearch);
  calls('search, 1 or 2', figures.shortSearch);
}

const sections: Readonly<Record<string, () => Promise<void>>> = {
  frames,
  search,
  rows,
  modem,
  uplinks,
  sustained,
  latency,
  scale,
  devices,
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in sections));
if (unknown.length > 0) {
  say(`There is no section ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}.`);
  process.exit(2);
}
for (const [name, run] of Object.entries(sections)) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}
