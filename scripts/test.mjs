/**
 * `npm test`: set-up, types, lint, unit, integration and browser tests, and the packaging check. Ends with the suites
 * this machine could not run; with REQUIRE_ALL=1 each of them is a failure.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeBinary, packageFile, root, run, say, setUp, toolEnvironment } from './tool-chain.mjs';

await setUp();

const cache = join(root, '.cache');
mkdirSync(cache, { recursive: true });
const unavailableFile = join(cache, 'unavailable.jsonl');
const resultsFile = join(cache, 'vitest.json');
for (const file of [unavailableFile, resultsFile]) rmSync(file, { force: true });

const environment = { ...toolEnvironment(), GATEHOUSE_UNAVAILABLE_FILE: unavailableFile };
const node = nodeBinary();
const bin = (/** @type {string} */ name) =>
  packageFile('.bin', process.platform === 'win32' ? `${name}.cmd` : name);
const shell = process.platform === 'win32';

/** @type {(readonly [string, string, readonly string[]])[]} */
const checks = [
  ['types', bin('tsc'), ['-p', '.']],
  ['lint', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['contract', bin('buf'), ['build', 'main/api']],
  [
    'tests',
    node,
    [
      packageFile('vitest', 'vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${resultsFile}`,
      ...process.argv.slice(2),
    ],
  ],
];
if (existsSync(join(root, 'renderer/index.html'))) {
  checks.push(['packaging', node, [join(root, 'scripts/package-check.mjs')]]);
}

/** @type {string[]} */
const failures = [];
for (const [name, file, args] of checks) {
  say(`\n── ${name}`);
  const code = await run(file, args, {
    env: environment,
    shell: shell && file !== node,
  });
  if (code !== 0) failures.push(name);
}

const unavailable = existsSync(unavailableFile)
  ? readFileSync(unavailableFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  : [];
say('');
for (const { suite, reason } of unavailable) say(`Not run here: ${suite}: ${reason}`);
if (unavailable.length === 0) say('Every suite could run here.');
if (process.env.REQUIRE_ALL === '1' && unavailable.length > 0) failures.push('suites not run');
if (failures.length > 0) say(`Failed: ${failures.join(', ')}`);

const counts = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : {};
const otherFailures = failures.filter((name) => name !== 'tests').length;
const passed = (counts.numPassedTests ?? 0) + (checks.length - 1 - otherFailures);
const failed = (counts.numFailedTests ?? 1) + otherFailures;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failures.length === 0 ? 0 : 1);
