import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type {
  App,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  CrashReporter,
  Dialog,
  IpcMain,
  Menu,
  NativeTheme,
  Protocol,
  SafeStorage,
  Screen,
  Session,
  Shell,
} from 'electron';
import { CHANNELS } from '../../preload/channels.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { dataDirectory } from '../shell/data-directory.ts';
import { type Flags, HELP, parseFlags } from '../shell/flags.ts';
import type { KeyWrapper } from '../store/key-wrapper.ts';
import { type Announced, announcement } from './announcement.ts';
import { registerBridge } from './bridge.ts';
import { keepCrashDumps, watchProcesses } from './crash.ts';
import { createKeychainWrapper } from './key-wrapper.ts';
import { createLastFolders } from './last-folders.ts';
import { isLocked, offerRunningInstance } from './locked-instance.ts';
import { menuTemplate, type ShellCommand } from './menu.ts';
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
  readonly ipcMain: IpcMain;
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
    readonly keyWrapper?: KeyWrapper;
  }) => Promise<RunningShell>;
}

/** How long stopping may take before the program ends all the same. */
const CLOSE_LIMIT_MS = 5_000;

const SPECIFICATIONS_URL = 'https://resources.lora-alliance.org/';

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
    running = await options.start({ argv });
    options.print(announcement(running, { withLink: true }));
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
  readonly current: () => BrowserWindow | undefined;
  readonly open: () => void;
}

function holdWindow(electron: ElectronParts, options: DesktopOptions): WindowHolder {
  let window: BrowserWindow | undefined;
  return {
    current: () => window,
    open() {
      if (window) {
        focusWindow(window);
        return;
      }
      const opened = openMainWindow({
        ...electron,
        preloadPath: options.preloadPath,
        iconPath: options.iconPath,
        statePath: join(electron.app.getPath('userData'), 'window.json'),
        log: options.log,
      });
      window = opened;
      opened.once('closed', () => {
        window = undefined;
      });
    },
  };
}

function installMenu(
  electron: ElectronParts,
  options: DesktopOptions,
  parts: { window: WindowHolder; uiUrl: string | undefined; dataFolder: string },
): void {
  const run: Record<ShellCommand, () => Promise<unknown>> = {
    'open-in-browser': async () => {
      if (parts.uiUrl !== undefined) await electron.shell.openExternal(parts.uiUrl);
    },
    'open-data-folder': () => electron.shell.openPath(parts.dataFolder),
    'open-specifications': () => electron.shell.openExternal(SPECIFICATIONS_URL),
  };
  const template = menuTemplate({
    platform: options.platform,
    packaged: electron.app.isPackaged,
    appName: electron.app.name,
    unavailable: parts.uiUrl === undefined ? ['open-in-browser'] : [],
    onPageCommand: (command) => {
      parts.window.open();
      parts.window.current()?.webContents.send(CHANNELS.command, command);
    },
    onShellCommand: (command) => {
      run[command]().catch((error: unknown) => {
        options.log.warn({ command, error: errorText(error) }, 'A menu command failed');
      });
    },
  });
  electron.Menu.setApplicationMenu(electron.Menu.buildFromTemplate(template));
}

/** Where a workspace keeps its key when no keychain does. */
const KEY_FILE = 'data.key';

/** The user's keychain, unless the headless shell made the workspace: then its key file stays the one that opens it. */
async function keyWrapperFor(
  electron: ElectronParts,
  options: DesktopOptions,
  dataFolder: string,
): Promise<KeyWrapper | undefined> {
  if (existsSync(join(dataFolder, KEY_FILE))) return undefined;
  return createKeychainWrapper(electron.safeStorage, options.platform);
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
    const keyWrapper = await keyWrapperFor(electron, options, dataFolder);
    return await options.start({ argv, ...(keyWrapper && { keyWrapper }) });
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
  options.print(announcement(running, { withLink: false }));
  serveApp(electron.protocol, running.serveWindow, options.log);
  registerBridge({
    ...electron,
    lastFolders: createLastFolders(join(app.getPath('userData'), 'folders.json')),
    mainWindow: window.current,
  });
  installMenu(electron, options, { window, uiUrl: running.uiUrl, dataFolder });
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
