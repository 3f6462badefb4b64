import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDesktopCapability } from '../../preload/bridge.ts';
import { CHANNELS } from '../../preload/channels.ts';
import { MAX_PICKED_BYTES, registerBridge } from './bridge.ts';
import { createLastFolders } from './last-folders.ts';
import { BrowserWindowDouble, createElectronDouble } from './testing/electron-double.ts';

function bridge() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bridge-'));
  const double = createElectronDouble(folder);
  const window = new BrowserWindowDouble({});
  let isOpen = true;
  registerBridge({
    ...double.electron,
    lastFolders: createLastFolders(join(folder, 'folders.json')),
    mainWindow: () => (isOpen ? window.asWindow() : undefined),
  });
  const from = { sender: window.webContents, url: 'app://gatehouse/frames' };
  return {
    ...double,
    folder,
    window,
    from,
    close: () => {
      isOpen = false;
    },
    call: (channel: string, argument: unknown, changes: object = {}) =>
      double.ipcMain.invoke(channel, argument, { ...from, ...changes }),
  };
}

const bytes = new Uint8Array([1, 2, 3]);
const save = { purpose: 'export', suggestedName: 'frames.pcap', bytes };

describe('who may call the bridge', () => {
  const accepted = [CHANNELS.setTheme, 'dark'] as const;

  it('our main frame', async () => {
    const { call, nativeTheme } = bridge();
    await call(...accepted);
    expect(nativeTheme.themeSource).toBe('dark');
  });

  it.each([
    ['another origin', { url: 'app://gatehouse.evil/' }],
    ['an origin in disguise', { url: 'app://gatehouse@evil/' }],
    ['a web page', { url: 'https://example.org/' }],
    ['a frame inside the page', { subframe: true }],
    ['a frame that is gone', { gone: true }],
    ['other contents', { sender: new BrowserWindowDouble({}).webContents }],
  ])('not %s', async (_who, changes) => {
    const { call, nativeTheme } = bridge();
    await expect(call(...accepted, changes)).rejects.toThrow('refused');
    expect(nativeTheme.themeSource).toBe('system');
  });

  it('not a page whose window is closed', async () => {
    const { call, close } = bridge();
    close();
    await expect(call(...accepted)).rejects.toThrow('refused');
  });

  it('on the fixed channels only', () => {
    const { ipcMain } = bridge();
    expect([...ipcMain.handlers.keys()].toSorted()).toEqual(
      [CHANNELS.pickFile, CHANNELS.saveFile, CHANNELS.setTheme].toSorted(),
    );
  });
});

describe('what the bridge accepts', () => {
  it.each([
    [CHANNELS.setTheme, 'pink'],
    [CHANNELS.setTheme, { theme: 'dark' }],
    [CHANNELS.pickFile, undefined],
    [CHANNELS.pickFile, 'import'],
    [CHANNELS.pickFile, ['import']],
    [CHANNELS.pickFile, { purpose: 'other' }],
    [CHANNELS.pickFile, { purpose: 'import', extensions: 'json' }],
    [CHANNELS.pickFile, { purpose: 'import', extensions: ['../x'] }],
    [CHANNELS.pickFile, { purpose: 'import', defaultPath: '/etc' }],
    [CHANNELS.saveFile, { ...save, bytes: 'text' }],
    [CHANNELS.saveFile, { ...save, bytes: [1, 2] }],
    [CHANNELS.saveFile, { ...save, suggestedName: '../../.bashrc' }],
    [CHANNELS.saveFile, { ...save, suggestedName: 'C:\\x' }],
    [CHANNELS.saveFile, { ...save, suggestedName: '.profile' }],
    [CHANNELS.saveFile, { ...save, suggestedName: 'a\u0000b' }],
    [CHANNELS.saveFile, { ...save, suggestedName: 'x'.repeat(201) }],
    [CHANNELS.saveFile, { ...save, suggestedName: '' }],
    [CHANNELS.saveFile, { ...save, purpose: undefined }],
  ])('%s refuses %j', async (channel, argument) => {
    const { call, dialog } = bridge();
    await expect(call(channel, argument)).rejects.toThrow('may not use');
    expect(dialog.options).toEqual([]);
  });
});

describe('files', () => {
  it('are read from where the user picked them, and the folder is remembered by purpose', async () => {
    const { call, dialog, folder } = bridge();
    const path = join(folder, 'devices.json');
    writeFileSync(path, bytes);
    dialog.chosen.openPaths = [path];
    const pick = { purpose: 'import', extensions: ['json'] };
    expect(await call(CHANNELS.pickFile, pick)).toEqual({ name: 'devices.json', bytes });
    await call(CHANNELS.pickFile, pick);
    await call(CHANNELS.pickFile, { purpose: 'capture' });
    expect(dialog.options.map(({ defaultPath }) => defaultPath)).toEqual([
      undefined,
      folder,
      undefined,
    ]);
  });

  it('too large to hold are not read', async () => {
    const { call, dialog, folder } = bridge();
    const path = join(folder, 'huge.bin');
    writeFileSync(path, '');
    truncateSync(path, MAX_PICKED_BYTES + 1);
    dialog.chosen.openPaths = [path];
    await expect(call(CHANNELS.pickFile, { purpose: 'import' })).rejects.toThrow('huge.bin');
  });

  it('are written where the user said', async () => {
    const { call, dialog, folder } = bridge();
    dialog.chosen.savePath = join(folder, 'frames.pcap');
    expect(await call(CHANNELS.saveFile, save)).toBe(true);
    expect(new Uint8Array(readFileSync(dialog.chosen.savePath))).toEqual(bytes);
    expect(dialog.options[0]?.defaultPath).toBe('frames.pcap');
  });

  it('stay alone when the user cancels', async () => {
    const { call } = bridge();
    expect(await call(CHANNELS.pickFile, { purpose: 'import' })).toBeUndefined();
    expect(await call(CHANNELS.saveFile, save)).toBe(false);
  });
});

describe('the capability object', () => {
  it('reaches the bridge over the fixed channels', async () => {
    const { call, nativeTheme, dialog, folder } = bridge();
    const capability = createDesktopCapability({
      invoke: (channel: string, argument: unknown) => call(channel, argument),
    } as never);
    expect(capability.shell).toBe('desktop');
    await capability.theme.set('light');
    expect(nativeTheme.themeSource).toBe('light');
    dialog.chosen.savePath = join(folder, 'x.json');
    expect(await capability.saveFile({ purpose: 'export', suggestedName: 'x.json', bytes })).toBe(
      true,
    );
  });
});
