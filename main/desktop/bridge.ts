import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { BrowserWindow, Dialog, IpcMain, IpcMainInvokeEvent, NativeTheme } from 'electron';
import type { PickedFile, PickFileOptions, SaveFileOptions } from '../../preload/capability.ts';
import { CHANNELS } from '../../preload/channels.ts';
import { defineError } from '../base/errors.ts';
import { parsePickFile, parseSaveFile, parseTheme } from './bridge-arguments.ts';
import type { LastFolders } from './last-folders.ts';
import { isOwnUrl } from './origin.ts';

export const foreignSender = defineError(
  'gatehouse/desktop:foreign_sender',
  'PERMISSION_DENIED',
  'A page that is not the main window asked for {channel}; it was refused.',
);

export const fileTooLarge = defineError(
  'gatehouse/desktop:file_too_large',
  'INVALID_ARGUMENT',
  'The file {name} has {bytes} bytes; at most {maximum} can be opened. Choose a smaller one.',
);

/** Largest file that is read for the page. */
export const MAX_PICKED_BYTES = 128 * 1024 * 1024;

export interface BridgeOptions {
  readonly ipcMain: Pick<IpcMain, 'handle'>;
  readonly dialog: Pick<Dialog, 'showOpenDialog' | 'showSaveDialog'>;
  readonly nativeTheme: Pick<NativeTheme, 'themeSource'>;
  readonly lastFolders: LastFolders;
  /** The one window that may ask, if it is open. */
  readonly mainWindow: () => BrowserWindow | undefined;
}

/** The window behind a call, if it is our main frame at our origin; frames and other pages are refused. */
function sender(
  event: Pick<IpcMainInvokeEvent, 'senderFrame' | 'sender'>,
  channel: string,
  window: BrowserWindow | undefined,
): BrowserWindow {
  const frame = event.senderFrame;
  const ours =
    window !== undefined &&
    event.sender === window.webContents &&
    frame !== null &&
    frame.parent === null &&
    isOwnUrl(frame.url);
  if (!ours) throw foreignSender({ channel });
  return window;
}

async function pickFile(
  options: BridgeOptions,
  window: BrowserWindow,
  { purpose, extensions }: Required<PickFileOptions>,
): Promise<PickedFile | undefined> {
  const folder = options.lastFolders.get(purpose);
  const { canceled, filePaths } = await options.dialog.showOpenDialog(window, {
    properties: ['openFile'],
    ...(folder !== undefined && { defaultPath: folder }),
    ...(extensions.length > 0 && {
      filters: [
        { name: extensions.join(', '), extensions: [...extensions] },
        { name: 'All files', extensions: ['*'] },
      ],
    }),
  });
  const path = filePaths[0];
  if (canceled || path === undefined) return undefined;
  options.lastFolders.set(purpose, dirname(path));
  const name = basename(path);
  const { size } = await stat(path);
  if (size > MAX_PICKED_BYTES) {
    throw fileTooLarge({ name, bytes: size, maximum: MAX_PICKED_BYTES });
  }
  return { name, bytes: new Uint8Array(await readFile(path)) };
}

async function saveFile(
  options: BridgeOptions,
  window: BrowserWindow,
  { purpose, suggestedName, bytes }: SaveFileOptions,
): Promise<boolean> {
  const folder = options.lastFolders.get(purpose);
  const { canceled, filePath } = await options.dialog.showSaveDialog(window, {
    defaultPath: folder === undefined ? suggestedName : join(folder, suggestedName),
  });
  if (canceled || filePath === '') return false;
  await writeFile(filePath, bytes);
  options.lastFolders.set(purpose, dirname(filePath));
  return true;
}

/** Answers the fixed channels of the preload script, after checking who asks and with what. */
export function registerBridge(options: BridgeOptions): void {
  const handle = <T, R>(
    channel: string,
    parse: (argument: unknown) => T,
    answer: (window: BrowserWindow, argument: T) => R,
  ): void => {
    options.ipcMain.handle(channel, (event, argument: unknown) =>
      answer(sender(event, channel, options.mainWindow()), parse(argument)),
    );
  };
  handle(CHANNELS.pickFile, parsePickFile, (window, argument) =>
    pickFile(options, window, argument),
  );
  handle(CHANNELS.saveFile, parseSaveFile, (window, argument) =>
    saveFile(options, window, argument),
  );
  handle(CHANNELS.setTheme, parseTheme, (_window, theme) => {
    options.nativeTheme.themeSource = theme;
  });
}
