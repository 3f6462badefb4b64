import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it, vi } from 'vitest';
import { defineError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { FINGERPRINTS } from '../concentrator/discovery/fingerprints.ts';
import { createBrowserInterface } from '../shell/browser-interface.ts';
import { HELP } from '../shell/flags.ts';
import { createSessions } from '../shell/sessions.ts';
import { watchProcesses } from './crash.ts';
import { type RunningShell, startDesktop } from './desktop-app.ts';
import { createLogFile } from './log-file.ts';
import { OWN_FLAGS, ownArguments } from './own-arguments.ts';
import { createElectronDouble, WebContentsDouble } from './testing/electron-double.ts';

const locked = defineError('gatehouse/store:locked', 'FAILED_PRECONDITION', 'In use by {pid}.');

function run(
  args: readonly string[] = [],
  start: () => Promise<void> = () => Promise.resolve(),
  setUp: (double: ReturnType<typeof createElectronDouble>) => void = () => undefined,
) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-desktop-'));
  const double = createElectronDouble(join(folder, 'default'));
  const started: {
    argv: readonly string[];
    keyWrappers: readonly { kind: string }[];
    browserInterface: string;
  }[] = [];
  const printed: string[] = [];
  const closed = { count: 0 };
  const keyFile = {
    isPresent: false,
    add: async () => {
      keyFile.isPresent = true;
    },
  };
  const running: RunningShell = {
    serveWindow: () => Promise.resolve(new Response('page')),
    listeners: [{ service: 'http', address: '127.0.0.1:1885' }],
    notices: ['No station yet.'],
    browserInterface: createBrowserInterface({
      store: { unit: async (work) => work(), settings: settingsDouble() },
      sessions: createSessions(),
      policy: args.includes('--headless') ? 'always' : 'chosen',
      url: () => 'http://127.0.0.1:1885/',
    }),
    keyFile,
    close: () => {
      closed.count += 1;
      return Promise.resolve();
    },
  };
  setUp(double);
  const done = startDesktop(double.electron, {
    argv: ['/opt/gatehouse', ...args],
    environment: {},
    platform: 'linux',
    preloadPath: '/preload.cjs',
    iconPath: '/icon.png',
    log: silentLogger(),
    now: () => 0,
    print: (text) => printed.push(text),
    start: async (options) => {
      double.calls.push('start');
      started.push(options);
      await start();
      return running;
    },
  });
  return { ...double, folder, keyFile, started, printed, closed, done };
}

/** Only what a switch needs. */
function settingsDouble() {
  const texts = new Map<string, string>();
  return {
    getText: (key: string) => texts.get(key),
    put: (key: string, text: string) => void texts.set(key, text),
  } as never;
}

function withData(args: readonly string[] = []): string[] {
  return ['--data-dir', mkdtempSync(join(tmpdir(), 'gatehouse-data-')), ...args];
}

