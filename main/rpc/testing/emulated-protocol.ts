import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';

/**
 * A page's `fetch` over a scheme handler, as Electron does it: the handler's request has no signal of the page, the body of
 * the answer becomes a Node stream, and an abort of the page destroys that stream.
 */
export function emulatedProtocolFetch(
  handler: (request: Request) => Response | Promise<Response>,
): typeof fetch {
  return async (input, init = {}) => {
    const { signal, ...rest } = init;
    const response = await handler(new Request(input, rest));
    if (!response.body) return response;
    const body = Readable.fromWeb(response.body as NodeReadableStream<Uint8Array>);
    body.on('error', () => undefined);
    signal?.addEventListener('abort', () => body.destroy());
    return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, {
      status: response.status,
      headers: response.headers,
    });
  };
}
