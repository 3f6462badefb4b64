import { EventEmitter } from 'node:events';
import type {
  BrowserWindow,
  BrowserWindowConstructorOptions,
  CustomScheme,
  Display,
  MenuItemConstructorOptions,
  MessageBoxOptions,
  Session,
  WebContents,
} from 'electron';
import type { ElectronParts } from '../desktop-app.ts';

type Handler<K extends keyof Session> = Session[K] extends (
  handler: infer H,
  ...rest: never
) => void
  ? NonNullable<H>
  : never;

/** Hand-written stand-in for a window's contents: an emitter that records what is set and sent. */
export class WebContentsDouble extends EventEmitter {
  readonly sent: { channel: string; argument: unknown }[] = [];
  reloads = 0;
  destroyed = false;
  windowOpenHandler: Parameters<WebContents['setWindowOpenHandler']>[0] | undefined;

  setWindowOpenHandler(handler: Parameters<WebContents['setWindowOpenHandler']>[0]): void {
    this.windowOpenHandler = handler;
  }
  send(channel: string, argument: unknown): void {
    this.sent.push({ channel, argument });
  }
  reload(): void {
    this.reloads += 1;
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }

  /** Emits a navigation event; answers whether it was prevented. */
  navigate(event: 'will-navigate' | 'will-frame-navigate' | 'will-redirect', url: string): boolean {
    let prevented = false;
    this.emit(event, {
      url,
      preventDefault: () => {
        prevented = true;
      },
    });
    return prevented;
  }
}

/** Stand-in for a window: records its options and what is done with it. */
export class BrowserWindowDouble extends EventEmitter {
  readonly webContents = new WebContentsDouble();
  readonly calls: string[] = [];
  readonly options: BrowserWindowConstructorOptions;
  normalBounds = { x: 0, y: 0, width: 1000, height: 700 };
  maximized = false;
  minimized = false;
  loadedUrl = '';

  constructor(options: BrowserWindowConstructorOptions) {
    super();
    this.options = options;
  }
  loadURL(url: string): Promise<void> {
    this.loadedUrl = url;
    return Promise.resolve();
  }
  maximize(): void {
    this.calls.push('maximize');
  }
  show(): void {
    this.calls.push('show');
  }
  focus(): void {
    this.calls.push('focus');
  }
  restore(): void {
    this.calls.push('restore');
  }
  isMaximized(): boolean {
    return this.maximized;
  }
  isMinimized(): boolean {
    return this.minimized;
  }
  getNormalBounds(): BrowserWindowDouble['normalBounds'] {
    return this.normalBounds;
  }

  asWindow(): BrowserWindow {
    return this as unknown as BrowserWindow;
  }
}

/** Stand-in for `app`. `calls` has every call in order, shared with the other doubles. */
class AppDouble extends EventEmitter {
  readonly name = 'Gatehouse';
  isPackaged = true;
  onlyInstance = true;
  readonly paths: Record<string, string>;
  readonly calls: string[];
  readonly exitCodes: number[] = [];
  readonly ready = Promise.withResolvers<void>();

  constructor(calls: string[], userData: string) {
    super();
    this.calls = calls;
    this.paths = { userData };
  }
  enableSandbox(): void {
    this.calls.push('enableSandbox');
  }
  requestSingleInstanceLock(): boolean {
    this.calls.push('requestSingleInstanceLock');
    return this.onlyInstance;
  }
  whenReady(): Promise<void> {
    this.calls.push('whenReady');
    return this.ready.promise;
  }
  setPath(name: string, path: string): void {
    this.paths[name] = path;
  }
  getPath(name: string): string {
    return this.paths[name] ?? '';
  }
  getVersion(): string {
    return '1.2.3';
  }
  quit(): void {
    this.calls.push('quit');
  }
  exit(code: number): void {
    this.calls.push('exit');
    this.exitCodes.push(code);
  }
}

/** Records the handlers a session was given. */
export class SessionDouble {
  requestHandler: Handler<'setPermissionRequestHandler'> | undefined;
  checkHandler: Handler<'setPermissionCheckHandler'> | undefined;
  deviceHandler: Handler<'setDevicePermissionHandler'> | undefined;
  displayHandler: Handler<'setDisplayMediaRequestHandler'> | undefined;

