/** Finds the Electron binary, trying once to download it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeBinary, packageFile, root, run, say, toolEnvironment } from './tool-chain.mjs';

const DOWNLOAD_LIMIT_MS = 10_000;

/** Path of the Electron binary, or undefined. */
function electronBinary() {
  const named = packageFile('electron', 'path.txt');
  if (!existsSync(named)) return undefined;
  const path = packageFile('electron', 'dist', readFileSync(named, 'utf8').trim());
  return existsSync(path) ? path : undefined;
}

/**
 * The Electron binary, after at most one download attempt of ten seconds per installed version.
 * @returns {Promise<string | undefined>}
 */
export async function findElectron() {
  const present = electronBinary();
  if (present) return present;
  const version = JSON.parse(readFileSync(packageFile('electron', 'package.json'), 'utf8')).version;
  const tried = join(root, '.cache', 'electron-attempt');
  if (existsSync(tried) && readFileSync(tried, 'utf8') === version) return undefined;
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(tried, version);
  say('Looking for the Electron binary (at most 10 s) …');
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), DOWNLOAD_LIMIT_MS);
  try {
    await run(nodeBinary(), [packageFile('electron', 'install.js')], {
      env: toolEnvironment(),
      signal: stop.signal,
      stdio: 'ignore',
    });
  } catch {
    // Aborted or not startable: the headless shell serves instead.
  } finally {
    clearTimeout(timer);
  }
  return electronBinary();
}
