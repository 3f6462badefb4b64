/**
 * Compiles the addon of `native/` with the C compiler of this machine, once per state of its sources. Without a
 * compiler the program runs on its TypeScript cryptography.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf, packageFile, root, say, unlessUpToDate } from './tool-chain.mjs';

const name = `${process.platform}-${process.arch}`;
/** The compiler by its usual name, or as MinGW and the variable CC call it. */
const compiler = process.env.CC ?? (process.platform === 'win32' ? 'gcc' : 'cc');
const ARGUMENTS = ['-std=gnu11', '-O3', '-Wall', '-Wextra', '-fvisibility=hidden', '-shared'];

/** On Windows the functions of Node-API are looked up in the running program, so nothing is linked there. */
function platformArguments() {
  if (process.platform === 'darwin') return ['-undefined', 'dynamic_lookup'];
  return process.platform === 'win32' ? ['-static-libgcc'] : ['-fPIC'];
}

/**
 * Compiles into another file first: a running program keeps the one it has loaded.
 * @param {string} folder
 * @param {string} addonFile
 * @returns {string | undefined} why there is no addon
 */
function compile(folder, addonFile) {
  const sources = readdirSync(join(root, 'native')).filter((file) => file.endsWith('.c'));
  const fresh = join(folder, `${name}.${process.pid}.tmp`);
  mkdirSync(folder, { recursive: true });
  const { status, error, stderr } = spawnSync(
    compiler,
    [
      ...ARGUMENTS,
      ...platformArguments(),
      `-I${packageFile('node-api-headers', 'include')}`,
      '-o',
      fresh,
      ...sources.map((file) => join(root, 'native', file)),
    ],
    { encoding: 'utf8' },
  );
  if (!error && status === 0) {
    renameSync(fresh, addonFile);
    return undefined;
  }
  rmSync(fresh, { force: true });
  rmSync(addonFile, { force: true });
  if (error) return `there is no C compiler "${compiler}"`;
  return `"${compiler}" failed: ${stderr.trim().split('\n')[0] ?? ''}`;
}

/** Compiles the addon unless it is up to date. A failure is one line, and is tried again the next time. */
export async function ensureNative() {
  const folder = join(root, '.cache', 'native');
  const addonFile = join(folder, `${name}.node`);
  const inputs = `${hashOf(['native', 'scripts/native.mjs'])} ${compiler} ${name}`;
  await unlessUpToDate('native', inputs, addonFile, async () => {
    const problem = compile(folder, addonFile);
    if (problem) say(`The cryptography runs in TypeScript, since ${problem}.`);
  });
}
