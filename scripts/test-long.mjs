/**
 * `npm run test:long`: the tests that find more the longer they run, with amounts for an hour instead of for minutes. Each
 * amount can be given in the environment. One after another, since killing the program wants a quiet computer.
 */
import { nodeBinary, packageFile, run, say, setUp, toolEnvironment } from './tool-chain.mjs';

/** @type {(readonly [string, Readonly<Record<string, string>>, readonly string[]])[]} */
const steps = [
  ['random inputs', { GATEHOUSE_RANDOM_INPUTS: '10000000' }, ['main/lorawan']],
  ['kills', { GATEHOUSE_KILLS: '200' }, ['test/kill-and-resume.test.ts']],
  [
    'simulation',
    { GATEHOUSE_SIMULATED_DEVICES: '1000', GATEHOUSE_SIMULATED_DAYS: '3' },
    ['test/simulation'],
  ],
];

await setUp();

/** @type {string[]} */
const failures = [];
for (const [name, amounts, paths] of steps) {
  const env = { ...amounts, ...toolEnvironment() };
  const given = Object.keys(amounts).map((variable) => `${variable}=${env[variable]}`);
  say(`\n── ${name}: ${given.join(' ')}`);
  const startedMs = Date.now();
  const code = await run(nodeBinary(), [packageFile('vitest', 'vitest.mjs'), 'run', ...paths], {
    env,
  });
  say(`${name}: ${Math.round((Date.now() - startedMs) / 1000)} s`);
  if (code !== 0) failures.push(name);
}
say(failures.length > 0 ? `Failed: ${failures.join(', ')}` : 'All of it passed.');
process.exit(failures.length === 0 ? 0 : 1);
