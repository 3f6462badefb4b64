import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { collectProblems, screenshotFolder, shoot } from './support/page-checks.ts';

const DEVICES = 130;
const LONGEST_ID = 'a-device-with-the-longest-id-allowed';
const LONGEST_NAME = 'A name of fifty characters that fills its whole row';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-many-devices-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function register(program: HeadlessProcess, index: number): Promise<void> {
  const number = String(index).padStart(4, '0');
  const ids = {
    device_id: index === 0 ? LONGEST_ID : `meter-${number}`,
    application_ids: { application_id: 'lab' },
    dev_eui: `020000000000${number}`,
    join_eui: '0000000000000001',
  };
  const name = index === 0 ? LONGEST_NAME.slice(0, 50) : `Meter ${DEVICES - index}`;
  const response = await fetch(`http://${program.addresses.http}/api/v3/applications/lab/devices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ end_device: { ids, name }, field_mask: { paths: ['ids', 'name'] } }),
  });
  expect(response.status).toBe(200);
}

const firstId = (page: Page) => () =>
  page.getByTestId('device-row').first().locator('td').first().textContent();
const count = (page: Page) => () => page.getByTestId('device-count').textContent();

async function pageAndSort(page: Page): Promise<void> {
  await expect.poll(count(page)).toBe(`1–25 of ${DEVICES}`);
  expect(await firstId(page)()).toBe(LONGEST_ID);
  await shoot(page, 'devices-many');
  await page.getByRole('button', { name: 'last page' }).click();
  await expect.poll(count(page)).toBe(`126–${DEVICES} of ${DEVICES}`);
  await expect.poll(firstId(page)).toBe('meter-0125');
  await page.getByTitle('Sort by device id').click();
  await expect.poll(firstId(page)).toBe('meter-0129');
  // Another order begins on its first page.
  await expect.poll(count(page)).toBe(`1–25 of ${DEVICES}`);
  const header = page.getByRole('columnheader', { name: 'Device id' });
  expect(await header.getAttribute('aria-sort')).toBe('descending');
}

async function search(page: Page): Promise<void> {
  const field = page.getByTestId('device-search');
  await field.fill('meter-012');
  await expect.poll(count(page)).toBe(`1–10 of 10 found among ${DEVICES}`);
  await expect.poll(firstId(page)).toBe('meter-0129');
  await shoot(page, 'devices-found');
  // By DevEUI, as it is printed on a label.
  await field.fill('02:00:00:00:00:00:00:77');
  await expect.poll(firstId(page)).toBe('meter-0077');
  await field.fill('no such device');
  await page.getByText(`No device among ${DEVICES} matches`).waitFor();
  await shoot(page, 'devices-none-found');
  await field.fill('');
  await expect.poll(count(page)).toBe(`1–25 of ${DEVICES}`);
}

async function lookAtLongNames(page: Page): Promise<void> {
  await page.getByTestId('device-search').fill('longest');
  await page.getByRole('link', { name: LONGEST_ID }).click();
  await page.getByText('No session yet').waitFor();
  await shoot(page, 'device-long-name');
  await page.goto(`${page.url().split('#')[0]}#/devices/lab/no-such-device`);
  await page.getByText('There is no device no-such-device in lab').waitFor();
  await shoot(page, 'device-missing');
}

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('many devices are paged, sorted and found, and the page says how many of how many', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems = await collectProblems(page);
    try {
      for (let index = 0; index < DEVICES; index += 1) await register(program, index);
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await page.getByTestId('nav-devices').click();
      await pageAndSort(page);
      await search(page);
      expect(problems).toEqual([]);
      await lookAtLongNames(page);
      // The browser itself notes what the server answered for the device that is not there.
      expect(problems.filter((text) => !text.includes('404'))).toEqual([]);
    } catch (error) {
      await page.screenshot({ path: join(screenshotFolder(), 'many-devices-failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 120_000);
});
