import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Logger } from '../base/logger.ts';
import type { Caller } from '../rpc/call.ts';
import type { Sessions } from './sessions.ts';

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

/** Longest body of a session request. */
const MAX_TOKEN_BYTES = 1_024;

const isLoopback = (host: string): boolean => ['127.0.0.1', '::1', 'localhost'].includes(host);

/** Values of `Host` that are ours; everything else is refused, so that no foreign name can be made to point here. */
function ownHosts(host: string, port: number): ReadonlySet<string> {
  const names = ['127.0.0.1', 'localhost', '[::1]'];
  if (!isLoopback(host) && host !== '0.0.0.0' && host !== '::')
    names.push(host.includes(':') ? `[${host}]` : host);
  return new Set(names.map((name) => `${name}:${port}`));
}

function plainText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${text}\n`);
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
    ...(hasBody && { body: Readable.toWeb(incoming) as ReadableStream<Uint8Array> }),
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

/** Writes an answer, waiting for slow readers, and tells its source when the reader has gone. */
async function send(answer: Response, response: ServerResponse): Promise<void> {
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

/** Whether our own page made the request. A cookie counts only then. */
function fromOwnPage(incoming: IncomingMessage, hosts: ReadonlySet<string>): boolean {
  if (incoming.headers['sec-fetch-site'] === 'same-origin') return true;
  const { origin } = incoming.headers;
  return origin?.startsWith('http://') === true && hosts.has(origin.slice('http://'.length));
}

function createListener(options: HttpServerOptions, hosts: () => ReadonlySet<string>) {
  const { callerOf, handle, logger, sessions } = options;
  const callerFor = (incoming: IncomingMessage): Caller => {
    if (incoming.headers.authorization) return callerOf(incoming.headers.authorization);
    const isOurs = fromOwnPage(incoming, hosts()) && sessions.knows(incoming.headers.cookie);
    return isOurs ? { kind: 'session' } : { kind: 'anonymous' };
  };
  const openSession = async (
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const token = fromOwnPage(incoming, hosts()) ? await readToken(incoming) : undefined;
    const cookie = token === undefined ? undefined : sessions.open(token);
    if (!cookie) {
      plainText(
        response,
        401,
        'This link was used already or is not one of ours. Start Gatehouse again for a new one.',
      );
      return;
    }
    response.writeHead(204, { 'set-cookie': cookie, 'cache-control': 'no-store' });
    response.end();
  };
  return async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { host } = incoming.headers;
    if (!host || !hosts().has(host.toLowerCase())) {
      plainText(
        response,
        421,
        'Gatehouse does not answer under this name. Open the address it printed at its start.',
      );
      return;
    }
    if (incoming.method === 'POST' && incoming.url === '/session') {
      await openSession(incoming, response);
      return;
    }
    const controller = new AbortController();
    response.once('close', () => controller.abort());
    try {
      const request = toRequest(incoming, `http://${host}`, controller.signal);
      await send(await handle(request, callerFor(incoming)), response);
    } catch (error) {
      if (!controller.signal.aborted) logger.error({ error }, 'a request could not be answered');
      if (response.headersSent) response.destroy();
      else plainText(response, 400, 'The request could not be read.');
    }
  };
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
  let hosts: ReadonlySet<string> = new Set();
  const listener = createListener(options, () => hosts);
  const server = createServer((incoming, response) => {
    listener(incoming, response).catch((error: unknown) => {
      options.logger.error({ error }, 'a request failed');
      response.destroy();
    });
  });
  // There is nothing to upgrade to; pages of other origins are told that they may not, ours that there is nothing.
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
    const status = fromOwnPage(incoming, hosts) ? '404 Not Found' : '403 Forbidden';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  const { address, family, port } = await listen(server, options.host, options.port);
  hosts = ownHosts(options.host, port);
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
