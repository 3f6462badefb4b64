import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Logger } from '../base/logger.ts';
import type { Caller } from '../rpc/call.ts';
import { type OwnHosts, ownHosts } from './own-hosts.ts';
import { type CallerOptions, callerOfRequest, fromOwnPage } from './request-caller.ts';
import { type Sessions, sessionCookie } from './sessions.ts';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly handle: (request: Request, caller: Caller) => Promise<Response>;
  readonly callerOf: (authorization: string | undefined) => Caller;
  readonly sessions: Sessions;
  readonly logger: Logger;
}

export interface HttpServer {
  /** `host:port` in use. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * How long a client may take for the headers of a request, and for all of it. Clients on this computer and in the next
 * room take milliseconds; who opens connections and trickles bytes into them must not hold them for minutes.
 */
const TIME_LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 1_000,
} as const;
/** Longest body of a session request. */
const MAX_TOKEN_BYTES = 1_024;

function plainText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${text}\n`);
}

/**
 * The body of a request, touched only once somebody reads it: Node drops the rest of a body nobody began to read, so that
 * the connection can carry the next request.
 */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  let begun = false;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (!begun) {
          begun = true;
          incoming.on('data', (chunk: Buffer) => {
            controller.enqueue(chunk);
            incoming.pause();
          });
          incoming.once('end', () => controller.close());
          incoming.once('error', (error) => controller.error(error));
        }
        incoming.resume();
      },
      cancel: () => leaveBody(incoming),
    },
    { highWaterMark: 0 },
  );
}

/** Nobody reads the body any more. */
function leaveBody(incoming: IncomingMessage): void {
  for (const name of ['data', 'end', 'error']) incoming.removeAllListeners(name);
  // A connection that breaks is of interest to nobody either, but an unheard error would end the program.
  incoming.on('error', () => undefined);
}

function toRequest(incoming: IncomingMessage, origin: string, signal: AbortSignal): Request {
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '');
  }
  const method = incoming.method ?? 'GET';
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const init: RequestInit & { duplex: 'half' } = {
    method,
    headers,
    signal,
    duplex: 'half',
    ...(hasBody && { body: bodyOf(incoming) }),
  };
  return new Request(new URL(incoming.url ?? '/', origin), init);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}

/**
 * Reads what is left of a body that was refused before its end, within the time a request may take. Closing before that
 * would reset the connection, and the sender would never see the answer.
 */
function drainBody(incoming: IncomingMessage): Promise<void> {
  if (incoming.complete || incoming.destroyed) return Promise.resolve();
  leaveBody(incoming);
  return new Promise((resolve) => {
    incoming.once('end', resolve);
    incoming.once('close', resolve);
    incoming.resume();
  });
}

/** Writes an answer, waiting for slow readers, and tells its source when the reader has gone. */
async function send(
  answer: Response,
  response: ServerResponse,
  incoming: IncomingMessage,
): Promise<void> {
  response.writeHead(answer.status, [...answer.headers].flat());
  const reader = answer.body?.getReader();
  if (!reader) {
    response.end();
    return;
  }
  const cancel = (): void => {
    reader.cancel().catch(() => undefined);
  };
  response.once('close', cancel);
  response.flushHeaders();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    if (response.destroyed) return;
    if (!response.write(chunk.value)) await drained(response);
  }
  response.off('close', cancel);
  await drainBody(incoming);
  response.end();
}

async function readToken(incoming: IncomingMessage): Promise<string | undefined> {
  let text = '';
  for await (const chunk of incoming) {
    text += String(chunk);
    if (text.length > MAX_TOKEN_BYTES) return undefined;
  }
  try {
    const { token } = JSON.parse(text) as { token?: unknown };
    return typeof token === 'string' ? token : undefined;
  } catch {
    return undefined;
  }
}

/** Trades the token of a one-time link for a session. */
async function openSession(
  incoming: IncomingMessage,
  response: ServerResponse,
  { hosts, port, sessions }: CallerOptions,
): Promise<void> {
  const token = fromOwnPage(incoming.headers, hosts) ? await readToken(incoming) : undefined;
  const secret = token === undefined ? undefined : sessions.open(token);
  if (secret === undefined) {
    plainText(
      response,
      401,
      'This link was used already or is not one of ours. Ask Gatehouse for a new one.',
    );
    return;
  }
  const headers = { 'set-cookie': sessionCookie(port, secret), 'cache-control': 'no-store' };
  response.writeHead(204, headers);
  response.end();
}

/** Answers one request of a client that addressed us by one of our own names. */
async function serveRequest(
  incoming: IncomingMessage,
  response: ServerResponse,
  options: HttpServerOptions & CallerOptions,
): Promise<void> {
  const { handle, hosts, logger } = options;
  const { host } = incoming.headers;
  if (!hosts.has(host)) {
    plainText(
      response,
      421,
      'Gatehouse does not answer under this name. Open the address it printed at its start.',
    );
    return;
  }
  if (incoming.method === 'POST' && incoming.url === '/session') {
    await openSession(incoming, response, options);
    return;
  }
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  let request: Request;
  try {
    request = toRequest(incoming, `http://${host}`, controller.signal);
  } catch {
    // An address that is none, or a method that may not be sent.
    plainText(response, 400, 'The request could not be read.');
    return;
  }
  try {
    await send(
      await handle(request, callerOfRequest(incoming.headers, options)),
      response,
      incoming,
    );
  } catch (error) {
    if (!controller.signal.aborted) logger.error({ error }, 'a request could not be answered');
    if (response.headersSent) response.destroy();
    else plainText(response, 400, 'The request could not be read.');
  }
}

/** There is nothing to upgrade to; pages of other origins are told that they may not, all others that there is nothing. */
function refuseUpgrade({ headers }: IncomingMessage, socket: Socket, hosts: OwnHosts): void {
  const status = fromOwnPage(headers, hosts) ? '404 Not Found' : '403 Forbidden';
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** Serves the API and the browser interface over HTTP/1.1. Rejects with the socket's error if it cannot listen. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server = createServer(TIME_LIMITS);
  const { address, family, port } = await listen(server, options.host, options.port);
  const hosts = ownHosts(options.host, port);
  const known = { ...options, port, hosts };
  server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
    serveRequest(incoming, response, known).catch((error: unknown) => {
      options.logger.error({ error }, 'a request failed');
      response.destroy();
    });
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket) =>
    refuseUpgrade(incoming, socket, hosts),
  );
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
