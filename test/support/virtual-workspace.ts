import { createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { Frames } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { Links } from '../../main/api/gen/gatehouse/v1/links_pb.js';
import { Simulator } from '../../main/api/gen/gatehouse/v1/simulator_pb.js';
import { EndDeviceRegistration, Workspace } from '../../main/api/gen/gatehouse/v1/workspace_pb.js';
import { type App, type AppOptions, createApp } from '../../main/app.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { type VirtualClock, virtualClock } from '../../main/base/virtual-clock.ts';
import { createStore, type Store } from '../../main/store/index.ts';

/** The whole network over real files, in virtual time, as our own window sees it. */
export interface VirtualWorkspace {
  readonly app: App;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly transport: Transport;
  readonly frames: ReturnType<typeof createClient<typeof Frames>>;
  readonly links: ReturnType<typeof createClient<typeof Links>>;
  readonly simulator: ReturnType<typeof createClient<typeof Simulator>>;
  readonly registration: ReturnType<typeof createClient<typeof EndDeviceRegistration>>;
  readonly workspace: ReturnType<typeof createClient<typeof Workspace>>;
  close(): Promise<void>;
}

export interface VirtualWorkspaceOptions
  extends Partial<Pick<AppOptions, 'offerDemo' | 'listPorts'>> {
  readonly directory: string;
  /** What `--simulate` asks for. */
  readonly simulate?: number;
  /** Wall clock at the start. */
  readonly startMs?: number;
}

/** Opens a data folder and starts what a shell starts, without any socket. */
export async function openVirtualWorkspace(
  options: VirtualWorkspaceOptions,
): Promise<VirtualWorkspace> {
  const clock = virtualClock(options.startMs);
  const logger = silentLogger();
  const store = await createStore({ directory: options.directory, clock, logger });
  const app = await createApp({
    store,
    clock,
    logger,
    rendererFolder: options.directory,
    version: '0',
    buildId: '0',
    udp: { host: '127.0.0.1', port: 0, explicit: false },
    offerDemo: options.offerDemo ?? false,
    listPorts: options.listPorts ?? (async () => ({ kind: 'listed', ports: [] })),
    listeners: () => [],
  });
  await app.links.start();
  await app.fleet.resize(options.simulate ?? 0);
  app.simulated.start();
  const transport = createConnectTransport({
    baseUrl: 'app://gatehouse',
    fetch: (input, init) => app.handle(new Request(input, init), { kind: 'desktop' }),
  });
  return {
    app,
    clock,
    store,
    transport,
    frames: createClient(Frames, transport),
    links: createClient(Links, transport),
    simulator: createClient(Simulator, transport),
    registration: createClient(EndDeviceRegistration, transport),
    workspace: createClient(Workspace, transport),
    close: () => app.close(),
  };
}
