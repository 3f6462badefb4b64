import chromiumPackage from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';
import { unavailable } from './unavailable.ts';

/**
 * The Chromium the tests use, or undefined (and said so at the end of the run) if it cannot start here. By default all its
 * pages share one process and one main thread; with `processPerTab` each tab has its own, as on a user's desk.
 */
export async function openBrowser({ processPerTab = false } = {}): Promise<Browser | undefined> {
  const args = chromiumPackage.args.filter((one) => !processPerTab || one !== '--single-process');
  try {
    return await chromium.launch({
      executablePath: await chromiumPackage.executablePath(),
      args: [...args, '--no-sandbox'],
      headless: true,
    });
  } catch (error) {
    unavailable(
      'browser',
      error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
    );
    return undefined;
  }
}
