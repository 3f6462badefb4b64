import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { collectProblems, screenshotFolder, shoot } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-device-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

async function connectGateways(page: Page): Promise<void> {
  await page.getByTestId('nav-gateways').click();
  await page.getByTestId('add-link').first().click();
  await page.getByText('In my network').click();
  await page.getByText('The UDP protocol has no authentication').waitFor();
  await shoot(page, 'add-gateway-network');
  await page.getByText('Serial modem', { exact: true }).first().click();
  await page.getByText('Look for ports again').or(page.getByLabel('Serial port')).first().waitFor();
  await shoot(page, 'add-gateway-serial');
  await page.getByText('Virtual gateway', { exact: true }).first().click();
  await shoot(page, 'add-gateway');
  await page.getByTestId('link-submit').click();
  await page.getByTestId('link-card').nth(1).waitFor();
}

/** The listener that every workspace has can be opened to the network by hand, whatever address the program was given. */
async function openListenerToNetwork(page: Page): Promise<void> {
  const card = page.getByTestId('link-card').filter({ hasText: 'Packet forwarders' });
  await card
    .getByText(/127\.0\.0\.1:\d+/)
    .first()
    .waitFor();
  await card.getByLabel('Settings of Packet forwarders').click();
  await page.getByText('In my network').click();
  await page.getByLabel('UDP port').fill('0');
  await page.getByTestId('link-submit').click();
  await card
    .getByText(/0\.0\.0\.0:\d+/)
    .first()
    .waitFor();
}

async function registerDevice(page: Page): Promise<void> {
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
  // What was typed survives a look at another page. Class A is said and class C offered.
  await page.getByTestId('nav-frames').click();
  await page.getByTestId('nav-devices').click();
  await page.getByTestId('register-device').first().click();
  await page.getByText('What you typed before is still here').waitFor();
  await page.getByTestId('class-note').filter({ hasText: 'class A' }).waitFor();
  expect(await page.getByLabel(/class C/i).isChecked()).toBe(false);
  expect(await page.getByLabel(/class B/i).count()).toBe(0);
  await shoot(page, 'register');
  await page.getByTestId('register-submit').click();
}

async function readKeys(page: Page): Promise<void> {
  await page.getByTestId('tab-overview').click();
  await page.getByText('Root keys and session keys are kept back').waitFor();
  expect(await page.getByText('NwkSKey').count()).toBe(0);
  await page.getByTestId('reveal-keys').click();
  const keys = page.getByTestId('device-keys');
  for (const name of ['AppKey', 'NwkSKey', 'AppSKey']) await keys.getByText(name).first().waitFor();
  const shown = await keys.locator('dd').allTextContents();
  expect(shown).toHaveLength(3);
  for (const key of shown) expect(key).toMatch(/^[0-9A-F]{32}$/);
  await shoot(page, 'device-keys');
  await page.getByTestId('byte-form').first().click();
  await page.getByRole('option', { name: 'C array, LSB first' }).click();
  const bytes = shown[0]?.match(/../g)?.toReversed() ?? [];
  await keys.getByText(`{ ${bytes.map((byte) => `0x${byte}`).join(', ')} }`).waitFor();
  await page.getByTestId('byte-form').first().click();
  await page.getByRole('option', { name: 'As printed (MSB)' }).click();
  await page.getByTestId('reveal-keys').click();
  await keys.waitFor({ state: 'detached' });
}

async function queue(page: Page, fPort: number, payload: string): Promise<void> {
  await page.getByRole('textbox', { name: 'FPort' }).fill(String(fPort));
  await page.getByTestId('downlink-payload').fill(payload);
  await page.getByTestId('downlink-submit').click();
  await page.getByTestId('queued-downlink').filter({ hasText: payload }).waitFor();
}

/** Ports of what waits, in order. */
function queuedPorts(page: Page): () => Promise<readonly string[]> {
  return () => page.getByTestId('queued-downlink').locator('td:nth-child(3)').allTextContents();
}

async function changeQueue(page: Page): Promise<void> {
  await page.getByTestId('tab-downlink').click();
  await page.getByText('Join accept').waitFor({ timeout: 40_000 });
  await page.getByText('Unconfirmed down').first().waitFor({ timeout: 60_000 });
  await queue(page, 41, 'A1');
  await queue(page, 42, 'A2');
  await queue(page, 43, 'A3');
  await shoot(page, 'downlink');
  const ports = queuedPorts(page);
  expect(await ports()).toEqual(['41', '42', '43']);
  await page.getByLabel('Delete the downlink on FPort 42').click();
  await expect.poll(ports).toEqual(['41', '43']);
  await page.getByTestId('undo').click();
  await expect.poll(ports).toEqual(['41', '42', '43']);
  await page.getByLabel('Delete the downlink on FPort 41').click();
  await expect.poll(ports).toEqual(['42', '43']);
  await page.getByTestId('queue-clear').click();
  await page.getByText('Nothing waits.').waitFor();
  await shoot(page, 'downlink-cleared');
  await page.getByTestId('undo').last().click();
  await expect.poll(ports).toEqual(['42', '43']);
}

async function tryFormatter(page: Page): Promise<void> {
  await page.getByTestId('tab-formatter').click();
  await page.getByRole('combobox', { name: 'Payload formatter' }).click();
  await page.getByRole('option', { name: 'JavaScript' }).click();
  await page.getByRole('button', { name: 'Decode' }).click();
  await page.getByText('"bytes"').waitFor();
  await page.getByText('Not saved yet').waitFor();
  await shoot(page, 'formatter');
  await page.getByTestId('tab-live').click();
  await page.getByText(/\d+ shown of this device/).waitFor();
  await shoot(page, 'device-live');
  await page.getByTestId('tab-formatter').click();
  await page.getByText('Not saved yet').waitFor();
  await page.getByRole('button', { name: 'Undo the changes' }).click();
  await page.getByTestId('device-delete').click();
  await page.getByRole('dialog', { name: /Delete this end device/ }).waitFor();
  await shoot(page, 'device-delete');
  await page.keyboard.press('Escape');
}

async function seeDownlink(page: Page): Promise<void> {
  await page.getByTestId('nav-gateways').click();
  await page.getByTestId('simulated-send').first().click();
  await page.getByTestId('nav-frames').click();
  // FPort 42 tells the queued downlink from those that carry MAC commands only.
  const down = page
    .getByTestId('frame-row')
    .filter({ hasText: 'Unconfirmed down' })
    .filter({ hasText: /42\s*DR\d+\s*·\s*SF/ })
    .filter({ hasText: 'Transmitted' });
  await down.first().waitFor({ timeout: 40_000 });
  await page.getByTestId('frame-row').filter({ hasText: 'Unconfirmed up' }).first().click();
  await page.getByTestId('inspector').waitFor();
  await shoot(page, 'inspector');
}

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('a registered device joins, is heard, and gets a downlink that is seen transmitted', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems = await collectProblems(page);
    try {
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      await connectGateways(page);
      await registerDevice(page);
      await changeQueue(page);
      await readKeys(page);
      await tryFormatter(page);
      await seeDownlink(page);
      await page.getByTestId('nav-gateways').click();
      await openListenerToNetwork(page);
      expect(problems).toEqual([]);
    } catch (error) {
      await page.screenshot({ path: join(screenshotFolder(), 'device-failed.png') });
      throw error;
    } finally {
      await page.close();
      await program.stop();
    }
  }, 180_000);
});
