/**
 * Compiles the addon of `native/` with the C compiler of this machine, once per state of its sources. Without a
 * compiler the program runs on its TypeScript cryptography.
 *
 *   node scripts/native.mjs [x64] [arm64]    for packages: also for other processors; a failure ends with code 1
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOf, packageFile, root, say, unlessUpToDate } from './tool-chain.mjs';

/** The compiler by its usual name, or as MinGW and the variable CC call it. */
export const usualCompiler = process.env.CC ?? (process.platform === 'win32' ? 'gcc' : 'cc');
const ARGUMENTS = ['-std=gnu11', '-O3', '-Wall', '-Wextra', '-fvisibility=hidden', '-shared'];

/**
 * On Windows the functions of Node-API are looked up in the running program, so nothing is linked there.
 * @param {string} arch
 */
function platformArguments(arch) {
  if (process.platform === 'darwin') {
    return ['-undefined', 'dynamic_lookup', '-arch', arch === 'x64' ? 'x86_64' : arch];
  }
  return process.platform === 'win32' ? ['-static-libgcc'] : ['-fPIC'];
}

/**
 * Compiles into another file first: a running program keeps the one it has loaded.
 * @param {string} addonFile
 * @param {string} arch
 * @param {string} compiler
 * @param {readonly string[]} more arguments for the compiler
 * @returns {string | undefined} why there is no addon
 */
export function compileAddon(addonFile, arch, compiler = usualCompiler, more = []) {
  const sources = readdirSync(join(root, 'native')).filter((file) => file.endsWith('.c'));
  const fresh = `${addonFile}.${process.pid}`;
  mkdirSync(dirname(addonFile), { recursive: true });
  const { status, error, stderr } = spawnSync(
    compiler,
    [
      ...ARGUMENTS,
      ...more,
      ...platformArguments(arch),
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
  for (const file of [fresh, addonFile]) rmSync(file, { force: true });
  if (error) return `there is no C compiler "${compiler}"`;
  return `"${compiler}" ended with code ${status}: ${stderr.trim().split('\n')[0]}`;
}

/**
 * Compiles the addon unless it is up to date. A failure is one line, and is tried again the next time.
 * @param {string} [arch] another processor than this one's
 * @returns {Promise<boolean>} whether the addon is there
 */
export async function ensureNative(arch = process.arch) {
  const name = `${process.platform}-${arch}`;
  const addonFile = join(root, '.cache', 'native', `${name}.node`);
  const inputs = `${hashOf(['native', 'scripts/native.mjs'])} ${usualCompiler} ${name}`;
  await unlessUpToDate(`native-${name}`, inputs, addonFile, async () => {
    const problem = compileAddon(addonFile, arch);
    if (problem) say(`The cryptography runs in TypeScript, since ${problem}.`);
  });
  return existsSync(addonFile);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const arch of process.argv.length > 2 ? process.argv.slice(2) : [process.arch]) {
    if (!(await ensureNative(arch))) process.exitCode = 1;
  }
}
