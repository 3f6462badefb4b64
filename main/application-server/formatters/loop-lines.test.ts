import { afterAll, expect, test } from 'vitest';
import { LOOP_LINE, LOOP_TURNS, withLoopMarks } from './loop-marks.ts';
import { realFormatterService } from './testing.ts';

const service = realFormatterService();
afterAll(() => service.close());

const timeout = (script: string) =>
  service.decodeUplink({ scope: 'a', script, fPort: 1, bytes: Uint8Array.of(1) });

const around = (loop: string): string => `// A decoder.
function decodeUplink(input) {
  var n = input.bytes.indexOf(1);
  var text = 'while (true) { /* not this */ }';

${loop}
  return { data: { n: n } };
}`;

test.each([
  ['for (;;) {}', 6],
  ['while (true) {}', 6],
  ['\n\nwhile (n >= 0) n += 1;', 8],
  ['var i;\nfor (i = 0; i < 2; n += 1) { n = i; }', 7],
  ['do {\n  n = n / 2 / 1;\n} while (true);', 8],
  ['for (var i = 0; i < 3; i += 1) {\n  while (i === 2) {\n    n = i;\n  }\n}', 7],
  [`var r = /[/]while \\(x/;\nvar t = \`\${n} while (\${[n]})\`;\nfor (;;) { n = 1 }`, 8],
  ['var o = { while: 1 };\no.while = 2;\nfor (;;) n = o.while;', 8],
])('an endless loop is named by its line: %s', async (loop, line) => {
  expect(await timeout(around(loop))).toMatchObject({ code: 'script_timeout', line });
});

test('a loop in a function that others call is the one that is named', async () => {
  const script = `function spin(n) {
  for (;;) n += 1;
}
function decodeUplink(input) {
  return { data: { n: spin(input.bytes.length) } };
}`;
  expect(await timeout(script)).toMatchObject({ line: 2 });
  // Known from then on.
  expect(await timeout(script)).toMatchObject({ line: 2 });
});

test('time that passes without a loop of the script has the line of the call', async () => {
  const script = `function decodeUplink() {
  return { data: { ok: /^(a+)+$/.test('a'.repeat(40) + 'b') } };
}`;
  expect(await timeout(script)).toMatchObject({ code: 'script_timeout', line: 2 });
});

const mark = (line: number): string =>
  `globalThis.${LOOP_LINE}=${line},globalThis.${LOOP_TURNS}=(globalThis.${LOOP_TURNS}|0)+1`;

test.each([
  ['while (a) b();', `while (${mark(1)},a) b();`],
  ['\nfor (;;) b();', `\nfor (;${mark(2)},true;) b();`],
  ['for (let i = 0; i < f(";"); i++) {}', `for (let i = 0; ${mark(1)},i < f(";"); i++) {}`],
  ['for (const x of [1]) {}', undefined],
  ['// while (a)\nx.for(1); "for (;;)"', undefined],
  [`f(\`a \${g({ b: \`while (\${c})\` })} while (d)\`)`, undefined],
  ['for (', undefined],
  ['`${', undefined],
  ["'", undefined],
])('%j is marked where its loops are', (script, marked) => {
  expect(withLoopMarks(script)).toBe(marked);
});
