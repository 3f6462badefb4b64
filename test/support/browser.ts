import chromiumPackage from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';
import { unavailable } from './unavailable.ts';

/** The Chromium the tests use, or undefined (and said so at the end of the run) if it cannot start here. */
export async function openBrowser(): Promise<Browser | undefined> {
  try {
    return await chromium.launch({
      executablePath: await chromiumPackage.executablePath(),
      args: [...chromiumPackage.args, '--no-sandbox'],
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
