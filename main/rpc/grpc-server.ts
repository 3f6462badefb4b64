import {
  createServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createConnectRouter, createContextValues } from '@connectrpc/connect';
import {
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from '@connectrpc/connect-node';
import { STATUS } from '../base/errors.ts';
import { type Caller, callerKey } from './call.ts';
import { BINARY_OPTIONS, MAX_MESSAGE_BYTES, type Router } from './router.ts';

export interface GrpcServer {
  /** `host:port` in use. */
  readonly address: string;
  close(): Promise<void>;
}

function listen(server: Http2Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

type Answer = (request: Http2ServerRequest, response: Http2ServerResponse) => Promise<void>;

/** gRPC answers with HTTP 200 even for methods that do not exist; the status stands in the headers. */
function answerUnknownMethod(response: Http2ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'application/grpc',
    'grpc-status': String(STATUS.UNIMPLEMENTED),
    'grpc-message': 'there is no such method',
  });
  response.end();
}

function createAnswer(
  router: Router,
  callerOf: (authorization: string | undefined) => Caller,
): Answer {
  const connect = createConnectRouter({
    acceptCompression: [compressionGzip],
    binaryOptions: BINARY_OPTIONS,
    jsonOptions: { registry: router.registry },
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
  });
  router.register(connect);
  const byPath = new Map(connect.handlers.map((handler) => [handler.requestPath, handler]));
  return async (request, response) => {
    const handler = byPath.get(request.url.split('?', 1)[0] ?? '');
    if (!handler) {
      request.resume();
      answerUnknownMethod(response);
      return;
    }
    const contextValues = createContextValues().set(
      callerKey,
      callerOf(request.headers.authorization),
    );
    const universal = universalRequestFromNodeRequest(request, response, undefined, contextValues);
    await universalResponseToNodeResponse(await handler(universal), response);
  };
}

/** Serves gRPC over HTTP/2 without TLS. Rejects with the socket's error if it cannot listen. */
export async function startGrpcServer(options: {
  readonly router: Router;
  readonly host: string;
  readonly port: number;
  readonly callerOf: (authorization: string | undefined) => Caller;
}): Promise<GrpcServer> {
  const answer = createAnswer(options.router, options.callerOf);
  const server = createServer((request, response) => {
    // What fails in a method was answered and logged before; what fails here is writing to a client that has gone.
    answer(request, response).catch(() => response.stream?.destroy());
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    session.on('error', () => session.destroy());
  });
  const { address, port, family } = await listen(server, options.host, options.port);
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    async close() {
      // Ending the sessions would reset each stream without a status, which clients take for an internal error.
      // A connection that is cut is "unavailable" to them, so that they come back.
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
