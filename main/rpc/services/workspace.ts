import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  DiagnosticsSchema,
  Workspace,
  WorkspaceInfoSchema,
} from '../../api/gen/gatehouse/v1/workspace_pb.js';
import type { Store } from '../../store/index.ts';
import { type Served, serve } from '../router.ts';
import { type WatchOptions, watch } from './watch.ts';

/** What the shell tells about itself; listeners become known after the start. */
export interface WorkspaceFacts {
  readonly version: string;
  readonly buildId: string;
  readonly startedAtMs: number;
  readonly netId: Uint8Array;
  readonly devAddrBlock: string;
  listeners(): readonly { readonly service: string; readonly address: string }[];
  loopDelay(): { readonly p99Ms: number; readonly maxMs: number };
}

/** The demonstration. */
export interface DemoPort {
  readonly isRunning: boolean;
  start(): Promise<void>;
  remove(): Promise<void>;
  /** Starts it if it may start by itself; an interface has opened. */
  offer(): Promise<void>;
}

export interface WorkspaceServiceOptions extends WatchOptions {
  readonly demo: DemoPort;
  readonly store: Store;
  readonly facts: WorkspaceFacts;
}

function info({ demo, facts, frames, links, store }: WorkspaceServiceOptions) {
  const protection = store.keyProtection.openedWith;
  return create(WorkspaceInfoSchema, {
    version: facts.version,
    buildId: facts.buildId,
    platform: process.platform,
    dataDirectory: store.directory,
    startedAt: timestampFromMs(facts.startedAtMs),
    listeners: facts.listeners().map((one) => ({ ...one })),
    keyProtection: protection,
    keysProtected: protection !== 'basic_text',
    demoRunning: demo.isRunning,
    deviceCount: store.identityDevices.count(),
    gatewayCount: links.list().reduce((count, link) => count + link.gateways.length, 0),
    frameCount: BigInt(frames.total()),
    netId: facts.netId,
    devAddrBlock: facts.devAddrBlock,
  });
}

function diagnostics({ facts, frames, store }: WorkspaceServiceOptions) {
  const loop = facts.loopDelay();
  const memory = process.memoryUsage();
  const { registryBytes, framesBytes, cause } = store.diagnostics();
  return create(DiagnosticsSchema, {
    loopDelayP99Ms: loop.p99Ms,
    loopDelayMaxMs: loop.maxMs,
    rssBytes: BigInt(memory.rss),
    heapBytes: BigInt(memory.heapUsed),
    registryBytes: BigInt(registryBytes),
    framesBytes: BigInt(framesBytes),
    counters: { frames_recorded: BigInt(frames.total()), frames_lost: BigInt(frames.lostCount()) },
    storeCauseText: cause?.text ?? '',
    storeCauseCode: cause?.code ?? '',
  });
}

/** The workspace as a whole. */
export function workspaceService(options: WorkspaceServiceOptions): Served {
  return serve(Workspace, {
    getInfo: () => info(options),
    getDiagnostics: () => diagnostics(options),
    async openInterface() {
      await options.demo.offer();
      return info(options);
    },
    async startDemo() {
      await options.demo.start();
      return info(options);
    },
    async removeDemo() {
      await options.demo.remove();
      return info(options);
    },
    watch: (request, call) => watch(request, call, options, () => info(options)),
  });
}
