import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openBrowser } from './support/browser.ts';
import { startHeadless } from './support/headless-process.ts';
import { collectProblems, shoot } from './support/page-checks.ts';

const browser = await openBrowser();
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-connection-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

describe.runIf(browser !== undefined)('in a real browser', () => {
  test('a connection that breaks is said to be lost and to be back, a session that is gone to be gone', async () => {
    const program = await startHeadless(directory);
    const page = await (browser as NonNullable<typeof browser>).newPage({
      viewport: { width: 1280, height: 800 },
    });
    const problems = await collectProblems(page);
    try {
      const watch = '**/gatehouse.v1.Workspace/Watch';
      await page.route(watch, (route) => route.abort());
      await page.goto(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
      const bar = page.getByTestId('connection-lost');
      await bar.getByText(/Next attempt in \d+ s/).waitFor();
      // Nothing is claimed about gateways that nobody heard of.
      const footer = page.getByTestId('status-footer');
      await footer.getByText('Not connected; the state of the gateways is unknown').waitFor();
      await shoot(page, 'connecting-failed');
      await page.unroute(watch);
      await bar.getByRole('button', { name: 'Try now' }).click();
      await page.getByText('Connected again').waitFor();
      await bar.waitFor({ state: 'detached' });
      await footer.getByText(/running · no frame yet · no statistics yet/).waitFor();
      // The browser notes each attempt that was cut off; nothing else went wrong.
      expect(problems.filter((text) => !text.includes('net::ERR_FAILED'))).toEqual([]);

      await page.context().clearCookies();
      await page.reload();
      await page.getByText('This page needs a new link').waitFor();
      await shoot(page, 'no-session');
    } finally {
      await page.close();
      await program.stop();
    }
  }, 60_000);
});
