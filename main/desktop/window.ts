import type { BrowserWindow, BrowserWindowConstructorOptions, NativeTheme, Screen } from 'electron';
import type { PagePath } from '../../preload/channels.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { APP_URL } from './origin.ts';
import { MINIMUM_SIZE, readWindowState, visibleBounds, writeWindowState } from './window-state.ts';

export interface MainWindowOptions {
  readonly BrowserWindow: new (options: BrowserWindowConstructorOptions) => BrowserWindow;
  readonly screen: Pick<Screen, 'getAllDisplays' | 'getPrimaryDisplay'>;
  readonly nativeTheme: Pick<NativeTheme, 'shouldUseDarkColors'>;
  readonly preloadPath: string;
  readonly iconPath: string;
  readonly statePath: string;
  readonly log: Pick<Logger, 'warn'>;
  /** Page to begin with. */
  readonly path?: PagePath;
}

/** The page runs sandboxed, in a world of its own, without Node. */
function webPreferences(
  preloadPath: string,
): NonNullable<BrowserWindowConstructorOptions['webPreferences']> {
  return {
    preload: preloadPath,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
  };
}

/** Opens the window where it was last time, and shows it once it has something to show. */
export function openMainWindow(options: MainWindowOptions): BrowserWindow {
  const state = readWindowState(options.statePath);
  const window = new options.BrowserWindow({
    ...visibleBounds(
      state?.bounds,
      options.screen.getAllDisplays(),
      options.screen.getPrimaryDisplay(),
    ),
    minWidth: MINIMUM_SIZE.width,
    minHeight: MINIMUM_SIZE.height,
    title: 'Gatehouse',
    icon: options.iconPath,
    show: false,
    backgroundColor: options.nativeTheme.shouldUseDarkColors ? '#1a1b1e' : '#ffffff',
    webPreferences: webPreferences(options.preloadPath),
  });
  window.once('ready-to-show', () => {
    if (state?.maximized) window.maximize();
    window.show();
  });
  window.on('close', () => {
    try {
      writeWindowState(options.statePath, {
        bounds: window.getNormalBounds(),
        maximized: window.isMaximized(),
      });
    } catch (error) {
      options.log.warn({ error: errorText(error) }, 'The window position could not be saved');
    }
  });
  window
    .loadURL(options.path === undefined ? APP_URL : `${APP_URL}#${options.path}`)
    .catch((error: unknown) => {
      options.log.warn({ error: errorText(error) }, 'The window could not load its page');
    });
  return window;
}

/** Brings a window to the front. */
export function focusWindow(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}
