import { describe, expect, it } from 'vitest';
import { APP_URL, isExternalUrl, isLoopbackUrl, isOwnUrl } from './origin.ts';
import { hardenContents, hardenSession } from './security.ts';
import { SessionDouble, WebContentsDouble } from './testing/electron-double.ts';

const FOREIGN_URLS = [
  'app://gatehouse.evil/',
  'app://gatehouse@evil/',
  'app://user@gatehouse/',
  'app://gatehouse:8080/',
  'app://gatehousee/',
  'app://evil/gatehouse/',
  'app:gatehouse',
  'app2://gatehouse/',
  'https://gatehouse/',
  'http://127.0.0.1:1885/',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'data:text/html,<p>',
  'blob:app://gatehouse/1',
  'about:blank',
  '',
  'not a url',
];
const OWN_URLS = [APP_URL, 'app://gatehouse', 'app://gatehouse/frames?id=1#top'];
const NAVIGATIONS = ['will-navigate', 'will-frame-navigate', 'will-redirect'] as const;

function hardened() {
  const contents = new WebContentsDouble();
  const opened: string[] = [];
  hardenContents(contents as never, {
    openExternal: (url) => {
      opened.push(url);
      return Promise.resolve();
    },
  });
  return { contents, opened };
}

describe('navigation', () => {
  it.each(NAVIGATIONS)('%s stays on our origin', (event) => {
    const { contents } = hardened();
    for (const url of FOREIGN_URLS)
      expect([url, contents.navigate(event, url)]).toEqual([url, true]);
    for (const url of OWN_URLS) expect([url, contents.navigate(event, url)]).toEqual([url, false]);
  });

  it('tells our origin from its imitations', () => {
    for (const url of FOREIGN_URLS) expect([url, isOwnUrl(url)]).toEqual([url, false]);
    for (const url of OWN_URLS) expect([url, isOwnUrl(url)]).toEqual([url, true]);
  });

  it('attaches no web view', () => {
    const { contents } = hardened();
    let prevented = false;
    contents.emit('will-attach-webview', {
      preventDefault: () => {
        prevented = true;
      },
    });
    expect(prevented).toBe(true);
  });
});

describe('new windows', () => {
  it('are denied, whatever their address', () => {
    const { contents } = hardened();
    for (const url of [...FOREIGN_URLS, ...OWN_URLS, 'https://lora-alliance.org/']) {
      expect(contents.windowOpenHandler?.({ url } as never)).toEqual({ action: 'deny' });
    }
  });

  it('open the browser for https pages of known hosts only', () => {
    const { contents, opened } = hardened();
    const known = 'https://lora-alliance.org/lorawan-for-developers/';
    for (const url of [
      ...FOREIGN_URLS,
      'http://lora-alliance.org/',
      'https://lora-alliance.org.evil.example/',
      'https://lora-alliance.org@evil.example/',
      'https://lora-alliance.org:8443/',
      known,
    ]) {
      contents.windowOpenHandler?.({ url } as never);
    }
    expect(opened).toEqual([known]);
  });

  it('count only loopback addresses as this computer', () => {
    for (const url of ['http://127.0.0.1:1885/#t', 'http://localhost:1/', 'http://[::1]:1885/']) {
      expect(isLoopbackUrl(url)).toBe(true);
    }
    for (const url of ['http://127.0.0.1.evil/', 'http://127.0.0.1@evil/', 'file:///x', '', 'x']) {
      expect([url, isLoopbackUrl(url)]).toEqual([url, false]);
    }
    expect(isExternalUrl('https://127.0.0.1/')).toBe(false);
  });
});

describe('permissions', () => {
  const session = new SessionDouble();
  hardenSession(session);
  const request = (permission: string, requestingUrl: string): boolean => {
    let granted: boolean | undefined;
    session.requestHandler?.(
      {} as never,
      permission as never,
      (answer) => {
        granted = answer;
      },
      { requestingUrl, isMainFrame: true } as never,
    );
    return granted === true;
  };
  const check = (permission: string, origin: string): boolean =>
    session.checkHandler?.(null, permission as never, origin, {} as never) === true;

  it.each([
    'geolocation',
    'media',
    'notifications',
    'serial',
    'usb',
    'hid',
    'midi',
    'clipboard-read',
    'openExternal',
    'display-capture',
    'fileSystem',
    'local-network-access',
    'unknown',
  ])('%s is denied', (permission) => {
    expect(request(permission, APP_URL)).toBe(false);
    expect(check(permission, APP_URL)).toBe(false);
  });

  it.each(['clipboard-sanitized-write', 'fullscreen'])(
    '%s is granted to our page',
    (permission) => {
      expect(request(permission, APP_URL)).toBe(true);
      expect(check(permission, APP_URL)).toBe(true);
      expect(request(permission, 'app://gatehouse.evil/')).toBe(false);
      expect(check(permission, 'https://evil.example')).toBe(false);
    },
  );

  it('gives out no device and no screen', () => {
    const streams: unknown[] = [];
    for (const deviceType of ['serial', 'usb', 'hid'] as const) {
      expect(session.deviceHandler?.({ deviceType, origin: APP_URL, device: {} as never })).toBe(
        false,
      );
    }
    session.displayHandler?.({} as never, (stream) => streams.push(stream));
    expect(streams).toEqual([null]);
  });
});
