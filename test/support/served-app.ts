/** The whole network in this process and in virtual time, reached as clients reach it: over sockets, with API keys. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import {
  type ErrorDetails,
  ErrorDetailsSchema,
} from '../../main/api/gen/ttn/lorawan/v3/error_pb.js';
import { type App, createApp } from '../../main/app.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { type VirtualClock, virtualClock } from '../../main/base/virtual-clock.ts';
import { startGrpcServer } from '../../main/rpc/grpc-server.ts';
import { startHttpServer } from '../../main/shell/http-server.ts';
import { createSessions } from '../../main/shell/sessions.ts';
import { createStore, type Store } from '../../main/store/index.ts';
import { API_KEY } from './headless-process.ts';

/** What carries a call that is made through a generated client. */
export const CARRIERS = ['gRPC', 'gRPC-Web', 'Connect'] as const;
export type CarrierName = (typeof CARRIERS)[number];

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Record<string, unknown>;
}

/** How clients reach a program. */
export interface ServedApi {
  /** A transport whose calls carry a key: the administrator's by default, none for "". */
  transport(carrier: CarrierName, token?: string): Transport;
  /** A call below `/api/v3`. */
  rest(verb: string, path: string, body?: unknown, token?: string): Promise<RestAnswer>;
  /** A call below `/api/v3` whose answer is not read yet. */
  open(verb: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response>;
  /** A stream of JSON lines below `/api/v3` that ends by itself. */
  restStream(path: string): Promise<{ headers: Headers; lines: Record<string, unknown>[] }>;
  stop(): Promise<void>;
}

export interface ServedApp extends ServedApi {
  readonly app: App;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly directory: string;
  close(): Promise<void>;
}

const withToken =
  (token: string): Interceptor =>
  (next) =>
  (request) => {
    if (token !== '') request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };

/** Serves an open program over HTTP and gRPC on free ports. */
export async function serveApp({ handle, callerOf, router }: App): Promise<ServedApi> {
  const host = '127.0.0.1';
  const logger = silentLogger();
  const sessions = createSessions();
  const http = await startHttpServer({ host, port: 0, handle, callerOf, sessions, logger });
  const grpc = await startGrpcServer({ router, host, port: 0, callerOf });
  const baseUrl = `http://${http.address}`;
  const send = (
    verb: string,
    path: string,
    body: unknown,
    token: string,
    signal?: AbortSignal,
  ): Promise<Response> =>
    fetch(`${baseUrl}/api/v3${path}`, {
      method: verb,
      ...(signal && { signal }),
      ...(token !== '' && { headers: { authorization: `Bearer ${token}` } }),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    transport(carrier, token = API_KEY) {
      const interceptors = [withToken(token)];
      switch (carrier) {
        case 'gRPC':
          return createGrpcTransport({ baseUrl: `http://${grpc.address}`, interceptors });
        case 'gRPC-Web':
          return createGrpcWebTransport({ baseUrl, interceptors });
        case 'Connect':
          return createConnectTransport({ baseUrl, httpVersion: '1.1', interceptors });
      }
    },
    async rest(verb, path, body, token = API_KEY) {
      const response = await send(verb, path, body, token);
      const { status, headers } = response;
      return { status, headers, json: (await response.json()) as RestAnswer['json'] };
    },
    open: (verb, path, body, signal) => send(verb, path, body, API_KEY, signal),
    async restStream(path) {
      const response = await send('GET', path, undefined, API_KEY);
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return { headers: response.headers, lines: lines.map((line) => JSON.parse(line)) };
    },
    async stop() {
      await Promise.all([http.close(), grpc.close()]);
    },
  };
}

/** Opens a new workspace at a wall clock of 2026-01-01, or at `startMs`. */
export async function openServedApp(startMs = Date.UTC(2026, 0, 1)): Promise<ServedApp> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-served-'));
  const clock = virtualClock(startMs);
  const logger = silentLogger();
  const store = await createStore({ directory, clock, logger });
  const app = await createApp({
    store,
    clock,
    logger,
    rendererFolder: directory,
    version: '0',
    buildId: '0',
    udp: { host: '127.0.0.1', port: 0, explicit: false },
    offerDemo: false,
    listPorts: async () => ({ kind: 'listed', ports: [] }),
    listeners: () => [],
    apiKey: API_KEY,
  });
  const api = await serveApp(app);
  return {
    ...api,
    app,
    clock,
    store,
    directory,
    async close() {
      await api.stop();
      await app.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What a refused call says: identity, attributes, code. Fails if the call succeeds. */
export async function refusalOf(call: Promise<unknown>): Promise<ErrorDetails> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const details = error?.findDetails(ErrorDetailsSchema)[0];
  if (!details) throw error ?? new Error('the call was not refused');
  return details;
}
