import { createRegistry, type Registry } from '@bufbuild/protobuf';
import { createConnectRouter, createContextValues } from '@connectrpc/connect';
import {
  universalServerRequestFromFetch,
  universalServerResponseToFetch,
} from '@connectrpc/connect/protocol';
import type { Logger } from '../base/logger.ts';
import { type Caller, callerKey } from './call.ts';
import { createRestHandler } from './rest-handler.ts';
import { REST_PREFIX } from './rest-routes.ts';
import { BINARY_OPTIONS, MAX_MESSAGE_BYTES, type Router } from './router.ts';

/** The whole API as one function: Connect, gRPC-Web, REST and files. The shell says who calls. */
export type Handle = (request: Request, caller: Caller) => Promise<Response>;

export interface FetchHandlerOptions {
  readonly router: Router;
  /** Types that may stand in a `google.protobuf.Any`, besides those the services mention. */
  readonly registry: Registry;
  readonly logger: Logger;
  /** Everything that is not the API. */
  readonly files: (request: Request, caller: Caller) => Promise<Response>;
}

const CORS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers':
    'Authorization, Grpc-Metadata-Authorization, Content-Type, X-CSRF-Token, Connect-Protocol-Version, Connect-Timeout-Ms, X-Grpc-Web, X-User-Agent, Grpc-Timeout',
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-expose-headers':
    'Date, Content-Length, X-Rate-Limit-Limit, X-Rate-Limit-Available, X-Rate-Limit-Reset, X-Rate-Limit-Retry, X-Request-Id, X-Total-Count, X-Continuation-Token, X-Warning, Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin',
  'access-control-max-age': '600',
};

/** Other origins may call with a Bearer token, never with our own session. */
function withCors(response: Response, caller: Caller): Response {
  if (caller.kind === 'session' || caller.kind === 'desktop') return response;
  for (const [name, value] of Object.entries(CORS)) response.headers.set(name, value);
  return response;
}

/**
 * Requests that are being answered. A request's signal follows the client only as long as the request itself is held, so
 * one that was collected would never hear of an abort.
 */
const answering = new Set<Request>();

/** A controller that follows the request's own signal until `finish` is called. */
function clientOf(request: Request): { controller: AbortController; finish: () => void } {
  const controller = new AbortController();
  const onAbort = (): void => {
    controller.abort(request.signal.reason);
    finish();
  };
  const finish = (): void => {
    answering.delete(request);
    request.signal.removeEventListener('abort', onAbort);
  };
  answering.add(request);
  if (request.signal.aborted) onAbort();
  else request.signal.addEventListener('abort', onAbort, { once: true });
  return { controller, finish };
}

/** A response whose body aborts the call when its reader gives up. */
function abortOnCancel(
  response: Response,
  { controller, finish }: ReturnType<typeof clientOf>,
): Response {
  if (!response.body) {
    finish();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(stream) {
      try {
        const { done, value } = await reader.read();
        if (!done) {
          stream.enqueue(value);
          return;
        }
        stream.close();
      } catch (error) {
        stream.error(error);
      }
      finish();
    },
    cancel(reason) {
      controller.abort(reason);
      finish();
      reader.cancel(reason).catch(() => undefined);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}

/** Creates the handler both shells serve. */
export function createHandler({ router, logger, files, ...options }: FetchHandlerOptions): Handle {
  const registry = createRegistry(router.registry, options.registry);
  const connect = createConnectRouter({
    // It needs trailers, which a `Response` does not have.
    grpc: false,
    binaryOptions: BINARY_OPTIONS,
    jsonOptions: { registry },
    readMaxBytes: MAX_MESSAGE_BYTES,
    writeMaxBytes: MAX_MESSAGE_BYTES,
  });
  router.register(connect);
  const byPath = new Map(connect.handlers.map((handler) => [handler.requestPath, handler]));
  const rest = createRestHandler({ router, registry, logger });

  const rpc = async (
    request: Request,
    caller: Caller,
    handler: (typeof connect.handlers)[number],
    controller: AbortController,
  ): Promise<Response> => {
    // The signal goes straight into the universal request: one put into a derived `Request` is lost once that is collected.
    const universal = {
      ...universalServerRequestFromFetch(request, { httpVersion: '1.1' }),
      signal: controller.signal,
      contextValues: createContextValues().set(callerKey, caller),
    };
    return universalServerResponseToFetch(await handler(universal));
  };

  return async (request, caller) => {
    const { pathname } = new URL(request.url);
    const isRest = pathname === REST_PREFIX || pathname.startsWith(`${REST_PREFIX}/`);
    const handler = isRest ? undefined : byPath.get(pathname);
    if (!isRest && !handler) return files(request, caller);
    if (request.method === 'OPTIONS') return withCors(new Response(null, { status: 204 }), caller);
    const client = clientOf(request);
    try {
      const response = handler
        ? await rpc(request, caller, handler, client.controller)
        : await rest(request, caller, client.controller);
      return withCors(abortOnCancel(response, client), caller);
    } catch (error) {
      client.finish();
      throw error;
    }
  };
}
