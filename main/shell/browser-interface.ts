import type { Store } from '../store/index.ts';
import type { Sessions } from './sessions.ts';

/** The user interface as browsers may open it. The API is served either way. */
export interface BrowserInterface {
  readonly isOn: boolean;
  /** Switches it, for the next starts too. Off, every session ends. */
  switchTo(on: boolean): Promise<void>;
  /** A link that opens the interface once; undefined while it is off. */
  newLink(): string | undefined;
}

export interface BrowserInterfaceOptions {
  readonly store: Pick<Store, 'unit' | 'settings'>;
  readonly sessions: Sessions;
  /** `chosen` leaves it off until somebody switches it on. */
  readonly policy: 'always' | 'chosen';
  /** Where the interface is served; known once somebody listens. */
  readonly url: () => string;
}

const SETTING = 'shell.browser_interface';

export function createBrowserInterface(options: BrowserInterfaceOptions): BrowserInterface {
  const { policy, sessions, store, url } = options;
  let isOn = policy === 'always' || store.settings.getText(SETTING) === 'on';
  return {
    get isOn() {
      return isOn;
    },
    async switchTo(on) {
      await store.unit(() => store.settings.put(SETTING, on ? 'on' : 'off'));
      isOn = on;
      if (!on) sessions.endAll();
    },
    newLink: () => (isOn ? `${url()}#token=${sessions.issue()}` : undefined),
  };
}

/** What a browser is told while the interface is off. */
export function browserInterfaceOff(): Response {
  return new Response(
    'Gatehouse shows its interface in its own window. To use a browser, choose Help, Serve to Browsers there.\n',
    {
      status: 404,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
      },
    },
  );
}
