import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openServedApp, type ServedApp } from './support/served-app.ts';

const manual = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8');
let served: ServedApp;

beforeAll(async () => {
  served = await openServedApp();
});
afterAll(() => served.close());

/** Names between back quotes. */
const namesIn = (text: string): string[] =>
  [...text.matchAll(/`([A-Z]\w+)`/g)].map(([, name = '']) => name);
const section = (title: string): string => manual.split(`## ${title}\n`)[1]?.split(/\n##/)[0] ?? '';
const servicesOf = (packageName: string): Set<string> =>
  new Set(
    served.app.router.methods
      .map(({ desc }) => desc.parent)
      .filter(({ typeName }) => typeName.startsWith(`${packageName}.`))
      .map(({ name }) => name),
  );

test('the manual claims no service that is not there, and no service is missing in it', () => {
  const table = section('What is served');
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const claimed = rows.flatMap((row) => namesIn(row.split('|')[1] ?? ''));
  expect(claimed.length).toBeGreaterThan(20);
  const there = servicesOf('ttn.lorawan.v3');
  expect(claimed.filter((name) => !there.has(name))).toEqual([]);
  const named = new Set(namesIn(manual));
  expect([...there, ...servicesOf('gatehouse.v1')].filter((name) => !named.has(name))).toEqual([]);
});

test('what a row leaves out is what answers unimplemented', async () => {
  const unimplemented: string[] = [];
  for (const path of [
    '/as/applications/lab/mqtt-connection-info',
    '/as/applications/lab/link/stats',
  ]) {
    const { json } = await served.rest('GET', path);
    if (json.code === 12) unimplemented.push(path);
  }
  expect(unimplemented).toHaveLength(2);
  const mqtt = manual.split('\n').find((line) => line.startsWith('| `AppAs`'));
  expect(mqtt).toContain('GetMQTTConnectionInfo');
});

test('every address in an example leads somewhere', async () => {
  const commands = manual.replaceAll('\\\n', ' ').split('\n');
  const calls = commands.flatMap((line) => {
    const path = /\$API(\/[^\s?]+)/.exec(line)?.[1];
    return path ? [[/-X (\w+)/.exec(line)?.[1] ?? 'GET', path] as const] : [];
  });
  expect(calls.length).toBeGreaterThan(7);
  for (const [verb, path] of calls) {
    // Without credentials no call does anything; a path that is nowhere is plainly not found.
    const answer = await served.rest(verb, path, verb === 'GET' ? undefined : {}, '');
    expect([verb, path, answer.json.message]).not.toEqual([verb, path, 'Not Found']);
    expect(answer.json.message).not.toBe('Method Not Allowed');
  }
});
