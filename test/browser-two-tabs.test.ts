import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { type AbpDevice, registerAbpDevice } from './support/abp-device.ts';
import { openBrowser } from './support/browser.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { programApi } from './support/program-api.ts';
import { exchange, rxpkOf } from './support/udp-conversation.ts';
import { createUdpForwarder, type UdpForwarder } from './support/udp-forwarder.ts';

const browser = await openBrowser({ processPerTab: true });
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-tabs-'));

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** The program, a gateway, a device, and two tabs on the page of frames. */
interface Lab {
  readonly program: HeadlessProcess;
  readonly forwarder: UdpForwarder;
  readonly device: AbpDevice;
  readonly context: BrowserContext;
  readonly first: Page;
  readonly second: Page;
  readonly problems: readonly string[];
}

async function openLab(): Promise<Lab> {
  const program = await startHeadless(directory);
  const api = programApi(program);
  await api('POST', '/users/admin/applications', {
    application: { ids: { application_id: 'shop' } },
  });
  const device = await registerAbpDevice(api, {
    applicationId: 'shop',
    deviceId: 'door-7',
    devAddr: '02AB0001',
  });
  const forwarder = await createUdpForwarder({
    gatewayEui: 'AA555A0000000301',
    serverPort: Number(program.addresses.udp?.split(':')[1]),
  });
  await forwarder.pull();
  const context = await (browser as NonNullable<typeof browser>).newContext();
  const problems: string[] = [];
  const openTab = async (url: string): Promise<Page> => {
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(url);
    await page.getByText('No frame was heard yet').waitFor();
    return page;
  };
  // The link signs the browser in once; the second tab uses the same session.
  const first = await openTab(/browser: (\S+)/.exec(program.lines.join('\n'))?.[1] ?? '');
  const second = await openTab(`http://${program.addresses.http}/`);
  return { program, forwarder, device, context, first, second, problems };
}

let sent = 0;
/** Frames of the proprietary type, which are recorded and shown at once. */
function send({ forwarder }: Lab, count: number): void {
  for (const last = sent + count; sent < last; sent += 1) {
    const frame = Buffer.from(`E0${sent.toString(16).padStart(8, '0')}`, 'hex');
    forwarder.pushOnly({ rxpk: [rxpkOf(frame, sent)] });
  }
}

const countOf = async (page: Page): Promise<string> =>
  (await page.getByTestId('frame-count').textContent()) ?? '';
const rowsOf = (page: Page): Promise<string[]> =>
  page.getByTestId('frame-row').evaluateAll((rows) => rows.map((row) => row.textContent ?? ''));

/** Waits until a tab shows all of so many frames. */
async function expectShown(page: Page, total: number): Promise<void> {
  const text = `${total} shown of ${total} recorded`;
  await expect.poll(() => countOf(page), { timeout: 5_000 }).toBe(text);
}

/** Keeps a page's main thread busy; resolves once it is over. */
function block(page: Page, forMs: number): Promise<void> {
  return page.evaluate((ms) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }, forMs);
}

describe.runIf(browser !== undefined)('two tabs in a real browser', () => {
  test('show the same frames live, and neither disturbs the other or the network', async () => {
    const lab = await openLab();
    const { device, first, forwarder, problems, program, second } = lab;
    try {
      send(lab, 20);
      await Promise.all([expectShown(first, 20), expectShown(second, 20)]);
      const rows = await rowsOf(first);
      expect(rows.length).toBeGreaterThan(5);
      expect(await rowsOf(second)).toEqual(rows);

      await first.getByTestId('frame-pause').click();
      send(lab, 20);
      await expectShown(second, 40);
      expect(await countOf(first)).toContain('20 shown');
      await first.getByTestId('frame-pause').click();
      await expectShown(first, 40);
      expect(await rowsOf(first)).toEqual(await rowsOf(second));

      const unhindered = await exchange(forwarder, device);
      await Promise.all([expectShown(first, 42), expectShown(second, 42)]);
      let blocked = true;
      const blocking = block(first, 4_000).then(() => {
        blocked = false;
      });
      send(lab, 500);
      const { leadMs } = await exchange(forwarder, device);
      await expectShown(second, 544);
      expect(blocked).toBe(true);
      expect(leadMs).toBeGreaterThan(unhindered.leadMs - 150);
      await blocking;
      await expectShown(first, 544);
      expect(await rowsOf(first)).toEqual(await rowsOf(second));

      await first.close();
      send(lab, 10);
      await expectShown(second, 554);
      expect((await exchange(forwarder, device)).leadMs).toBeGreaterThan(unhindered.leadMs - 150);
      expect(problems).toEqual([]);
      expect(program.errors()).not.toMatch(/unhandled|"level":[56]0/i);
    } finally {
      await lab.context.close();
      await forwarder.close();
      await program.stop();
    }
  }, 60_000);
});