  setPermissionRequestHandler(handler: Handler<'setPermissionRequestHandler'> | null): void {
    this.requestHandler = handler ?? undefined;
  }
  setPermissionCheckHandler(handler: Handler<'setPermissionCheckHandler'> | null): void {
    this.checkHandler = handler ?? undefined;
  }
  setDevicePermissionHandler(handler: Handler<'setDevicePermissionHandler'> | null): void {
    this.deviceHandler = handler ?? undefined;
  }
  setDisplayMediaRequestHandler(handler: Handler<'setDisplayMediaRequestHandler'> | null): void {
    this.displayHandler = handler ?? undefined;
  }
}

/** An encryption that only reverses, so that tests see what was passed. */
export class SafeStorageDouble {
  available = true;
  backend: 'basic_text' | 'gnome_libsecret' | 'kwallet6' | 'unknown' = 'gnome_libsecret';

  isAsyncEncryptionAvailable(): Promise<boolean> {
    return Promise.resolve(this.available);
  }
  encryptStringAsync(text: string): Promise<Buffer> {
    return Promise.resolve(Buffer.from([...text].reverse().join('')));
  }
  decryptStringAsync(bytes: Buffer): Promise<{ shouldReEncrypt: boolean; result: string }> {
    return Promise.resolve({
      shouldReEncrypt: false,
      result: [...String(bytes)].reverse().join(''),
    });
  }
  getSelectedStorageBackend(): SafeStorageDouble['backend'] {
    return this.backend;
  }
}

export const DISPLAY = { workArea: { x: 0, y: 0, width: 1920, height: 1040 } } as Display;

function makeDialogs(calls: string[]) {
  return {
    messages: [] as MessageBoxOptions[],
    errors: [] as string[],
    chosen: { response: 0 },
    showMessageBox(options: MessageBoxOptions) {
      this.messages.push(options);
      return Promise.resolve({ response: this.chosen.response, checkboxChecked: false });
    },
    showErrorBox(_title: string, content: string) {
      calls.push('showErrorBox');
      this.errors.push(content);
    },
  };
}

/** All of Electron the desktop shell touches, written by hand. `electron` is what code under test is given. */
export function createElectronDouble(userData: string) {
  const calls: string[] = [];
  const app = new AppDouble(calls, userData);
  const windows: BrowserWindowDouble[] = [];
  const schemes: CustomScheme[][] = [];
  const menus: MenuItemConstructorOptions[][] = [];
  const opened: string[] = [];
  const crashOptions: unknown[] = [];
  const protocolHandlers = new Map<string, (request: Request) => Promise<Response>>();
  const session = new SessionDouble();
  const safeStorage = new SafeStorageDouble();
  const dialog = makeDialogs(calls);
  const nativeTheme = { shouldUseDarkColors: false };
  class Window extends BrowserWindowDouble {
    constructor(options: BrowserWindowConstructorOptions) {
      super(options);
      calls.push('new BrowserWindow');
      windows.push(this);
      app.emit('web-contents-created', {}, this.webContents);
    }
  }
  const electron = {
    app,
    BrowserWindow: Window,
    crashReporter: {
      start: (options: unknown) => {
        calls.push('crashReporter.start');
        crashOptions.push(options);
      },
    },
    dialog,
    Menu: {
      buildFromTemplate: (template: MenuItemConstructorOptions[]) => template,
      setApplicationMenu: (menu: MenuItemConstructorOptions[]) => menus.push(menu),
    },
    nativeTheme,
    protocol: {
      registerSchemesAsPrivileged: (registered: CustomScheme[]) => {
        calls.push('registerSchemesAsPrivileged');
        schemes.push(registered);
      },
      handle: (scheme: string, handler: (request: Request) => Promise<Response>) => {
        protocolHandlers.set(scheme, handler);
      },
    },
    safeStorage,
    screen: { getAllDisplays: () => [DISPLAY], getPrimaryDisplay: () => DISPLAY },
    session: { defaultSession: session },
    shell: {
      openExternal: (url: string) => {
        opened.push(url);
        return Promise.resolve();
      },
      openPath: (path: string) => {
        opened.push(path);
        return Promise.resolve('');
      },
    },
  } as unknown as ElectronParts;
  return {
    electron,
    app,
    calls,
    crashOptions,
    dialog,
    menus,
    nativeTheme,
    opened,
    protocolHandlers,
    safeStorage,
    schemes,
    session,
    windows,
  };
}

export type ElectronDouble = ReturnType<typeof createElectronDouble>;
