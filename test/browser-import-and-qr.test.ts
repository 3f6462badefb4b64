import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsQR from 'jsqr';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { collectProblems, screenshotFolder, shoot } from './support/page-checks.ts';

const KEY = '8AFE71A145B253E49C3031AD068277A1';
const FILE = [
  'id;dev_eui;join_eui;name;app_key;frequency_plan_id',
  `meter-1;0004A30B001C0501;70B3D57ED0000001;Meter 1;${KEY};`,
  `meter-2;0004A30B001C0502;70B3D57ED0000001;Meter 2;${KEY};`,
  `meter-3;0004A30B001C0501;70B3D57ED0000001;Meter 3;${KEY};`,
  `meter-4;0004A30B001C0504;70B3D57ED0000001;Meter 4;${KEY};XX_1`,
  `meter-5;0004A30B;70B3D57ED0000001;Meter 5;${KEY};`,
].join('\n');
const QR_TEXT = 'LW:D0:70B3D57ED0000001:0004A30B001C0502:00000000';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-import-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

const verdicts = (page: Page) => (): Promise<string[]> =>
  page.getByTestId('import-row').locator('td:nth-child(3)').allTextContents();

async function importFile(page: Page): Promise<void> {
  await page.getByTestId('nav-devices').click();
  await page.getByTestId('import-devices').first().click();
  await page.locator('input[type=file]').setInputFiles({
    name: 'devices.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(FILE),
  });
  await page.getByRole('combobox', { name: 'Frequency plan' }).click();
  await page
    .getByRole('option', { name: /EU_863_870(?!_)/ })
    .first()
    .click();
  await page.getByRole('combobox', { name: 'LoRaWAN version' }).click();
  await page.getByRole('option', { name: '1.0.3' }).click();
  await page.getByTestId('import-try').click();
  const result = page.getByTestId('import-result');
  await result
    .filter({ hasText: '2 devices can be registered, 1 there already, 2 with a problem.' })
    .waitFor();
  expect(await verdicts(page)()).toEqual(['There already', 'Not registered', 'Not registered']);
  await page.getByText('There is no frequency plan XX_1').waitFor();
  await page.getByText('Column dev_eui takes 16 hex digits').waitFor();
  await shoot(page, 'import-tried');
  await page.getByTestId('import-run').click();
  await result
    .filter({ hasText: '2 devices registered, 1 there already, 2 with a problem.' })
    .waitFor();
  await page.getByText('All rows').click();
  expect(await verdicts(page)()).toEqual([
    'Registered',
    'Registered',
    'There already',
    'Not registered',
    'Not registered',
  ]);
  await shoot(page, 'import-done');
}

/** What another program reads in the picture on the page. */
async function readPicture(page: Page): Promise<string | undefined> {
  const image = page.getByRole('img', { name: 'QR code of meter-2' });
  const address = (await image.getAttribute('src')) ?? '';
  const dots = await image.evaluate((element) => {
    const shown = element as HTMLImageElement;
    const canvas = document.createElement('canvas');
    canvas.width = shown.naturalWidth;
    canvas.height = shown.naturalHeight;
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.drawImage(shown, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = '';
    for (let at = 0; at < data.length; at += 4) text += (data[at] ?? 0) < 128 ? '#' : '.';
    return text;
  });
  expect(address).toMatch(/^data:image\/png;base64,/);
  const size = Math.sqrt(dots.length);
  const pixels = new Uint8ClampedArray(dots.length * 4).fill(255);
  for (const [at, dot] of [...dots].entries()) if (dot === '#') pixels.fill(0, at * 4, at * 4 + 3);
  return jsQR(pixels, size, size)?.data;
}

async function exportFile(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Back to the devices' }).click();
  for (const withKeys of [false, true]) {
    await page.getByTestId('export-devices').click();
    await page.getByText('CSV: what has a column').click();
    if (withKeys) await page.getByText('With root and session keys').click();
    else await shoot(page, 'export-devices');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('export-devices-run').click(),
    ]);
    expect(download.suggestedFilename()).toBe('lab-devices.csv');
    const text = readFileSync(await download.path(), 'utf8');
    expect(text.trim().split('\n')).toHaveLength(3);
    expect(text.includes(KEY)).toBe(withKeys);
  }
}

async function showQrCode(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'meter-2' }).click();
  await page.getByTestId('qr-show').click();
  await page.getByTestId('qr-code').getByText(QR_TEXT).waitFor();
  expect(await readPicture(page)).toBe(QR_TEXT);
  await shoot(page, 'device-qr-code');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('qr-save').click(),
  ]);
  expect(download.suggestedFilename()).toBe('meter-2.png');
  expect(readFileSync(await download.path()).toString('latin1', 1, 4)).toBe('PNG');
  // Nothing but the label is printed.
  await page.emulateMedia({ media: 'print' });
  const visibility = (locator: ReturnType<Page['locator']>): Promise<string> =>
    locator.evaluate((element) => getComputedStyle(element).visibility);
  const soon = { timeout: 10_000 };
  const picture = page.getByRole('img', { name: /QR code of/ });
  await expect.poll(() => visibility(picture), soon).toBe('visible');
  await expect.poll(() => visibility(page.locator('nav').first()), soon).toBe('hidden');
  await page.emulateMedia({ media: 'screen' });
  await page.getByRole('combobox', { name: 'Form of the QR code' }).click();
  await page.getByRole('option', { name: 'TR005, draft 3' }).click();
  await page.getByText('URN:DEV:LW:70B3D57ED0000001_0004A30B001C0502_00000000').waitFor();
  await expect.poll(() => readPicture(page), { timeout: 20_000 }).toContain('URN:DEV:LW:');
}

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('a file is checked, its devices are registered, and one shows its QR code', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems = await collectProblems(page);
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await importFile(page);
      await exportFile(page);
      await showQrCode(page);
      expect(problems).toEqual([]);
    } catch (error) {
      await page.screenshot({ path: join(screenshotFolder(), 'import-failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 120_000);
});
