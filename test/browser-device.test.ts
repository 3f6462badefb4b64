import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';

const shots = fileURLToPath(new URL('../test-results/', import.meta.url));
const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-device-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The same screen in both themes. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(shots, `${name}-${colorScheme}.png`) });
  }
}

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('a registered device joins, is heard, and gets a downlink that is seen transmitted', async () => {
    mkdirSync(shots, { recursive: true });
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await page.getByTestId('nav-gateways').click();
      await page.getByTestId('add-link').first().click();
      await page.getByText('Virtual gateway', { exact: true }).first().click();
      await shoot(page, 'add-gateway');
      await page.getByTestId('link-submit').click();
      await page.getByTestId('link-card').nth(1).waitFor();

      await page.getByTestId('nav-devices').click();
      await page.getByTestId('register-device').first().click();
      await page.getByTestId('register-submit').click();
      await page.getByText('Some fields need attention').waitFor();
      await shoot(page, 'register-errors');
      await page.getByRole('combobox', { name: 'Frequency plan' }).click();
      await page
        .getByRole('option', { name: /EU_863_870(?!_)/ })
        .first()
        .click();
      await page.getByLabel('Generate DevEUI').click();
      await page.getByLabel('Generate AppKey').click();
      await page.getByLabel('Name').fill('Bench device');
      await page.getByRole('checkbox', { name: /simulate/ }).check();
      await shoot(page, 'register');
      await page.getByTestId('register-submit').click();

      await page.getByTestId('tab-downlink').click();
      await page.getByText('Join accept').waitFor({ timeout: 40_000 });
      await page.getByText('Unconfirmed down').first().waitFor({ timeout: 60_000 });
      await page.getByLabel('FPort').fill('42');
      await page.getByTestId('downlink-payload').fill('0102');
      await page.getByTestId('downlink-submit').click();
      await page.getByTestId('queued-downlink').first().waitFor();
      await shoot(page, 'downlink');

      await page.getByTestId('nav-gateways').click();
      await page.getByTestId('simulated-send').first().click();
      await page.getByTestId('nav-frames').click();
      // FPort 42 tells the queued downlink from those that carry MAC commands only.
      const down = page
        .getByTestId('frame-row')
        .filter({ hasText: 'Unconfirmed down' })
        .filter({ hasText: /42\s*(?:DR\d+\s*·?\s*)?SF/ })
        .filter({ hasText: 'Transmitted' });
      await down.first().waitFor({ timeout: 40_000 });
      await page.getByTestId('frame-row').filter({ hasText: 'Unconfirmed up' }).first().click();
      await page.getByTestId('inspector').waitFor();
      await shoot(page, 'inspector');
      expect(problems).toEqual([]);
    } catch (error) {
      await page.screenshot({ path: join(shots, 'failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 150_000);
});
