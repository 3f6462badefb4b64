import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LinkPhase } from '../api/gen/gatehouse/v1/links_pb.js';
import { type App, type AppOptions, createApp } from '../app.ts';
import { systemClock } from '../base/clock.ts';
import { createLogger, type Logger } from '../base/logger.ts';
import type { Caller } from '../rpc/call.ts';
import { type GrpcServer, startGrpcServer } from '../rpc/grpc-server.ts';
import type { KeyWrapper, Store } from '../store/index.ts';
import { BUILT_IN_UDP } from '../workspace/link-manager.ts';
import {
  type BrowserInterface,
  browserInterfaceOff,
  createBrowserInterface,
} from './browser-interface.ts';
import { dataDirectory } from './data-directory.ts';
import { type Flags, parseFlags } from './flags.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { cannotListen, openListener } from './listeners.ts';
import { noticesFor } from './notices.ts';
import { type KeyFile, keyFileIn, openWorkspace } from './open-workspace.ts';
import { interfaceAddresses } from './own-hosts.ts';
import { createSessions, type Sessions } from './sessions.ts';
import { VERSION } from './version.ts';

export interface ShellOptions {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  /** Ways to open the keys, tried before the key file; the first one protects those of a new workspace. */
  readonly keyWrappers?: readonly KeyWrapper[];
  /** Whether browsers are always served the interface, or only once the user chose that. Default always. */
  readonly browserInterface?: 'always' | 'chosen';
  readonly logger?: Logger;
}

/** An address in use. */
export interface Listening {
  readonly service: 'http' | 'grpc' | 'udp' | 'station';
  readonly address: string;
}

/** The running program, whichever shell shows it. */
export interface RunningShell {
  readonly flags: Flags;
  readonly handle: (request: Request, caller: Caller) => Promise<Response>;
  readonly listeners: readonly Listening[];
  /** What was asked for and is not there, in words. */
  readonly notices: readonly string[];
  readonly browserInterface: BrowserInterface;
  readonly keyFile: KeyFile;
  close(): Promise<void>;
}

/** Packages ship bundles; a clone runs its sources. */
const isPackaged = !import.meta.url.endsWith('.ts');
const rendererFolder = fileURLToPath(
  new URL(isPackaged ? '../renderer' : '../../dist/renderer', import.meta.url),
);
/** Workers cannot be read from inside an archive; packages keep them beside it. */
const besideArchive = (name: string): URL =>
  new URL(new URL(name, import.meta.url).href.replace('/app.asar/', '/app.asar.unpacked/'));
const FORMATTER_URLS = {
  workerUrl: besideArchive('./formatter-worker.js'),
  wasmUrl: besideArchive('./quickjs.wasm'),
};

async function openServers(
  app: App,
  flags: Flags,
  sessions: Sessions,
  logger: Logger,
): Promise<{ http: HttpServer; grpc: GrpcServer }> {
  const http = await openListener('http', flags.http, logger, (host, port) =>
    startHttpServer({
      host,
      port,
      handle: app.handle,
      callerOf: app.callerOf,
      sessions,
      logger: logger.area('http'),
    }),
  );
  try {
    const grpc = await openListener('grpc', flags.grpc, logger, (host, port) =>
      startGrpcServer({ router: app.router, host, port, callerOf: app.callerOf }),
    );
    return { http, grpc };
  } catch (error) {
    await http.close();
    throw error;
  }
}

/** Starts the radio listeners. One that cannot run stays off with its cause; it is fatal only if it was asked for. */
async function startLinks(app: App, flags: Flags, listening: Listening[]): Promise<void> {
  await app.links.start();
  await app.fleet.resize(flags.simulate ?? 0);
  app.simulated.start();
  const udp = app.links.list().find((one) => one.link?.id === BUILT_IN_UDP);
  if (udp?.phase === LinkPhase.RUNNING) listening.push({ service: 'udp', address: udp.address });
  else if (flags.udp.explicit) {
    throw cannotListen({
      service: 'udp',
      address: `${flags.udp.host}:${flags.udp.port}`,
      reason: udp?.causeText ?? '',
    });
  }
}

/** Hash of the built user interface, so that a page can tell that it is out of date. */
function buildId(): string {
  const index = join(rendererFolder, 'index.html');
  if (!existsSync(index)) return VERSION;
  return createHash('sha256').update(readFileSync(index)).digest('hex').slice(0, 12);
}

const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1]);

/** The application over an opened store, which is closed if that fails. */
async function openApp(
  store: Store,
  options: { readonly logger: Logger; readonly flags: Flags } & Pick<
    AppOptions,
    'listeners' | 'refuseInterface'
  >,
): Promise<App> {
  const { flags, ...rest } = options;
  try {
    return await createApp({
      ...rest,
      store,
      clock: systemClock(),
      rendererFolder,
      version: VERSION,
      buildId: buildId(),
      udp: flags.udp,
      offerDemo: flags.open && flags.simulate === undefined,
      joinSettings: {
        joinEuiPrefixes: flags.joinEuiPrefixes,
        devNonceLimit: flags.devNonceLimit,
      },
      ...(isPackaged && {
        formatterUrls: FORMATTER_URLS,
        catalogueWorkerUrl: besideArchive('./catalogue-worker.js'),
      }),
      ...(flags.apiKey !== undefined && { apiKey: flags.apiKey }),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens the workspace and its listeners. Rejects with an error whose text says what to do. */
export async function startShell(options: ShellOptions): Promise<RunningShell> {
  const flags = parseFlags(options.argv, process.env);
  const logger = options.logger ?? createLogger('info');
  const store = await openWorkspace({
    directory: dataDirectory(flags.dataDirectory, isPackaged),
    logger,
    ...(options.keyWrappers && { keyWrappers: options.keyWrappers }),
    ...(isPackaged && { workerUrl: besideArchive('./store-worker.js') }),
  });
  const listening: Listening[] = [];
  const sessions = createSessions();
  let url = '';
  const browserInterface = createBrowserInterface({
    store,
    sessions,
    policy: options.browserInterface ?? 'always',
    url: () => url,
  });
  const app = await openApp(store, {
    logger,
    flags,
    listeners: () => listening,
    refuseInterface: ({ kind }) =>
      kind === 'desktop' || browserInterface.isOn ? undefined : browserInterfaceOff(),
  });
  const opened: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((one) => one.close()));
    await app.close();
  };
  try {
    const { http, grpc } = await openServers(app, flags, sessions, logger);
    opened.push(http, grpc);
    listening.push(
      { service: 'http', address: http.address },
      { service: 'grpc', address: grpc.address },
    );
    await startLinks(app, flags, listening);
    url = `http://${http.address.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:')}/`;
    store.publishUrl(url);
    return {
      flags,
      handle: app.handle,
      listeners: listening,
      notices: noticesFor(flags, portOf(http.address), interfaceAddresses()),
      browserInterface,
      keyFile: keyFileIn(store),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
