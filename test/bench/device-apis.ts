import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { DeviceFiles } from '../../main/api/gen/gatehouse/v1/device_files_pb.js';
import { EndDeviceRegistry } from '../../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { EndDeviceRegistrySearch } from '../../main/api/gen/ttn/lorawan/v3/search_services_pb.js';
import { createApp } from '../../main/app.ts';
import { systemClock } from '../../main/base/clock.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { createStore, KEY_FILE_NAME, keyFileWrapper } from '../../main/store/index.ts';

/** How long calls took, in milliseconds, and the worst delay of the event loop meanwhile. */
export interface CallTimes {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly loopDelayMs: number;
}

export interface ImportFigures {
  readonly devicesPerSecond: number;
  /** Time of the processor per device, which other programs of the machine hardly change. */
  readonly cpuUs: number;
  /** Rows that could not be registered; none are expected. */
  readonly failed: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMs: number;
  /** Memory that is not to be collected, after a quarter and at the end; the file and its reader's messages are part of it. */
  readonly quarterMb: number;
  readonly endMb: number;
}

export interface DeviceApiFigures {
  readonly dryRun: ImportFigures;
  readonly imported: ImportFigures;
  readonly list: CallTimes;
  readonly longSearch: CallTimes;
  readonly shortSearch: CallTimes;
  readonly exportedPerSecond: number;
}

const ROUNDS = 5;
const MEGABYTE = 1024 * 1024;
const applicationIds = { applicationId: 'lab' };
const FORMAT = 'the-things-stack-csv';
const SITES = ['north hall', 'south hall', 'roof', 'cellar', 'garage', 'river', 'bridge'];
const MASK = { paths: ['name', 'created_at', 'last_seen_at', 'ids'] };

/** From no device to all of them: ids, names and EUIs, first and later pages, in each order. */
const LONG_SEARCHES = [
  { query: 'meter-0123' },
  { query: 'meter-012345' },
  { query: 'Meter' },
  { query: 'roof' },
  { query: 'roof', order: 'name' },
  { query: 'roof', order: '-created_at', page: 20 },
  { query: 'team 7' },
  { query: 'water meter 99' },
  { query: '000' },
  { query: '0004A30B' },
  { query: '0004a30b0001e240' },
  { query: '70B3D57ED0000001' },
  { query: 'nothing has this' },
  { idContains: '4321' },
  { nameContains: 'bridge', order: '-name' },
  { descriptionContains: 'by team 12' },
  { devEuiContains: 'b00012' },
  { query: 'meter', nameContains: 'hall', descriptionContains: 'team 3' },
];
const SHORT_SEARCHES = [
  { query: 'r' },
  { query: '7' },
  { query: 'zz' },
  { query: '99' },
  { nameContains: 'ro' },
  { devEuiContains: 'f0', order: 'name' },
];
const LISTS = [
  {},
  { page: 500 },
  { order: '-name' },
  { order: 'created_at', page: 10 },
  { order: '-last_seen_at' },
];

const pad = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, '0');

/** A file with devices that join. */
function deviceFile(devices: number): Uint8Array<ArrayBuffer> {
  const lines = [
    'id;dev_eui;join_eui;name;description;frequency_plan_id;lorawan_version;lorawan_phy_version;app_key',
  ];
  for (let at = 0; at < devices; at += 1) {
    const number = String(at).padStart(6, '0');
    const site = SITES[at % SITES.length];
    lines.push(
      `meter-${number};0004A30B${pad(at, 8)};70B3D57ED0000001;Water meter ${at} ${site};` +
        `by team ${at % 13};EU_863_870;1.0.3;1.0.3-a;${pad(at + 1, 32)}`,
    );
  }
  return new TextEncoder().encode(lines.join('\n'));
}

async function timed(calls: readonly (() => Promise<unknown>)[]): Promise<CallTimes> {
  for (const call of calls) await call();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const samples: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const call of calls) {
      const start = performance.now();
      await call();
      samples.push(performance.now() - start);
    }
  }
  delay.disable();
  samples.sort((a, b) => a - b);
  const at = (share: number): number =>
    samples[Math.min(samples.length - 1, Math.floor(samples.length * share))] ?? Number.NaN;
  return { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1), loopDelayMs: delay.max / 1e6 };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedMb(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / MEGABYTE;
}

async function measureImport(
  transport: Transport,
  data: Uint8Array<ArrayBuffer>,
  dryRun: boolean,
): Promise<ImportFigures> {
  const files = createClient(DeviceFiles, transport);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  let quarterMb = 0;
  let last = { created: 0, failed: 0, existing: 0 };
  for await (const step of files.import({ applicationIds, formatId: FORMAT, data, dryRun })) {
    last = step;
    if (quarterMb === 0 && step.linesRead * 4 > step.linesTotal) quarterMb = usedMb();
  }
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  delay.disable();
  return {
    devicesPerSecond: last.created / seconds,
    cpuUs: (user + system) / last.created,
    failed: last.failed + last.existing,
    loopDelayP99Ms: delay.percentile(99) / 1e6,
    loopDelayMs: delay.max / 1e6,
    quarterMb,
    endMb: usedMb(),
  };
}

async function measureExport(transport: Transport, devices: number): Promise<number> {
  const start = performance.now();
  let exported = 0;
  const request = { applicationIds, formatId: FORMAT, includeKeys: true };
  for await (const piece of createClient(DeviceFiles, transport).export(request))
    exported = piece.devices;
  if (exported !== devices) throw new Error(`Only ${exported} devices were exported.`);
  return devices / ((performance.now() - start) / 1_000);
}

/** Measures imports, lists and searches through the program's API, with everything but the network in between. */
export async function measureDeviceApis(devices: number): Promise<DeviceApiFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-devices-'));
  const clock = systemClock();
  const logger = silentLogger();
  const dataKeyWrapper = keyFileWrapper(join(directory, KEY_FILE_NAME));
  const app = await createApp({
    store: await createStore({ directory, clock, logger, dataKeyWrapper }),
    clock,
    logger,
    rendererFolder: directory,
    version: '0.0.0',
    buildId: 'bench',
    udp: { host: '127.0.0.1', port: 0, explicit: false },
    offerDemo: false,
    listeners: () => [],
  });
  const transport = createConnectTransport({
    baseUrl: 'http://localhost',
    useBinaryFormat: true,
    fetch: (input, init) => app.handle(new Request(input, init), { kind: 'desktop' }),
  });
  try {
    const file = deviceFile(devices);
    const dryRun = await measureImport(transport, file, true);
    const imported = await measureImport(transport, file, false);
    const registry = createClient(EndDeviceRegistry, transport);
    const search = createClient(EndDeviceRegistrySearch, transport);
    const request = { applicationIds, fieldMask: MASK, limit: 100 };
    const list = await timed(LISTS.map((one) => () => registry.list({ ...request, ...one })));
    const find = (filters: readonly object[]): Promise<CallTimes> =>
      timed(filters.map((one) => () => search.searchEndDevices({ ...request, ...one })));
    const longSearch = await find(LONG_SEARCHES);
    const shortSearch = await find(SHORT_SEARCHES);
    const exportedPerSecond = await measureExport(transport, devices);
    return { dryRun, imported, list, longSearch, shortSearch, exportedPerSecond };
  } finally {
    await app.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
