import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { collectProblems, screenshotFolder, shoot } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-browser-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The demonstration's application, as a script would read it. */
function getApplication(program: HeadlessProcess): Promise<Response> {
  return fetch(`http://${program.addresses.http}/api/v3/applications/demo`, {
    headers: { authorization: `Bearer ${API_KEY}` },
  });
}

async function lookAtEmptyPages(page: Page): Promise<void> {
  await page.getByText('No frame was heard yet').waitFor();
  await shoot(page, 'empty');
  await page.getByTestId('nav-devices').click();
  await page.getByText('No end device in this application').waitFor();
  await shoot(page, 'devices-empty');
  await page.getByTestId('nav-gateways').click();
  await page.getByText('No packet forwarder has said anything yet').waitFor();
  await shoot(page, 'gateways-empty');
  await page.getByTestId('nav-frames').click();
}

async function lookAtFrames(page: Page): Promise<void> {
  const joinRequest = page.getByTestId('frame-row').filter({ hasText: 'Join request' }).last();
  await joinRequest.waitFor({ timeout: 60_000 });
  await joinRequest.click();
  await page.getByText('The frame was verified and taken.').waitFor();
  await page.getByText('DevNonce').first().waitFor();
  await shoot(page, 'frames');
  const uplink = page.getByTestId('frame-row').filter({ hasText: 'demo-greenhouse' });
  await uplink.filter({ hasText: 'Unconfirmed up' }).first().click({ timeout: 60_000 });
  // CayenneLPP of the demonstration's greenhouse, decoded by the server.
  await page.getByTestId('decoded-payload').filter({ hasText: 'temperature_1' }).waitFor();
  await shoot(page, 'inspector-uplink');
  const down = page.getByTestId('frame-row').filter({ hasText: 'Join accept' }).first();
  // A downlink shows its data rate as index and modulation, like an uplink, and leads to its uplink.
  await down.filter({ hasText: /DR\d · SF/ }).click();
  await page.getByTestId('related-frame').filter({ hasText: 'Uplink it answers' }).click();
  await page.getByTestId('inspector').getByText('Join request').waitFor();
}

async function pauseAndExport(page: Page): Promise<void> {
  await page.getByTestId('frame-pause').click();
  await page
    .getByTestId('frame-waiting')
    .filter({ hasText: /\d+ new frames? waits?/ })
    .waitFor({ timeout: 60_000 });
  await shoot(page, 'frames-paused');
  await page.getByTestId('frame-filter').fill('nothing like this');
  await page.getByText('No recorded frame matches the filter').waitFor();
  await shoot(page, 'frames-no-match');
  await page.getByRole('button', { name: 'Clear filter' }).last().click();
  await page.getByTestId('export-frames').click();
  await page.getByText('All recorded frames, newest first').waitFor();
  await shoot(page, 'export');
  const download = page.waitForEvent('download');
  await page.getByTestId('export-submit').click();
  const lines = readFileSync(await (await download).path(), 'utf8')
    .trim()
    .split('\n');
  expect(lines.length).toBeGreaterThan(3);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ f_type: 'JOIN_REQUEST' });
  await page.getByTestId('frame-pause').click();
}

async function lookAtOtherPages(page: Page): Promise<void> {
  await page.getByTestId('shortcut-help').click();
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await shoot(page, 'shortcuts');
  await page.keyboard.press('Escape');
  for (const name of ['Devices', 'Gateways', 'Workspace']) {
    await page.getByRole('link', { name }).click();
    await page.getByRole('heading', { name }).first().waitFor();
    if (name === 'Workspace') await page.getByText('Event loop delay').waitFor();
    await shoot(page, name.toLowerCase());
  }
  await page.getByText('000001', { exact: true }).waitFor();
}

async function loseTheConnection(page: Page, program: HeadlessProcess): Promise<void> {
  await program.stop();
  await page.getByTestId('connection-lost').waitFor();
  await page.getByTestId('nav-frames').click();
  await shoot(page, 'connection-lost');
}

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('the demonstration brings frames to the screen, and the inspector explains them', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems = await collectProblems(page);
    try {
      const url = /browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '';
      await page.goto(url);
      await lookAtEmptyPages(page);
      await page.getByRole('button', { name: 'Start the demo' }).click();
      await lookAtFrames(page);
      await pauseAndExport(page);
      await lookAtOtherPages(page);
      await page.getByTestId('demo-remove').click();
      await page.getByTestId('demo-badge').waitFor({ state: 'detached' });
      const application = await getApplication(program);
      expect(application.status).toBe(404);
      expect(problems).toEqual([]);
      await loseTheConnection(page, program);
    } catch (error) {
      await page.screenshot({ path: join(screenshotFolder(), 'demo-failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 180_000);
});
