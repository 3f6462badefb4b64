import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CAUSES, type CauseCode } from './causes.ts';

/** Only in records of earlier versions, whose verdicts have to stay readable. */
const HISTORIC: readonly CauseCode[] = ['rejoin_request'];
const GENERATED = 'api/gen';

const root = new URL('../../', import.meta.url);

function typescript(folder: string): readonly (readonly [path: string, text: string])[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes(GENERATED))
    .map((path) => [`${folder}${path}`, readFileSync(new URL(`${folder}${path}`, root), 'utf8')]);
}

const files = [...typescript('main/'), ...typescript('test/')].filter(
  ([path]) => !path.startsWith('main/base/causes'),
);
const isTest = ([path]: readonly [string, string]): boolean => path.endsWith('.test.ts');
const tests = files.filter(isTest);
const sources = files.filter((file) => !isTest(file) && !file[0].includes('/testing/'));
const codes = Object.keys(CAUSES) as CauseCode[];

test.each(codes)('%s has a sentence, and what to do is one as well', (code) => {
  const { text, suggestion } = CAUSES[code];
  expect(text).toMatch(/^[A-Z].*\.$/);
  expect(suggestion).toMatch(/^$|^[A-Z].*\.$/);
});

const present = codes.filter((code) => !HISTORIC.includes(code));

test.each(present)('%s is given by the program and reached by a test', (code) => {
  const named = new RegExp(`['"\`/ .]${code}['"\`/ :]`);
  const naming = (list: typeof files) =>
    list.filter(([, text]) => named.test(text)).map(([path]) => path);
  expect(naming(sources)).not.toEqual([]);
  expect(naming(tests)).not.toEqual([]);
});

test('no cause is used that is not in the list', () => {
  const uses = /(?:\b(?:cause|causeCode): |\b(?:refused?|drop)\()'([a-z0-9_]+)'/g;
  const folders = ['network-server', 'gateway-server', 'join-server', 'application-server'];
  const used = sources
    .filter(([path]) => folders.some((folder) => path.startsWith(`main/${folder}/`)))
    .flatMap(([path, text]) => [...text.matchAll(uses)].map(([, code = '']) => [path, code]));
  expect(used.length).toBeGreaterThan(40);
  expect(used.filter(([, code = '']) => !(code in CAUSES))).toEqual([]);
});
