import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MenuItemConstructorOptions } from 'electron';
import { describe, expect, it, vi } from 'vitest';
import { defineError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { FINGERPRINTS } from '../concentrator/discovery/fingerprints.ts';
import { HELP } from '../shell/flags.ts';
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
  const started: { argv: readonly string[]; keyWrapper?: { kind: string } }[] = [];
  const printed: string[] = [];
  const closed = { count: 0 };
  const running: RunningShell = {
    serveWindow: () => Promise.resolve(new Response('page')),
    listeners: [{ service: 'http', address: '127.0.0.1:1885' }],
    notices: ['No UDP yet.'],
    uiUrl: 'http://127.0.0.1:1885/#token=once',
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
  return { ...double, folder, started, printed, closed, done };
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
    expect(started).toMatchObject([{ argv: args, keyWrapper: { kind: 'keychain' } }]);
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

  it('opens a workspace of the headless shell with the key file it was made with', async () => {
    const args = withData();
    writeFileSync(join(args[1] ?? '', 'data.key'), 'key');
    const { app, done, started } = run(args);
    app.ready.resolve();
    await done;
    expect(started).toEqual([{ argv: args }]);
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
    expect(started).toMatchObject([{ argv: ['--headless', '--no-open'] }]);
    expect(calls).toEqual(['start']);
    expect(windows).toEqual([]);
  });

  it('prints where it listens, and the link only where there is no window', async () => {
    const lines = [
      'No UDP yet.',
      'Listening for http on 127.0.0.1:1885',
      '{"event":"listening","service":"http","address":"127.0.0.1:1885"}',
    ];
    const shown = run(withData());
    shown.app.ready.resolve();
    await shown.done;
    expect(shown.printed.join('').trimEnd().split('\n')).toEqual(lines);
    const headless = run(['--headless']);
    await headless.done;
    const link = 'Open this link once in your browser: http://127.0.0.1:1885/#token=once';
    expect(headless.printed.join('').trimEnd().split('\n')).toEqual(lines.toSpliced(2, 0, link));
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
  it('sends commands to the page and opens a closed window for them', async () => {
    const { app, done, menus, opened, windows } = run(withData());
    app.ready.resolve();
    await done;
    windows[0]?.emit('closed');
    const items = (menus[0] ?? []).flatMap((menu) =>
      Array.isArray(menu.submenu) ? (menu.submenu as MenuItemConstructorOptions[]) : [],
    );
    const find = items.find(({ id }) => id === 'find');
    find?.click?.({} as never, undefined as never, {} as never);
    expect(windows).toHaveLength(2);
    expect(windows[1]?.webContents.sent).toEqual([
      { channel: 'gatehouse:command', argument: 'find' },
    ]);
    const browser = items.find(({ id }) => id === 'open-in-browser');
    browser?.click?.({} as never, undefined as never, {} as never);
    expect(opened).toEqual(['http://127.0.0.1:1885/#token=once']);
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
