import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { PAGE_COMMANDS, type PageCommand } from '../preload/channels.ts';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { collectProblems } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-menu-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Bench {
  choose(command: PageCommand): void;
  theme: string;
  savedName: string;
}

/** Stands in for the preload script of the desktop shell, which needs Electron. */
async function installCapability(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const listeners = new Set<(command: PageCommand) => void>();
    const bench: Bench = {
      choose: (command) => {
        for (const listener of listeners) listener(command);
      },
      theme: '',
      savedName: '',
    };
    const capability: Window['gatehouse'] = {
      shell: 'desktop',
      pickFile: async () => undefined,
      saveFile: async ({ suggestedName }) => {
        bench.savedName = suggestedName;
        return true;
      },
      onCommand(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      theme: {
        set: async (theme) => {
          bench.theme = theme;
        },
      },
    };
    Object.assign(window, { gatehouse: capability, bench });
  });
}

const choose = (page: Page, command: PageCommand): Promise<void> =>
  page.evaluate((it) => (window as unknown as { bench: Bench }).bench.choose(it), command);
const bench = (page: Page, field: 'theme' | 'savedName') => (): Promise<string> =>
  page.evaluate((it) => (window as unknown as { bench: Bench }).bench[it], field);

/** What each command of the menu brings to the screen. */
const SEEN: Readonly<Record<PageCommand, (page: Page) => Promise<unknown>>> = {
  'open-settings': (page) => page.getByRole('heading', { name: 'Workspace' }).waitFor(),
  'show-overview': (page) => page.getByRole('heading', { name: 'Workspace' }).waitFor(),
  'show-devices': (page) => page.getByRole('heading', { name: 'Devices' }).waitFor(),
  'show-gateways': (page) => page.getByRole('heading', { name: 'Gateways' }).waitFor(),
  'show-frames': (page) => page.getByRole('grid', { name: /Frames/ }).waitFor(),
  'add-device': (page) => page.getByRole('heading', { name: 'Register an end device' }).waitFor(),
  'add-gateway': (page) => page.getByRole('dialog', { name: 'Connect a gateway' }).waitFor(),
  find: (page) => page.locator('[data-testid="frame-filter"]:focus').waitFor(),
  'export-frames': (page) => page.getByRole('dialog', { name: 'Export frames' }).waitFor(),
};

describe.runIf(browser !== undefined)('with the menu of the desktop shell', () => {
  test('every command of the menu does what it says, from whatever page', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage();
    const problems = await collectProblems(page);
    await installCapability(page);
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await page.getByText('No frame was heard yet').waitFor();
      for (const command of PAGE_COMMANDS) {
        await choose(page, 'open-settings');
        await page.getByRole('heading', { name: 'Workspace' }).waitFor();
        await choose(page, command);
        await SEEN[command](page);
      }
      await page.getByTestId('export-submit').click();
      await expect.poll(bench(page, 'savedName')).toMatch(/^gatehouse-frames-.*\.jsonl$/);
      await page.getByTestId('color-scheme').click();
      await page.getByRole('menuitem', { name: 'Dark' }).click();
      await expect.poll(bench(page, 'theme')).toBe('dark');
      // On a page with a search of its own, Find means that one.
      await choose(page, 'show-devices');
      await page.getByRole('heading', { name: 'Devices' }).waitFor();
      await choose(page, 'find');
      await page.locator('[data-testid="device-search"]:focus').waitFor();
      expect(problems).toEqual([]);
    } finally {
      await page.close();
      await program.stop();
    }
  }, 60_000);
});
