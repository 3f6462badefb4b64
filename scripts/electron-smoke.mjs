/**
 * Starts the real Electron shell and looks into its window. Run it after `npm run build`, with the Electron binary
 * installed: `node scripts/electron-smoke.mjs`. With the path of a packaged program as argument it starts that one; it has
 * to be built with the inspect fuse on.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron } from 'playwright-core';
import { root, say } from './tool-chain.mjs';

const packaged = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-smoke-'));
const flags = ['--http', '--grpc', '--udp'].flatMap((flag) => [flag, '127.0.0.1:0']);

/** @type {[string, unknown, unknown][]} */
const results = [];
const app = await _electron.launch({
  ...(packaged !== undefined && { executablePath: packaged }),
  args: [
    ...(packaged === undefined ? [root] : []),
    ...(process.platform === 'linux' ? ['--ozone-platform=x11'] : []),
    ...flags,
    '--data-dir',
    join(folder, 'data'),
  ],
  timeout: 60_000,
});
try {
  const window = await app.firstWindow({ timeout: 60_000 });
  await window.waitForSelector('#root > *', { timeout: 60_000 });
  results.push(
    ['address', new URL(window.url()).href.startsWith('app://gatehouse/'), true],
    ['capability', await window.evaluate('Object.keys(window.gatehouse).join()'), 'onNavigate'],
    [
      'no Node in the page',
      await window.evaluate('typeof require + typeof process'),
      'undefinedundefined',
    ],
    ['origin', await window.evaluate('location.origin'), 'app://gatehouse'],
    ['windows', await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length), 1],
  );
  const opened = await window.evaluate('window.open("https://example.org/") === null');
  results.push(['no new windows', opened, true]);
  results.push([
    'foreign scheme host',
    await window.evaluate('fetch("app://elsewhere/").then(() => "served", () => "refused")'),
    'refused',
  ]);
} finally {
  await app.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

const wrong = results.filter(([, found, wanted]) => found !== wanted);
for (const [what, found] of wrong) say(`Wrong: ${what}: ${String(found)}`);
say(`${results.length - wrong.length} of ${results.length} checks hold.`);
process.exit(wrong.length === 0 ? 0 : 1);
