import { join } from 'node:path';
import type {
  App,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  CrashReporter,
  Dialog,
  Menu,
  NativeTheme,
  Protocol,
  SafeStorage,
  Screen,
  Session,
  Shell,
} from 'electron';
import { NAVIGATE_CHANNEL, type PagePath } from '../../preload/channels.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { BrowserInterface } from '../shell/browser-interface.ts';
import { dataDirectory } from '../shell/data-directory.ts';
import { type Flags, HELP, parseFlags } from '../shell/flags.ts';
import type { KeyFile } from '../shell/open-workspace.ts';
import type { KeyWrapper } from '../store/key-wrapper.ts';
import { type Announced, announcement } from './announcement.ts';
import { keepCrashDumps, watchProcesses } from './crash.ts';
import { installMenu } from './install-menu.ts';
import { createKeychainWrapper } from './key-wrapper.ts';
import { isLocked, offerRunningInstance } from './locked-instance.ts';
import { ownArguments } from './own-arguments.ts';
import { type AppHandler, registerScheme, serveApp } from './protocol.ts';
import { hardenContents, hardenSession } from './security.ts';
import { focusWindow, openMainWindow } from './window.ts';

/** The parts of Electron the shell works with. */
export interface ElectronParts {
  readonly app: App;
  readonly BrowserWindow: new (options: BrowserWindowConstructorOptions) => BrowserWindow;
  readonly crashReporter: CrashReporter;
  readonly dialog: Dialog;
  readonly Menu: Pick<typeof Menu, 'buildFromTemplate' | 'setApplicationMenu'>;
  readonly nativeTheme: NativeTheme;
  readonly protocol: Protocol;
  readonly safeStorage: SafeStorage;
  readonly screen: Screen;
  readonly session: { readonly defaultSession: Session };
  readonly shell: Shell;
}

/** The running program behind the window. */
export interface RunningShell extends Announced {
  /** Answers requests of our own window. */
  readonly serveWindow: AppHandler;
  readonly browserInterface: BrowserInterface;
  readonly keyFile: KeyFile;
  close(): Promise<void>;
}

export interface DesktopOptions {
  /** The whole command line, program first. */
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly preloadPath: string;
  readonly iconPath: string;
  readonly log: Logger;
  readonly now: () => number;
  readonly print: (text: string) => void;
  readonly start: (options: {
    readonly argv: readonly string[];
    /** Besides the key file of the workspace. */
    readonly keyWrappers: readonly KeyWrapper[];
    readonly browserInterface: 'always' | 'chosen';
  }) => Promise<RunningShell>;
}

/** How long stopping may take before the program ends all the same. */
const CLOSE_LIMIT_MS = 5_000;

function readFlags(argv: readonly string[], options: DesktopOptions): Flags | undefined {
  try {
    return parseFlags(argv, options.environment);
  } catch (error) {
    options.print(errorText(error));
    return undefined;
  }
}

/** Ends the program only after the shell has stopped, so that nothing stored is lost. */
function closeBeforeQuit(app: App, log: Logger, running: () => RunningShell | undefined): void {
  let closing = false;
  app.on('will-quit', (event) => {
    const shell = running();
    if (!shell) return;
    event.preventDefault();
    if (closing) return;
    closing = true;
    const limit = setTimeout(() => app.exit(1), CLOSE_LIMIT_MS);
    shell.close().then(
      () => {
        clearTimeout(limit);
        app.exit(0);
      },
      (error: unknown) => {
        clearTimeout(limit);
        log.error({ error: errorText(error) }, 'Stopping failed');
        app.exit(1);
      },
    );
  });
}

async function startWithoutWindow(
  electron: ElectronParts,
  options: DesktopOptions,
  argv: readonly string[],
): Promise<void> {
  let running: RunningShell | undefined;
  electron.app.dock?.hide();
  closeBeforeQuit(electron.app, options.log, () => running);
  try {
    running = await options.start({ argv, keyWrappers: [], browserInterface: 'always' });
    options.print(announcement(running, running.browserInterface.newLink()));
  } catch (error) {
    options.print(errorText(error));
    electron.app.exit(1);
  }
}

