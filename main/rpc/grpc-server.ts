import { createServer, type Http2Server, type Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type Caller, callerKey } from './call.ts';
import { MAX_MESSAGE_BYTES, type Router } from './router.ts';

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

/** Serves gRPC over HTTP/2 without TLS. Rejects with the socket's error if it cannot listen. */
export async function startGrpcServer(options: {
  readonly router: Router;
  readonly host: string;
  readonly port: number;
  readonly callerOf: (authorization: string | undefined) => Caller;
}): Promise<GrpcServer> {
  const handler = connectNodeAdapter({
    routes: options.router.register,
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
    contextValues: (request) => {
      const header = request.headers.authorization;
      return createContextValues().set(
        callerKey,
        options.callerOf(Array.isArray(header) ? header[0] : header),
      );
    },
  });
  const server = createServer(handler);
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  const { address, port, family } = await listen(server, options.host, options.port);
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