describe('starting', () => {
  it('does what must come before ready in the same turn, in order', () => {
    const { calls } = run(withData());
    expect(calls).toEqual([
      'enableSandbox',
      'registerSchemesAsPrivileged',
      'crashReporter.start',
      'requestSingleInstanceLock',
      'whenReady',
    ]);
  });

  it('uploads no crash dumps', () => {
    expect(run(withData()).crashOptions).toEqual([{ uploadToServer: false, compress: false }]);
  });

  it('opens one hardened window on the running program', async () => {
    const args = withData(['--http', '127.0.0.1:0']);
    const { app, done, started, windows, session, protocolHandlers } = run(args);
    app.ready.resolve();
    await done;
    expect(started).toMatchObject([
      { argv: args, keyWrappers: [{ kind: 'keychain' }], browserInterface: 'chosen' },
    ]);
    expect(windows).toHaveLength(1);
    const contents = windows[0]?.webContents ?? new WebContentsDouble();
    expect(contents.navigate('will-navigate', 'https://evil.example/')).toBe(true);
    expect(contents.windowOpenHandler).toBeDefined();
    expect(session.requestHandler).toBeDefined();
    expect(session.checkHandler).toBeDefined();
    expect(session.deviceHandler).toBeDefined();
    const page = await protocolHandlers.get('app')?.({ url: 'app://gatehouse/' } as Request);
    expect(await page?.text()).toBe('page');
  });

  it('offers no keychain where there is none', async () => {
    const { app, done, started } = run(withData(), undefined, ({ safeStorage }) => {
      safeStorage.available = false;
    });
    app.ready.resolve();
    await done;
    expect(started).toMatchObject([{ keyWrappers: [] }]);
  });

  it('keeps the window of another data folder apart', () => {
    const args = withData();
    const { app } = run(args);
    expect(app.paths.userData).toBe(join(args[1] ?? '', 'window'));
  });

  it('leaves the database alone in a second instance', async () => {
    const { calls, done, started } = run(withData(), undefined, ({ app }) => {
      app.onlyInstance = false;
    });
    await done;
    expect(started).toEqual([]);
    expect(calls.at(-1)).toBe('quit');
  });

  it('brings its window forward for a second instance', async () => {
    const { app, done, windows } = run(withData());
    app.ready.resolve();
    await done;
    const window = windows[0];
    if (window) window.minimized = true;
    app.emit('second-instance');
    expect(window?.calls).toEqual(['restore', 'show', 'focus']);
    expect(windows).toHaveLength(1);
  });

  it('says why it could not start', async () => {
    const { app, done, dialog, windows } = run(withData(), () =>
      Promise.reject(new Error('disk full')),
    );
    app.ready.resolve();
    await done;
    expect(dialog.errors).toEqual(['disk full']);
    expect(app.exitCodes).toEqual([1]);
    expect(windows).toEqual([]);
  });

  it('says what is wrong with a flag', async () => {
    const { app, done, printed } = run(['--http', 'nowhere']);
    await done;
    expect(printed.join('')).toContain('--http');
    expect(app.exitCodes).toEqual([2]);
  });

  it.each([
    ['--help', HELP],
    ['--version', '1.2.3\n'],
  ])('answers %s without starting', async (flag, text) => {
    const { app, done, printed, calls } = run([flag]);
    await done;
    expect(printed).toEqual([text]);
    expect(app.exitCodes).toEqual([0]);
    expect(calls).toEqual(['exit']);
  });

  it('needs neither window nor scheme when headless', async () => {
    const { done, started, calls, windows } = run(['--headless', '--no-open']);
    await done;
    expect(started).toEqual([
      { argv: ['--headless', '--no-open'], keyWrappers: [], browserInterface: 'always' },
    ]);
    expect(calls).toEqual(['start']);
    expect(windows).toEqual([]);
  });

  it('prints where it listens, and the link only where there is no window', async () => {
    const lines = [
      'No station yet.',
      'Listening for http on 127.0.0.1:1885',
      '{"event":"listening","service":"http","address":"127.0.0.1:1885"}',
    ];
    const shown = run(withData());
    shown.app.ready.resolve();
    await shown.done;
    expect(shown.printed.join('').trimEnd().split('\n')).toEqual(lines);
    const headless = run(['--headless']);
    await headless.done;
    const [first, second, link, ...rest] = headless.printed.join('').trimEnd().split('\n');
    expect([first, second, ...rest]).toEqual(lines);
    expect(link).toMatch(
      /^Open this link once in your browser: http:\/\/127\.0\.0\.1:1885\/#token=[\w-]{43}$/,
    );
  });
});

describe('a data folder in use', () => {
  const start = async (url: string, response: number) => {
    const outcome = run(
      withData(),
      () => Promise.reject(locked({ pid: 4711, url })),
      ({ dialog }) => {
        dialog.chosen.response = response;
      },
    );
    outcome.app.ready.resolve();
    await outcome.done;
    return outcome;
  };

  it('is opened where its holder serves it, on request', async () => {
    const { opened, dialog, app } = await start('http://127.0.0.1:1885/', 0);
    expect(opened).toEqual(['http://127.0.0.1:1885/']);
    expect(dialog.messages[0]?.detail).toContain('4711');
    expect(app.exitCodes).toEqual([0]);
  });

  it('is left alone when the user declines', async () => {
    expect((await start('http://127.0.0.1:1885/', 1)).opened).toEqual([]);
  });

  it.each(['', 'http://evil.example/', 'file:///etc/passwd'])('never opens %j', async (url) => {
    const { opened, dialog } = await start(url, 0);
    expect(opened).toEqual([]);
    expect(dialog.messages[0]?.buttons).toEqual(['Quit']);
  });
});

describe('ending', () => {
  it('waits until everything is stored', async () => {
    const { app, done, closed } = run(withData());
    app.ready.resolve();
    await done;
    const preventDefault = vi.fn();
    app.emit('will-quit', { preventDefault });
    app.emit('will-quit', { preventDefault });
    expect(preventDefault).toHaveBeenCalledTimes(2);
    await vi.waitFor(() => expect(app.exitCodes).toEqual([0]));
    expect(closed.count).toBe(1);
  });

  it('follows the last window, except on macOS', async () => {
    const { app, calls, done } = run(withData());
    app.ready.resolve();
    await done;
    app.emit('window-all-closed');
    expect(calls.at(-1)).toBe('quit');
  });
});

