import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../', import.meta.url);
const workflows = new URL('.github/workflows/', root);

test('the workflows call only scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const called = readdirSync(workflows).flatMap((name) =>
    [...readFileSync(new URL(name, workflows), 'utf8').matchAll(/npm run ([\w:-]+)/g)].map(
      ([, script]) => script,
    ),
  );
  expect(called).toContain('build');
  expect(called.filter((script) => !(script && script in scripts))).toEqual([]);
});
