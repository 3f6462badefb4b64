import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { press, tabTo } from './support/keyboard.ts';
import { collectProblems, screenshotFolder } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-keyboard-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function connectVirtualGateway(page: Page): Promise<void> {
  await press(page, 'c');
  const dialog = page.getByRole('dialog', { name: 'Connect a gateway' });
  await dialog.waitFor();
  await tabTo(page, dialog.getByRole('radio', { name: 'Packet forwarder (UDP)' }));
  await press(page, 'ArrowRight', 'ArrowRight');
  await dialog.getByText('A gateway that exists only in this program').waitFor();
  await tabTo(page, page.getByTestId('link-submit'));
  await press(page, 'Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByTestId('link-card').nth(1).waitFor();
}

async function registerDevice(page: Page): Promise<void> {
  await press(page, 'n');
  await page.getByRole('heading', { name: 'Register an end device' }).waitFor();
  const plan = page.getByRole('combobox', { name: 'Frequency plan' });
  await tabTo(page, plan);
  await page.keyboard.type('EU_863_870');
  await press(page, 'ArrowDown', 'Enter');
  expect(await plan.inputValue()).toContain('EU_863_870');
  await tabTo(page, page.getByLabel('Name'));
  // Shortcuts are letters in a text field.
  await page.keyboard.type('Bench pgn?');
  expect(await page.getByLabel('Name').inputValue()).toBe('Bench pgn?');
  await tabTo(page, page.getByRole('checkbox', { name: /simulate/ }));
  await press(page, 'Space');
  await tabTo(page, page.getByLabel('Generate DevEUI'));
  await press(page, 'Enter');
  await tabTo(page, page.getByLabel('Generate AppKey'));
  await press(page, 'Enter');
  await tabTo(page, page.getByTestId('register-submit'));
  await press(page, 'Enter');
  await page.getByRole('heading', { name: 'Bench pgn?' }).waitFor();
}

async function exploreFrames(page: Page): Promise<void> {
  await press(page, 'g', 'f');
  const rows = page.getByTestId('frame-row');
  const grid = page.getByRole('grid', { name: /Frames/ });
  const isFocused = () => grid.evaluate((element) => element === document.activeElement);
  await rows.filter({ hasText: 'Join accept' }).first().waitFor({ timeout: 40_000 });
  await rows.filter({ hasText: 'Unconfirmed up' }).first().waitFor({ timeout: 40_000 });
  await expect.poll(isFocused).toBe(true);
  // The oldest frame is the join request.
  await press(page, 'End', 'Enter');
  const inspector = page.getByTestId('inspector');
  await inspector.getByText('Join request').waitFor();
  await inspector.getByRole('treeitem').filter({ hasText: 'DevNonce' }).waitFor();
  await press(page, 'Enter', 'ArrowDown');
  await inspector.locator('[data-testid="hex-byte"][data-lit="true"]').first().waitFor();
  while (!((await inspector.locator(':focus').textContent()) ?? '').includes('DevNonce'))
    await press(page, 'ArrowDown');
  const lit = inspector.locator('[data-testid="hex-byte"][data-lit="true"]');
  expect(await lit.count()).toBe(2);
  await press(page, 'Enter', 'ArrowUp');
  const kept = inspector.locator('[data-testid="hex-byte"][data-chosen="true"]');
  expect(await kept.count()).toBe(2);
  await press(page, 'Escape');
  expect(await isFocused()).toBe(true);
  // With the inspector open, arrow keys lead it from frame to frame.
  await press(page, 'ArrowUp');
  await inspector.getByText('Join accept').waitFor();
  await press(page, 'Escape');
  await inspector.waitFor({ state: 'detached' });
}

async function holdAndFilter(page: Page): Promise<void> {
  await press(page, 'p');
  await page.getByText('Paused. Recording goes on').waitFor();
  await press(page, 'p');
  await page.getByText('Paused. Recording goes on').waitFor({ state: 'detached' });
  await press(page, '/');
  await page.keyboard.type('join p');
  await page.getByText('No recorded frame matches the filter').waitFor();
  expect(await page.getByTestId('frame-filter').inputValue()).toBe('join p');
  await press(page, 'Escape');
  await page.getByTestId('frame-row').first().waitFor();
  await press(page, 'Escape', '?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await help.getByText('Register an end device').waitFor();
  await press(page, 'g', 'w');
  await help.waitFor();
  await press(page, 'Escape');
  await help.waitFor({ state: 'detached' });
}

async function queueDownlink(page: Page): Promise<void> {
  await press(page, 'g', 'd');
  const device = page.getByRole('link', { name: 'bench-pgn' });
  await device.waitFor();
  await tabTo(page, device);
  await press(page, 'Enter');
  await tabTo(page, page.getByRole('tab', { name: 'Overview' }));
  await press(page, 'ArrowRight', 'ArrowRight');
  await tabTo(page, page.getByTestId('downlink-payload'));
  await page.keyboard.type('0102');
  await tabTo(page, page.getByRole('textbox', { name: 'FPort' }));
  await press(page, 'ControlOrMeta+a');
  await page.keyboard.type('42');
  await tabTo(page, page.getByTestId('downlink-submit'));
  await press(page, 'Enter');
  await page.getByTestId('queued-downlink').first().waitFor();
  // A dialog gives the focus back to where it was opened.
  const remove = page.getByTestId('device-delete');
  await tabTo(page, remove);
  await press(page, 'Enter');
  await page.getByRole('dialog', { name: /Delete this end device/ }).waitFor();
  await press(page, 'Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const isBack = () => remove.evaluate((element) => element === document.activeElement);
  await expect.poll(isBack).toBe(true);
}

async function seeItTransmitted(page: Page): Promise<void> {
  await press(page, 'g', 'g');
  const send = page.getByTestId('simulated-send').first();
  await send.waitFor();
  await tabTo(page, send);
  await press(page, 'Enter', 'g', 'f');
  await page
    .getByTestId('frame-row')
    .filter({ hasText: 'Unconfirmed down' })
    .filter({ hasText: /42\s*DR\d+/ })
    .filter({ hasText: 'Transmitted' })
    .first()
    .waitFor({ timeout: 40_000 });
}

describe.runIf(browser !== undefined)('with the keyboard alone', () => {
  test('a device is registered, its frames are read to the bit, and a downlink reaches it', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
      // Without fading, what has the focus shows it at once.
      reducedMotion: 'reduce',
    });
    const problems = await collectProblems(page);
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await page.getByText('No frame was heard yet').waitFor();
      await connectVirtualGateway(page);
      await registerDevice(page);
      await exploreFrames(page);
      await holdAndFilter(page);
      await queueDownlink(page);
      await seeItTransmitted(page);
      expect(problems).toEqual([]);
    } catch (error) {
      await page.screenshot({ path: join(screenshotFolder(), 'keyboard-failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 180_000);
});
