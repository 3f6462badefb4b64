import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Handle } from './fetch-handler.ts';

export interface ProtocolHandlerOptions {
  readonly handle: Handle;
  /** Whether an address is one our own window may load. */
  readonly isOwn: (url: string) => boolean;
  readonly logger: Pick<Logger, 'error'>;
}

function refusal(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
}

/**
 * What a desktop shell gives to `protocol.handle` for our scheme: every request of it comes from our own window.
 *
 * Electron's requests have no signal that follows the page (electron#34738). A page that leaves shows only in that the
 * body of the answer is cancelled, and the handler of the API turns that into an abort of the call; nothing here may put
 * another body or another request in between, which garbage collection would then cut off. A thrown error would read as
 * "no network" in the page, so each one becomes an answer.
 */
export function createProtocolHandler(
  options: ProtocolHandlerOptions,
): (request: Request) => Promise<Response> {
  const { handle, isOwn, logger } = options;
  return async (request) => {
    if (!isOwn(request.url)) return refusal(404, 'There is nothing at this address.');
    try {
      return await handle(request, { kind: 'desktop' });
    } catch (error) {
      logger.error({ error: errorText(error) }, 'a request of the window failed');
      return refusal(500, 'Gatehouse could not answer. The log says why.');
    }
  };
}
