/** The services of the device catalogue over real listeners, and every way to reach them. */
import { createRegistry } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import {
  createGrpcWebTransport,
  createConnectTransport as createWebTransport,
} from '@connectrpc/connect-web';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import {
  type CatalogueLab,
  createCatalogueLab,
} from '../../registry/catalogue/testing/catalogue-lab.ts';
import { startHttpServer } from '../../shell/http-server.ts';
import { createSessions } from '../../shell/sessions.ts';
import { callerOfHeader, hashSecret } from '../api-keys.ts';
import type { Caller } from '../call.ts';
import { createCatalogueImages } from '../catalogue-images.ts';
import { createHandler } from '../fetch-handler.ts';
import { startGrpcServer } from '../grpc-server.ts';
import { createRouter } from '../router.ts';
import { catalogueService } from '../services/catalogue.ts';
import { deviceRepositoryService } from '../services/device-repository.ts';

/** Credentials by what they may do: everything, or read one application. */
export const ADMIN = { authorization: 'Bearer NNSXS.ADMIN.SECRET' };
export const READER = { authorization: 'Bearer NNSXS.READER.SECRET' };

export interface CatalogueCarriers {
  readonly lab: CatalogueLab;
  readonly transports: Readonly<Record<'Connect' | 'gRPC' | 'gRPC-Web' | 'in memory', Transport>>;
  /** A request to the HTTP listener. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

function callerOf(authorization: string | null | undefined): Caller {
  return callerOfHeader(
    authorization,
    (id) => ({
      id,
      name: id,
      secretHash: hashSecret('SECRET'),
      rights: ['RIGHT_APPLICATION_INFO'],
      admin: id === 'ADMIN',
      ...(id !== 'ADMIN' && { applicationId: 'shop' }),
    }),
    systemClock().now(),
  );
}

export async function startCatalogueCarriers(): Promise<CatalogueCarriers> {
  const lab = await createCatalogueLab();
  const logger = silentLogger();
  const router = createRouter({
    clock: systemClock(),
    logger,
    services: [deviceRepositoryService(lab.catalogue), catalogueService(lab.catalogue)],
  });
  const images = createCatalogueImages(lab.catalogue.image);
  const handle = createHandler({
    router,
    registry: createRegistry(),
    logger,
    files: async (request, caller) =>
      (await images(request, caller)) ?? new Response('a page', { status: 404 }),
  });
  const listen = { host: '127.0.0.1', port: 0, callerOf };
  const http = await startHttpServer({ ...listen, handle, sessions: createSessions(), logger });
  const grpc = await startGrpcServer({ ...listen, router });
  const memoryFetch: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    return handle(request, callerOf(request.headers.get('authorization')));
  };
  const baseUrl = `http://${http.address}`;
  return {
    lab,
    transports: {
      Connect: createConnectTransport({ baseUrl, httpVersion: '1.1' }),
      gRPC: createGrpcTransport({ baseUrl: `http://${grpc.address}` }),
      'gRPC-Web': createGrpcWebTransport({ baseUrl }),
      'in memory': createWebTransport({
        baseUrl: 'http://localhost',
        useBinaryFormat: true,
        fetch: memoryFetch,
      }),
    },
    fetch: (path, init) => fetch(`${baseUrl}${path}`, init),
    async close() {
      await Promise.all([http.close(), grpc.close()]);
      await lab.close();
    },
  };
}
