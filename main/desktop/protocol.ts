import type { CustomScheme, Protocol } from 'electron';
import { APP_SCHEME } from './origin.ts';

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

/** Serves our scheme in the default session. */
export function serveApp(protocol: Pick<Protocol, 'handle'>, handle: AppHandler): void {
  protocol.handle(APP_SCHEME, handle);
}
