import type { CustomScheme, Protocol } from 'electron';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { APP_SCHEME, isOwnUrl } from './origin.ts';

/** Answers a request of our own window. */
export type AppHandler = (request: Request) => Promise<Response>;

/** Privileges of the scheme. Other origins may not fetch from it (no `corsEnabled`), and nothing bypasses the CSP. */
export const APP_SCHEMES: CustomScheme[] = [
  {
    scheme: APP_SCHEME,
    privileges: {
      standard: true,
      secure: true,
      supportFetchAPI: true,
      stream: true,
      codeCache: true,
    },
  },
];

/** To be called once, before the app is ready. */
export function registerScheme(protocol: Pick<Protocol, 'registerSchemesAsPrivileged'>): void {
  protocol.registerSchemesAsPrivileged(APP_SCHEMES);
}

function refusal(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  });
}

/** Serves the one host of our scheme. A failing handler becomes an answer, since a thrown error reads as no network. */
export function serveApp(
  protocol: Pick<Protocol, 'handle'>,
  handle: AppHandler,
  log: Pick<Logger, 'error'>,
): void {
  protocol.handle(APP_SCHEME, async (request) => {
    if (!isOwnUrl(request.url)) return refusal(404, 'There is nothing at this address.');
    try {
      return await handle(request);
    } catch (error) {
      log.error({ error: errorText(error) }, 'A request of the window failed');
      return refusal(500, 'Gatehouse could not answer. The log says why.');
    }
  });
}
