import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';

const shots = fileURLToPath(new URL('../test-results/', import.meta.url));
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

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('the demonstration brings frames to the screen, and the inspector explains them', async () => {
    mkdirSync(shots, { recursive: true });
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    try {
      const url = /browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '';
      await page.goto(url);
      await page.getByText('No frame was heard yet').waitFor();
      await page.screenshot({ path: join(shots, 'empty.png') });
      await page.getByRole('button', { name: 'Start the demo' }).click();
      const joinRequest = page.getByText('Join request').first();
      await joinRequest.waitFor({ timeout: 60_000 });
      await joinRequest.click();
      await page.getByText('The frame was verified and taken.').waitFor();
      await page.getByText('DevNonce').first().waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(shots, `frames-${colorScheme}.png`) });
      }
      for (const name of ['Devices', 'Gateways', 'Workspace']) {
        await page.getByRole('link', { name }).click();
        await page.getByRole('heading', { name }).first().waitFor();
        await page.screenshot({ path: join(shots, `${name.toLowerCase()}-dark.png`) });
      }
      await page.getByTestId('demo-remove').click();
      await page.getByTestId('demo-badge').waitFor({ state: 'detached' });
      const application = await getApplication(program);
      expect(application.status).toBe(404);
      expect(problems).toEqual([]);
    } finally {
      await page.close();
      await program.stop();
    }
  }, 90_000);
});
