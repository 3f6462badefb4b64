/**
 * Checks that the program can be packaged and that the package runs, without network and without Electron's binary: the
 * packager works on a stub in its place, and the packed program is then started by Node, away from this folder.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureNative } from './native.mjs';
import {
  ensureBundle,
  ensureContract,
  ensureInstalled,
  ensureRenderer,
  nodeBinary,
  packageFile,
  root,
  run,
  say,
  toolEnvironment,
} from './tool-chain.mjs';

await ensureInstalled();
await ensureContract();
await ensureNative();
await ensureRenderer();
await ensureBundle();

const require = createRequire(import.meta.url);
/** Packages are loaded only now, since they may have been installed just above. */
const { Ajv } = require('ajv');
const { load } = require('js-yaml');
const asar = await import('@electron/asar');

/** The addon of this platform, where a compiler has made one. */
const ADDON = `dist/main/native/${process.platform}-${process.arch}.node`;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;
const BUILD_LIMIT_MS = 300_000;

/** A broken package, as opposed to a broken check. */
class PackageProblem extends Error {}

/**
 * @param {unknown} condition
 * @param {string} problem
 */
function expect(condition, problem) {
  if (!condition) throw new PackageProblem(problem);
}

/** @returns {Record<string, any>} */
function readConfiguration() {
  return load(readFileSync(join(root, 'electron-builder.yml'), 'utf8'));
}

/** @param {Record<string, any>} configuration */
function checkSchema(configuration) {
  const ajv = new Ajv({ strict: false, allErrors: false });
  // The schema's own word for functions, which a file cannot hold.
  ajv.addKeyword({ keyword: 'typeof', validate: () => false });
  const schema = JSON.parse(readFileSync(packageFile('app-builder-lib', 'scheme.json'), 'utf8'));
  const valid = ajv.validate(schema, configuration);
  const [error] = ajv.errors ?? [];
  const where = `${error?.instancePath} ${error?.message} ${JSON.stringify(error?.params)}`;
  expect(valid, `electron-builder.yml does not fit the schema: ${where}`);
}

