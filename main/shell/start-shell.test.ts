import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { createKeychainWrapper } from '../desktop/key-wrapper.ts';
import { SafeStorageDouble } from '../desktop/testing/electron-double.ts';
import { type RunningShell, type ShellOptions, startShell } from './start-shell.ts';

const API_KEY = 'NNSXS.TESTKEY.TESTSECRET';
const keychain = await createKeychainWrapper(new SafeStorageDouble(), 'darwin');
const keyWrappers = keychain ? [keychain] : [];

let directory: string;
const running = new Set<RunningShell>();
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-shell-'));
});
afterEach(async () => {
  await Promise.all([...running].map((shell) => shell.close()));
  running.clear();
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<ShellOptions> = {}) {
  const free = '127.0.0.1:0';
  const addresses = ['--http', free, '--grpc', free, '--udp', free];
  const argv = [...addresses, '--no-open', '--data-dir', directory, '--api-key', API_KEY];
  const shell = await startShell({ argv, logger: silentLogger(), ...options });
  running.add(shell);
  const http = shell.listeners.find(({ service }) => service === 'http')?.address;
  const origin = `http://${http}`;
  const openLink = (link = '') =>
    fetch(`${origin}/session`, {
      method: 'POST',
      headers: { origin },
      body: JSON.stringify({ token: link.split('#token=')[1] }),
    });
  const list = (headers: Record<string, string>) =>
    fetch(`${origin}/api/v3/applications`, { headers: { origin, ...headers } });
  return {
    ...shell,
    origin,
    openLink,
    list,
    async close() {
      running.delete(shell);
      await shell.close();
    },
  };
}

describe('the keys of a workspace', () => {
  test('that only a keychain opens stay closed to the headless shell, which says what to do', async () => {
    await (await start({ keyWrappers })).close();
    await expect(start()).rejects.toMatchObject({
      code: 'gatehouse/shell:keys_in_keychain',
      message: expect.stringMatching(/choose Help, Allow Headless Start/),
    });
  });

  test('are opened by a key file once the desktop program added one', async () => {
    const desktop = await start({ keyWrappers });
    expect(desktop.keyFile.isPresent).toBe(false);
    await desktop.keyFile.add();
    expect(desktop.keyFile.isPresent).toBe(true);
    await desktop.close();
    await expect(start()).resolves.toBeDefined();
  });

  test('of the headless shell open in the desktop program too', async () => {
    await (await start()).close();
    const desktop = await start({ keyWrappers });
    expect(desktop.keyFile.isPresent).toBe(true);
  });
});

describe('the interface in a browser', () => {
  test('is off until somebody switches it on, while the API answers', async () => {
    const { browserInterface, list, openLink, origin } = await start({
      browserInterface: 'chosen',
    });
    expect(browserInterface.newLink()).toBeUndefined();
    const page = await fetch(`${origin}/`);
    expect(page.status).toBe(404);
    expect(await page.text()).toContain('choose Help, Serve to Browsers');
    expect((await fetch(`${origin}/assets/x.js`)).status).toBe(404);
    expect((await list({ authorization: `Bearer ${API_KEY}` })).status).toBe(200);
    expect((await openLink('#token=guessed')).status).toBe(401);
  });

  test('once on has a fresh link for each asking, and off ends what they opened', async () => {
    const { browserInterface, list, openLink } = await start({ browserInterface: 'chosen' });
    await browserInterface.switchTo(true);
    const [first, second] = [browserInterface.newLink(), browserInterface.newLink()];
    const opened = await openLink(first);
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await openLink(first)).status).toBe(401);
    expect((await openLink(second)).status).toBe(204);
    expect((await list({ cookie })).status).toBe(200);
    const unopened = browserInterface.newLink();
    await browserInterface.switchTo(false);
    expect((await list({ cookie })).status).not.toBe(200);
    await browserInterface.switchTo(true);
    expect((await openLink(unopened)).status).toBe(401);
  });

  test('stays as it was chosen, and serves our own window either way', async () => {
    const first = await start({ browserInterface: 'chosen' });
    await first.browserInterface.switchTo(true);
    await first.close();
    const second = await start({ browserInterface: 'chosen' });
    expect(second.browserInterface.isOn).toBe(true);
    await second.browserInterface.switchTo(false);
    const page = await second.handle(new Request('app://gatehouse/'), { kind: 'desktop' });
    expect(await page.text()).not.toContain('Serve to Browsers');
    await second.close();
    expect((await start({ browserInterface: 'chosen' })).browserInterface.isOn).toBe(false);
  });

  test('is always on in the headless shell', async () => {
    const { browserInterface, openLink } = await start();
    expect((await openLink(browserInterface.newLink())).status).toBe(204);
  });
});
