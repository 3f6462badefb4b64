import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createDesktopCapability } from './bridge.ts';
import { NAVIGATE_CHANNEL, PAGE_PATHS } from './channels.ts';

function capability() {
  const ipc = new EventEmitter();
  return { ipc, gatehouse: createDesktopCapability(ipc as never) };
}

it('menu items reach the page without the event, and only addresses it knows', () => {
  const { ipc, gatehouse } = capability();
  const received: unknown[][] = [];
  gatehouse.onNavigate((...values) => received.push(values));
  ipc.emit(NAVIGATE_CHANNEL, { sender: 'secret' }, '/devices');
  ipc.emit(NAVIGATE_CHANNEL, {}, 'https://evil.example/');
  ipc.emit(NAVIGATE_CHANNEL, {}, { toString: () => '/devices' });
  expect(received).toEqual([['/devices']]);
});

it('listening ends when it is taken back', () => {
  const { ipc, gatehouse } = capability();
  const stop = gatehouse.onNavigate(() => undefined);
  expect(ipc.listenerCount(NAVIGATE_CHANNEL)).toBe(1);
  stop();
  expect(ipc.listenerCount(NAVIGATE_CHANNEL)).toBe(0);
});

it('the page gets nothing but that', () => {
  expect(Object.keys(capability().gatehouse)).toEqual(['onNavigate']);
});

it('every address is one the page has', () => {
  const routes = readFileSync(new URL('../renderer/app.tsx', import.meta.url), 'utf8');
  const paths = [...routes.matchAll(/<Route path="([^":]+?)(?:\/:[^"]*)?">/g)].map(
    (match) => match[1],
  );
  for (const path of PAGE_PATHS) expect(paths).toContain(path);
});