/** @param {Record<string, any>} configuration */
function checkReferences(configuration) {
  const { mac, win, linux, deb, rpm, directories } = configuration;
  const fpmSources = [...deb.fpm, ...rpm.fpm].map(
    (/** @type {string} */ item) => item.split('=')[0],
  );
  for (const path of [
    directories.buildResources,
    mac.icon,
    mac.entitlements,
    mac.entitlementsInherit,
    win.icon,
    linux.icon,
    ...fpmSources,
    'dist/main/desktop.js',
    'dist/main/headless.js',
    'dist/main/store-worker.js',
    'dist/main/formatter-worker.js',
    'dist/main/catalogue-worker.js',
    'dist/main/quickjs.wasm',
    'dist/main/icon.png',
    'dist/preload/preload.cjs',
    'dist/renderer/index.html',
  ]) {
    expect(existsSync(join(root, path)), `${path} is referenced but does not exist`);
  }
  for (const part of [configuration, deb, rpm, linux]) {
    expect(
      part.afterInstall === undefined,
      'an install script of our own would replace the one that makes the sandbox work',
    );
  }
  const { main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(main === 'dist/main/desktop.js', 'package.json has to start dist/main/desktop.js');
  const preload = readFileSync(join(root, 'dist/preload/preload.cjs'), 'utf8');
  const required = [...preload.matchAll(/\brequire\(["'`]([^"'`]+)/g)].map((match) => match[1]);
  expect(
    required.every((name) => name === 'electron') && !/^\s*(import|export)\s/m.test(preload),
    `a sandboxed preload script may require electron only, not ${required.join(', ')}`,
  );
}

/**
 * What the packager expects of an Electron distribution, without any program in it.
 * @param {string} folder
 * @param {'linux' | 'win'} target
 */
function makeStub(folder, target) {
  const program = target === 'win' ? 'electron.exe' : 'electron';
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'), { recursive: true });
  for (const file of ['LICENSE', 'LICENSES.chromium.html', 'version', 'locales/en-US.pak']) {
    writeFileSync(join(folder, file), '');
  }
  for (const file of [program, 'chrome-sandbox', 'chrome_crashpad_handler']) {
    writeFileSync(join(folder, file), '#!/bin/sh\nexit 1\n');
    chmodSync(join(folder, file), 0o755);
  }
}

/**
 * Runs the packager on the stub; answers the folder with the packed program.
 * @param {string} folder
 * @param {Record<string, any>} configuration
 */
async function packWithStub(folder, configuration) {
  const target = process.platform === 'win32' ? 'win' : 'linux';
  const electronDist = join(folder, 'electron');
  const output = join(folder, 'out');
  makeStub(electronDist, target);
  // Fuses are bits in Electron's binary, and the stub has none; nor can it be signed.
  const { electronFuses: _fuses, ...rest } = configuration;
  const changed = {
    ...rest,
    electronDist,
    directories: { ...configuration.directories, output },
    win: { ...configuration.win, signAndEditExecutable: false },
  };
  const configurationFile = join(folder, 'electron-builder.json');
  writeFileSync(configurationFile, JSON.stringify(changed));
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(), BUILD_LIMIT_MS);
  try {
    const code = await run(
      nodeBinary(),
      [
        packageFile('electron-builder', 'cli.js'),
        `--${target}`,
        '--dir',
        `--${process.arch}`,
        '--publish',
        'never',
        '--projectDir',
        root,
        '--config',
        configurationFile,
      ],
      { env: toolEnvironment(), signal: stop.signal, stdio: ['ignore', 2, 2] },
    );
    expect(code === 0, `electron-builder ended with code ${code}; see the lines above`);
  } finally {
    clearTimeout(limit);
  }
  const architecture = process.arch === 'x64' ? '' : `${process.arch}-`;
  return join(output, `${target}-${architecture}unpacked`, 'resources');
}

/** @param {string} archive */
function checkContents(archive) {
  const files = asar
    .listPackage(archive, { isPack: false })
    .map((file) => file.replaceAll('\\', '/'));
  const surplus = files.find((file) => file.includes('/testdata/') || file.startsWith('/test/'));
  expect(surplus === undefined, `${surplus} is for tests and does not belong into the package`);
  const native = `/node_modules/better-sqlite3/prebuilds/${process.platform}-${process.arch}.node`;
  for (const file of [
    '/package.json',
    '/dist/main/desktop.js',
    '/dist/main/headless.js',
    '/dist/main/store-worker.js',
    '/dist/main/formatter-worker.js',
    '/dist/main/catalogue-worker.js',
    '/dist/main/quickjs.wasm',
    ...(existsSync(join(root, ADDON)) ? [`/${ADDON}`] : []),
    '/dist/preload/preload.cjs',
    '/dist/renderer/index.html',
    '/node_modules/serialport/package.json',
    '/node_modules/@serialport/bindings-cpp/package.json',
    ...(process.platform === 'darwin' ? [] : [native]),
  ]) {
    expect(files.includes(file), `${file} is missing in the package`);
  }
  const strange = files.find(
    (file) =>
      /\.(ts|tsx|map)$/.test(file) ||
      /^\/(main|renderer|preload|test|scripts|native)\//.test(file) ||
      /^\/node_modules\/(react|vite|electron|typescript|pino|@bufbuild|@connectrpc)\//.test(file),
  );
  expect(strange === undefined, `${strange} has no business in the package`);
  const prebuilds = files.filter((file) => /better-sqlite3\/prebuilds\/./.test(file));
  expect(prebuilds.length === 1, `natives of other platforms are packed: ${prebuilds.join(', ')}`);
  const addons = files.filter((file) => /^\/dist\/main\/native\/./.test(file));
  expect(addons.length <= 1, `addons of other platforms are packed: ${addons.join(', ')}`);
  const unpacked = `${archive}.unpacked`;
  for (const file of [
    'dist/main/store-worker.js',
    'dist/main/formatter-worker.js',
    'dist/main/catalogue-worker.js',
    ...addons.map((addon) => addon.slice(1)),
  ]) {
    expect(existsSync(join(unpacked, file)), `${file} has to lie outside the archive`);
  }
}

/**
 * Starts the packed program; answers where it serves HTTP.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<string>}
 */
function listeningAddress(child) {
  return new Promise((resolve, reject) => {
    /** @type {string[]} */
    const lines = [];
    const limit = setTimeout(
      () => reject(new PackageProblem(`it did not listen in time:\n${lines.join('\n')}`)),
      START_LIMIT_MS,
    );
    /** @param {string} line */
    const read = (line) => {
      lines.push(line);
      if (!line.startsWith('{')) return;
      try {
        const message = JSON.parse(line);
        if (message.event === 'listening' && message.service === 'http') {
          clearTimeout(limit);
          resolve(message.address);
        }
      } catch {
        // A line of text that only starts like JSON.
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', read);
    }
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      reject(new PackageProblem(`it ended with code ${code}:\n${lines.join('\n')}`));
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child */
async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(limit);
}

/**
 * Loads every package left outside the bundles, whether or not starting alone would.
 * @param {string} app folder of the unpacked program
 */
async function checkNatives(app) {
  const addon = join(app, ADDON);
  const programs = ['better-sqlite3', 'serialport'].map((name) => [
    name,
    `await import('${name}')`,
  ]);
  if (existsSync(addon)) {
    const load = `process.getBuiltinModule('module').createRequire(import.meta.url)`;
    programs.push(['addon', `${load}(${JSON.stringify(addon)})`]);
  }
  for (const [name, program] of programs) {
    const code = await run(nodeBinary(), ['--input-type=module', '--eval', program], {
      cwd: app,
      stdio: ['ignore', 2, 2],
    });
    expect(code === 0, `the packed ${name} does not load; see the lines above`);
  }
}

/**
 * @param {string} app folder of the unpacked program
 * @param {string} dataFolder
 */
async function checkStarts(app, dataFolder) {
  const addresses = ['--http', '127.0.0.1:0', '--grpc', '127.0.0.1:0', '--udp', '127.0.0.1:0'];
  const child = spawn(
    nodeBinary(),
    [
      join(app, 'dist/main/headless.js'),
      '--headless',
      ...addresses,
      '--no-open',
      '--data-dir',
      dataFolder,
    ],
    { cwd: app, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  try {
    const address = await listeningAddress(child);
    const response = await fetch(`http://${address}/`);
    const text = await response.text();
    expect(
      response.ok && /<!doctype html>/i.test(text),
      `http://${address}/ answered ${response.status} ${text.slice(0, 200)}`,
    );
    say(`The packed program served its page at http://${address}/.`);
  } finally {
    await stop(child);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-package-'));
let failed = false;
try {
  const configuration = readConfiguration();
  checkSchema(configuration);
  checkReferences(configuration);
  const resources = await packWithStub(folder, configuration);
  checkContents(join(resources, 'app.asar'));
  const app = join(folder, 'app');
  asar.extractAll(join(resources, 'app.asar'), app);
  if (process.platform === 'darwin') {
    say('Packaged for Linux; what is packed there cannot be started here.');
  } else {
    await checkNatives(app);
    await checkStarts(app, join(folder, 'data'));
  }
} catch (error) {
  if (!(error instanceof PackageProblem)) throw error;
  say(`Packaging check failed: ${error.message}`);
  failed = true;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(failed ? 1 : 0);