/** Everything Electron accepts only before it is ready. Answers whether this is the only instance. */
function prepare(electron: ElectronParts, options: DesktopOptions, flags: Flags): boolean {
  const { app } = electron;
  app.enableSandbox();
  registerScheme(electron.protocol);
  if (flags.dataDirectory !== undefined) {
    // Instances with folders of their own run side by side.
    app.setPath('userData', join(dataDirectory(flags.dataDirectory, app.isPackaged), 'window'));
  }
  keepCrashDumps(electron.crashReporter);
  app.on('web-contents-created', (_event, contents) => hardenContents(contents, electron.shell));
  watchProcesses(app, { log: options.log, now: options.now });
  return app.requestSingleInstanceLock();
}

interface WindowHolder {
  /** Opens the window or brings it forward. */
  readonly open: () => void;
  /** The same, and leads to one of its pages. */
  readonly show: (path: PagePath) => void;
}

function holdWindow(electron: ElectronParts, options: DesktopOptions): WindowHolder {
  let window: BrowserWindow | undefined;
  const openAt = (path?: PagePath): void => {
    const opened = openMainWindow({
      ...electron,
      preloadPath: options.preloadPath,
      iconPath: options.iconPath,
      statePath: join(electron.app.getPath('userData'), 'window.json'),
      log: options.log,
      ...(path !== undefined && { path }),
    });
    window = opened;
    opened.once('closed', () => {
      window = undefined;
    });
  };
  return {
    open: () => (window ? focusWindow(window) : openAt()),
    show(path) {
      if (!window) {
        // A page that is still loading would not hear of it.
        openAt(path);
        return;
      }
      focusWindow(window);
      window.webContents.send(NAVIGATE_CHANNEL, path);
    },
  };
}

/** Starts what the window shows; undefined if that failed, after telling the user why. */
async function startShown(
  electron: ElectronParts,
  options: DesktopOptions,
  flags: Flags,
  own: readonly string[],
  dataFolder: string,
): Promise<RunningShell | undefined> {
  // The folder of a package is not that of a clone, and only Electron knows which of the two runs.
  const argv = flags.dataDirectory === undefined ? [...own, '--data-dir', dataFolder] : own;
  try {
    const keychain = await createKeychainWrapper(electron.safeStorage, options.platform);
    const keyWrappers = keychain ? [keychain] : [];
    return await options.start({ argv, keyWrappers, browserInterface: 'chosen' });
  } catch (error) {
    if (isLocked(error)) {
      await offerRunningInstance(error, electron);
      electron.app.exit(0);
      return undefined;
    }
    options.log.error({ error }, 'Starting failed');
    electron.dialog.showErrorBox('Gatehouse could not start', errorText(error));
    electron.app.exit(1);
    return undefined;
  }
}

async function startWithWindow(
  electron: ElectronParts,
  options: DesktopOptions,
  argv: readonly string[],
  flags: Flags,
): Promise<void> {
  const { app } = electron;
  if (!prepare(electron, options, flags)) {
    app.quit();
    return;
  }
  const window = holdWindow(electron, options);
  let running: RunningShell | undefined;
  app.on('second-instance', () => {
    if (running) window.open();
  });
  app.on('activate', () => {
    if (running) window.open();
  });
  app.on('window-all-closed', () => {
    if (options.platform !== 'darwin') app.quit();
  });
  closeBeforeQuit(app, options.log, () => running);
  await app.whenReady();
  hardenSession(electron.session.defaultSession);
  const dataFolder = dataDirectory(flags.dataDirectory, app.isPackaged);
  running = await startShown(electron, options, flags, argv, dataFolder);
  if (!running) return;
  options.print(announcement(running));
  serveApp(electron.protocol, running.serveWindow);
  installMenu({ electron, ...options, running, dataFolder, show: window.show });
  window.open();
}

/** Runs the desktop shell. What Electron accepts only before it is ready happens before this function first waits. */
export async function startDesktop(
  electron: ElectronParts,
  options: DesktopOptions,
): Promise<void> {
  const { own, ignored } = ownArguments(options.argv);
  if (ignored.length > 0) options.log.info({ ignored }, 'Switches left to Chromium');
  const flags = readFlags(own, options);
  if (!flags) {
    electron.app.exit(2);
  } else if (flags.help || flags.version) {
    options.print(flags.help ? HELP : `${electron.app.getVersion()}\n`);
    electron.app.exit(0);
  } else if (flags.headless) {
    await startWithoutWindow(electron, options, own);
  } else {
    await startWithWindow(electron, options, own, flags);
  }
}
