import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { entriesOf, REPOSITORY } from '../main/registry/catalogue/testing/catalogue-lab.ts';
import { buildZip } from '../main/registry/catalogue/testing/zip-builder.ts';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { collectProblems, screenshotFolder, shoot } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-catalogue-'));
/** Workers start, pictures load. */
const PATIENT = { timeout: 20_000 };
const archive = join(directory, 'devices.zip');

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Waits for the number of devices found. */
async function shows(page: Page, text: string): Promise<void> {
  await page.getByTestId('catalogue-count').getByText(text, { exact: true }).waitFor();
}

async function importArchive(page: Page): Promise<void> {
  await page.getByTestId('catalogue-import').click();
  await page.locator('input[type=file]').setInputFiles(archive);
  await page.getByTestId('import-start').click();
  await page
    .getByTestId('import-done')
    .getByText('3 brands, 2 models, 1 codec, 4 images')
    .waitFor();
  await shoot(page, 'catalogue-imported');
  await page.getByRole('button', { name: 'files or fields were left out' }).click();
  const report = page.getByTestId('import-report');
  await report.getByText('vendor/acme-sensors/photos/fake.png').waitFor();
  await shoot(page, 'catalogue-report');
  await page.keyboard.press('Escape');
  await report.waitFor({ state: 'detached' });
}

async function findModel(page: Page): Promise<void> {
  await page.getByTestId('catalogue-search').fill('orchard humid');
  const found = page.getByTestId('catalogue-model');
  await expect.poll(() => found.count(), PATIENT).toBe(1);
  const picture = found.locator('img');
  await expect
    .poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth), PATIENT)
    .toBeGreaterThan(0);
  await shoot(page, 'catalogue-search');
  await found.click();
  await page.getByRole('heading', { name: 'Thermo 2' }).waitFor();
  await page.getByText('-30 to 85 °C').waitFor();
  const versions = page.getByTestId('model-version');
  expect(await versions.first().textContent()).toContain('EU 863-870, US 902-928');
  expect(await versions.first().getByText('Formatter').count()).toBe(1);
  await shoot(page, 'catalogue-model');
  await page.getByText('Back to the catalogue').click();
}

async function refuseNothing(page: Page): Promise<void> {
  await page.getByTestId('catalogue-import').click();
  await page.getByTestId('import-path').fill('/nowhere/at/all');
  await page.getByTestId('import-start').click();
  await page.getByTestId('problem').getByText('gatehouse/catalogue:source_unreadable').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('import-path').waitFor({ state: 'detached' });
}

async function goBack(page: Page): Promise<void> {
  const versions = page.getByTestId('catalogue-version');
  await page.getByLabel('Delete the import of devices.zip').click();
  await expect.poll(() => versions.count(), PATIENT).toBe(1);
  await shows(page, '5 devices');
}

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('a repository is imported, searched, looked into and taken away again', async () => {
    writeFileSync(archive, buildZip(entriesOf(REPOSITORY, 'lorawan-devices-master/')));
    const program = await startHeadless(join(directory, 'data'));
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems = await collectProblems(page);
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await page.getByTestId('nav-catalogue').click();
      // What ships with the program is there before anything is imported.
      await shows(page, '5 devices');
      await importArchive(page);
      await shows(page, '7 devices');
      await findModel(page);
      await refuseNothing(page);
      await goBack(page);
      expect(problems).toEqual([]);
    } catch (error) {
      await page.screenshot({ path: join(screenshotFolder(), 'catalogue-failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 120_000);
});
