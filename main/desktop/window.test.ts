import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { BrowserWindowDouble, DISPLAY } from './testing/electron-double.ts';
import { openMainWindow } from './window.ts';
import { readWindowState, visibleBounds } from './window-state.ts';

const SECOND = { workArea: { x: 1920, y: 0, width: 1280, height: 1000 } };
const statePath = () => join(mkdtempSync(join(tmpdir(), 'gatehouse-window-')), 'window.json');

function open(path: string) {
  const windows: BrowserWindowDouble[] = [];
  openMainWindow({
    BrowserWindow: class extends BrowserWindowDouble {
      constructor(options: ConstructorParameters<typeof BrowserWindowDouble>[0]) {
        super(options);
        windows.push(this);
      }
    } as never,
    screen: { getAllDisplays: () => [DISPLAY], getPrimaryDisplay: () => DISPLAY },
    nativeTheme: { shouldUseDarkColors: true },
    preloadPath: '/app/preload.cjs',
    iconPath: '/app/icon.png',
    statePath: path,
    log: silentLogger(),
  });
  return windows[0] ?? new BrowserWindowDouble({});
}

describe('window bounds', () => {
  const bounds = { x: 100, y: 50, width: 1000, height: 700 };

  it('are kept where a display shows them', () => {
    expect(visibleBounds(bounds, [DISPLAY], DISPLAY)).toEqual(bounds);
    const onSecond = { ...bounds, x: 2000 };
    expect(visibleBounds(onSecond, [DISPLAY, SECOND], DISPLAY)).toEqual(onSecond);
  });

  it('come back to the primary display when theirs is gone', () => {
    const visible = visibleBounds({ ...bounds, x: 2000 }, [DISPLAY], DISPLAY);
    expect(visible).toMatchObject({ width: 1000, height: 700 });
    expect(visible.x).toBeGreaterThanOrEqual(0);
    expect(visible.x + visible.width).toBeLessThanOrEqual(1920);
  });

  it('are shrunk to the work area and pushed inside', () => {
    expect(
      visibleBounds({ x: -300, y: -80, width: 4000, height: 3000 }, [DISPLAY], DISPLAY),
    ).toEqual(DISPLAY.workArea);
    expect(visibleBounds({ ...bounds, x: 1200, y: 600 }, [DISPLAY], DISPLAY)).toEqual({
      ...bounds,
      x: 920,
      y: 340,
    });
  });

  it('start centred', () => {
    expect(visibleBounds(undefined, [DISPLAY], DISPLAY)).toEqual({
      x: 320,
      y: 100,
      width: 1280,
      height: 840,
    });
  });

  it.each([
    '',
    '{',
    '[]',
    'null',
    '{"bounds":{"x":1}}',
    '{"bounds":{"x":0,"y":0,"width":-1,"height":9}}',
  ])('ignore a broken file: %s', (text) => {
    const path = statePath();
    writeFileSync(path, text);
    expect(readWindowState(path)).toBeUndefined();
  });
});

describe('the main window', () => {
  it('is sandboxed, isolated and without Node', () => {
    const { options } = open(statePath());
    expect(options.webPreferences).toMatchObject({
      preload: '/app/preload.cjs',
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
    });
    expect(options.webPreferences).not.toHaveProperty('experimentalFeatures');
    expect(options.webPreferences).not.toHaveProperty('enableBlinkFeatures');
  });

  it('loads our own page and shows it when ready', () => {
    const window = open(statePath());
    expect(window.loadedUrl).toBe('app://gatehouse/');
    expect(window.calls).toEqual([]);
    window.emit('ready-to-show');
    expect(window.calls).toEqual(['show']);
  });

  it('opens as it was closed', () => {
    const path = statePath();
    const first = open(path);
    first.normalBounds = { x: 40, y: 60, width: 900, height: 650 };
    first.maximized = true;
    first.emit('close');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ maximized: true });
    const second = open(path);
    expect(second.options).toMatchObject({ x: 40, y: 60, width: 900, height: 650 });
    second.emit('ready-to-show');
    expect(second.calls).toEqual(['maximize', 'show']);
  });
});
