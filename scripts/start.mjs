/** `npm start`: sets up what is missing, then runs the desktop shell, or the headless one where Electron is absent. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findElectron } from './electron.mjs';
import {
  ensureBundle,
  nodeBinary,
  programArguments,
  root,
  say,
  setUp,
  toolEnvironment,
} from './tool-chain.mjs';

const args = process.argv.slice(2);
const headless = args.includes('--headless');

await setUp();

const electron = headless ? undefined : await findElectron();
if (!headless && !electron) {
  say('No Electron binary here; serving the user interface in your browser instead.');
}
await ensureBundle();

const child = electron
  ? spawn(electron, [root, ...args], { stdio: 'inherit', env: process.env })
  : spawn(nodeBinary(), [...programArguments, join(root, 'dist/main/headless.js'), ...args], {
      stdio: 'inherit',
      env: { ...toolEnvironment(), NODE_COMPILE_CACHE: join(root, '.cache', 'compile') },
    });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.once('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
