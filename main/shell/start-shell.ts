import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LinkPhase } from '../api/gen/gatehouse/v1/links_pb.js';
import { type App, createApp } from '../app.ts';
import { systemClock } from '../base/clock.ts';
import { createLogger, type Logger } from '../base/logger.ts';
import type { Caller } from '../rpc/call.ts';
import { type GrpcServer, startGrpcServer } from '../rpc/grpc-server.ts';
import { createStore, type KeyWrapper, keyFileWrapper, type Store } from '../store/index.ts';
import { BUILT_IN_UDP } from '../workspace/link-manager.ts';
import { dataDirectory } from './data-directory.ts';
import { type Flags, parseFlags } from './flags.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { cannotListen, openListener } from './listeners.ts';
import { createSessions } from './sessions.ts';
import { VERSION } from './version.ts';

export interface ShellOptions {
  /** Arguments after the program's name. */
  readonly argv: readonly string[];
  /** Protects the data key; a key file in the data folder does if absent. */
  readonly keyWrapper?: (directory: string) => KeyWrapper;
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
  /** A link that opens the browser interface once. */
  readonly uiUrl: string;
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
const KEY_FILE = 'data.key';

function openStore(directory: string, options: ShellOptions, logger: Logger): Promise<Store> {
  return createStore({
    directory,
    dataKeyWrapper: options.keyWrapper?.(directory) ?? keyFileWrapper(join(directory, KEY_FILE)),
    clock: systemClock(),
    logger: logger.area('store'),
    ...(isPackaged && { workerUrl: besideArchive('./store-worker.js') }),
  });
}

async function openServers(
  app: App,
  flags: Flags,
  logger: Logger,
): Promise<{ http: HttpServer; grpc: GrpcServer; token: string }> {
  const sessions = createSessions();
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
    return { http, grpc, token: sessions.issue() };
  } catch (error) {
    await http.close();
    throw error;
  }
}

function noticesFor(flags: Flags): string[] {
  const notices = [];
  if (flags.apiKeyOnCommandLine) {
    notices.push(
      'An API key on the command line can be read by other users of this computer; set GATEHOUSE_API_KEY instead.',
    );
  }
  if (flags.udp.explicit)
    notices.push('Packet forwarders over UDP are not served yet; --udp opens nothing.');
  if (flags.station) notices.push('Basics Station is not served yet; --station opens nothing.');
  if (flags.simulate)
    notices.push(
      '--simulate starts no devices yet; add them on the Gateways page or with the Simulator service.',
    );
  return notices;
}

/** Starts the radio listeners. One that cannot run stays off with its cause; it is fatal only if it was asked for. */
async function startLinks(app: App, flags: Flags, listening: Listening[]): Promise<void> {
  await app.links.start();
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

/** Opens the workspace and its listeners. Rejects with an error whose text says what to do. */
export async function startShell(options: ShellOptions): Promise<RunningShell> {
  const flags = parseFlags(options.argv, process.env);
  const logger = options.logger ?? createLogger('info');
  const store = await openStore(dataDirectory(flags.dataDirectory, isPackaged), options, logger);
  const listening: Listening[] = [];
  let app: App;
  try {
    app = await createApp({
      store,
      clock: systemClock(),
      logger,
      rendererFolder,
      version: VERSION,
      buildId: buildId(),
      udp: flags.udp,
      offerDemo: flags.open && flags.simulate !== 0,
      listeners: () => listening,
      ...(isPackaged && { formatterUrls: FORMATTER_URLS }),
      ...(flags.apiKey !== undefined && { apiKey: flags.apiKey }),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  try {
    const { http, grpc, token } = await openServers(app, flags, logger);
    listening.push(
      { service: 'http', address: http.address },
      { service: 'grpc', address: grpc.address },
    );
    await startLinks(app, flags, listening);
    const url = `http://${http.address.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:')}/`;
    store.publishUrl(url);
    return {
      flags,
      handle: app.handle,
      listeners: listening,
      notices: noticesFor(flags),
      uiUrl: `${url}#token=${token}`,
      async close() {
        await Promise.all([http.close(), grpc.close()]);
        await app.close();
      },
    };
  } catch (error) {
    await app.close();
    throw error;
  }
}