describe('the menu', () => {
  const started = async () => {
    const outcome = run(withData());
    outcome.app.ready.resolve();
    await outcome.done;
    const item = (id: string) =>
      (outcome.menus.at(-1) ?? [])
        .flatMap(({ submenu }) => (Array.isArray(submenu) ? submenu : []))
        .find((one: MenuItemConstructorOptions) => one.id === id);
    /** Clicks, and waits until the menu shows what came of it. */
    const click = async (id: string) => {
      const before = outcome.menus.length;
      item(id)?.click?.({} as never, undefined as never, {} as never);
      await vi.waitFor(() => expect(outcome.menus.length).toBeGreaterThan(before));
    };
    return { ...outcome, item, click };
  };

  it('leads the page without loading it anew, and opens a closed window where it was asked to', async () => {
    const { item, windows } = await started();
    const goTo = (path: string) =>
      item(path)?.click?.({} as never, undefined as never, {} as never);
    goTo('/gateways');
    expect(windows[0]?.webContents.sent).toEqual([
      { channel: 'gatehouse:navigate', argument: '/gateways' },
    ]);
    windows[0]?.emit('closed');
    goTo('/devices');
    expect(windows).toHaveLength(2);
    expect(windows[1]?.loadedUrl).toBe('app://gatehouse/#/devices');
    expect(windows[1]?.webContents.sent).toEqual([]);
  });

  it('serves browsers only once somebody wants that, with a fresh link each time', async () => {
    const { click, item, opened } = await started();
    expect(item('open-in-browser')?.enabled).toBe(false);
    await click('open-in-browser');
    expect(opened).toEqual([]);
    await click('serve-browsers');
    expect(item('serve-browsers')?.checked).toBe(true);
    expect(item('open-in-browser')?.enabled).toBe(true);
    await click('open-in-browser');
    await click('open-in-browser');
    for (const url of opened) expect(url).toMatch(/^http:\/\/127\.0\.0\.1:1885\/#token=[\w-]{43}$/);
    expect(new Set(opened).size).toBe(2);
    await click('serve-browsers');
    expect(item('open-in-browser')?.enabled).toBe(false);
  });

  it('adds a key file after asking', async () => {
    const { click, dialog, item, keyFile } = await started();
    dialog.chosen.response = 1;
    await click('allow-headless');
    expect(keyFile.isPresent).toBe(false);
    expect(dialog.messages[0]?.detail).toContain('can then read the device keys');
    dialog.chosen.response = 0;
    await click('allow-headless');
    expect(keyFile.isPresent).toBe(true);
    expect(item('allow-headless')?.enabled).toBe(false);
  });
});

describe('processes that die', () => {
  it('are replaced, unless they die too often', () => {
    const { app, electron } = createElectronDouble('/nowhere');
    const errors: unknown[] = [];
    let now = 0;
    watchProcesses(electron.app, {
      log: { error: (fields) => errors.push(fields) },
      now: () => now,
    });
    const contents = new WebContentsDouble();
    const die = (reason: string) =>
      app.emit('render-process-gone', {}, contents, { reason, exitCode: 1 });
    die('clean-exit');
    expect(contents.reloads).toBe(0);
    for (let times = 0; times < 5; times += 1) die('crashed');
    expect(contents.reloads).toBe(3);
    now = 61_000;
    die('oom');
    expect(contents.reloads).toBe(4);
    app.emit('child-process-gone', {}, { type: 'GPU', reason: 'crashed', exitCode: 9 });
    expect(errors.at(-1)).toMatchObject({ type: 'GPU', reason: 'crashed' });
  });
});

describe('the command line', () => {
  it('knows every flag the help names', () => {
    const named = [...HELP.matchAll(/--([a-z-]+)/g)].map((match) => match[1]);
    expect([...OWN_FLAGS].toSorted()).toEqual([...new Set(named)].toSorted());
  });

  it('leaves switches of Chromium to Chromium', () => {
    const argv = [
      '/electron',
      '--inspect=0',
      '/the/program',
      '--ozone-platform=x11',
      '--udp=127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      '-psn_0_1',
    ];
    expect(ownArguments(argv)).toEqual({
      own: ['--udp=127.0.0.1:0', '--http', '127.0.0.1:0'],
      ignored: ['--inspect=0', '--ozone-platform=x11', '-psn_0_1'],
    });
  });
});

describe('the log file', () => {
  it('is moved aside when it has grown', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'gatehouse-log-')), 'logs', 'gatehouse.log');
    const log = createLogFile(() => path, 20);
    for (const line of ['first line\n', 'second\n', 'third line\n']) log.write(line);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('first line\nsecond\n');
    expect(readFileSync(path, 'utf8')).toBe('third line\n');
  });

  it('that cannot be written stops nothing', () => {
    const log = createLogFile(() => join(fileURLToPath(import.meta.url), 'gatehouse.log'));
    expect(() => log.write('line\n')).not.toThrow();
  });
});

describe('the udev rules', () => {
  it('cover the serial devices the discovery knows', () => {
    const rules = readFileSync(
      new URL('../../resources/linux/60-gatehouse.rules', import.meta.url),
      'utf8',
    );
    const covered = [
      ...rules.matchAll(/idVendor\}=="(\w+)"(?:, ATTRS\{idProduct\}=="(\w+)")?/g),
    ].map(([, vendor, product]) => `${vendor}:${product ?? '*'}`.toUpperCase());
    const known = FINGERPRINTS.filter(({ families }) => !families.includes('bootloader'));
    expect(covered.toSorted()).toEqual([...new Set(known.map(({ usbId }) => usbId))].toSorted());
  });
});
