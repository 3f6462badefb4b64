import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { PAGE_PATHS, type PagePath } from '../preload/channels.ts';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { collectProblems } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-menu-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Stands in for the preload script of the desktop shell, which needs Electron. */
async function installCapability(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const listeners = new Set<(path: PagePath) => void>();
    const capability: Window['gatehouse'] = {
      onNavigate(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    };
    const choose = (path: PagePath): void => {
      for (const listener of listeners) listener(path);
    };
    Object.assign(window, { gatehouse: capability, choose });
  });
}

const choose = (page: Page, path: PagePath): Promise<void> =>
  page.evaluate((it) => (window as unknown as { choose(path: PagePath): void }).choose(it), path);

/** What each item of the menu brings to the screen. */
const SEEN: Readonly<Record<PagePath, (page: Page) => Promise<unknown>>> = {
  '/workspace': (page) => page.getByRole('heading', { name: 'Workspace' }).waitFor(),
  '/devices': (page) => page.getByRole('heading', { name: 'Devices' }).waitFor(),
  '/gateways': (page) => page.getByRole('heading', { name: 'Gateways' }).waitFor(),
  '/frames': (page) => page.getByRole('grid', { name: /Frames/ }).waitFor(),
  '/devices/register': (page) =>
    page.getByRole('heading', { name: 'Register an end device' }).waitFor(),
};

describe.runIf(browser !== undefined)('with the menu of the desktop shell', () => {
  test('every item of the menu leads to its page, and an export is downloaded', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage();
    const problems = await collectProblems(page);
    await installCapability(page);
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await page.getByText('No frame was heard yet').waitFor();
      for (const path of PAGE_PATHS) {
        await choose(page, '/workspace');
        await page.getByRole('heading', { name: 'Workspace' }).waitFor();
        await choose(page, path);
        await SEEN[path](page);
      }
      await choose(page, '/frames');
      await SEEN['/frames'](page);
      const downloading = page.waitForEvent('download');
      await page.keyboard.press('e');
      await page.getByTestId('export-submit').click();
      expect((await downloading).suggestedFilename()).toMatch(/^gatehouse-frames-.*\.jsonl$/);
      expect(problems).toEqual([]);
    } finally {
      await page.close();
      await program.stop();
    }
  }, 60_000);
});
