import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Outcome } from '../api/gen/gatehouse/v1/frames_pb.js';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { lockDirectory } from './lock.ts';
import { createStore } from './store.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

type Child = ChildProcessByStdio<null, Readable, null>;

function start(script: string, ...parameters: string[]): Child {
  const path = fileURLToPath(new URL(`./testing/${script}`, import.meta.url));
  return spawn(process.execPath, [path, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Reads lines until `enough` says so, then ends the process the hard way and reads what was still under way. */
async function killAfter(child: Child, enough: (lines: string[]) => boolean): Promise<string[]> {
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    if (enough(text.split('\n'))) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return text.split('\n').slice(0, -1);
}

test('everything acknowledged survives killing the process, five times over', async () => {
  const directory = temporaryDirectory();
  const acknowledged: string[] = [];
  for (let round = 0; round < 5; round += 1) {
    const child = start('durable-writer.ts', directory, String(round * 1_000_000));
    const lines = await killAfter(child, (seen) => seen.length > 80 + round * 97);
    expect(lines[0]).toBe('open');
    acknowledged.push(...lines.slice(1));
    const store = await createStore({ directory, clock: systemClock(), logger: silentLogger() });
    const missing = acknowledged.filter((id) => store.settings.getText(`unit.${id}`) !== id);
    expect(missing).toEqual([]);
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(400);
  const store = await createStore({ directory, clock: systemClock(), logger: silentLogger() });
  const { frames, total } = await store.frames.list({ limit: 1000 });
  expect(frames.length).toBe(Math.min(total, 1000));
  const notProcessed = frames.filter(({ verdict }) => verdict?.outcome === Outcome.NOT_PROCESSED);
  expect(notProcessed.every(({ fType }) => fType === 'UNCONFIRMED_UP')).toBe(true);
  await store.close();
}, 60_000);

test('a folder held by another process is refused with its address, and free after its death', async () => {
  const directory = temporaryDirectory();
  const child = start('lock-holder.ts', directory);
  await once(child.stdout, 'data');
  await expect(
    createStore({ directory, clock: systemClock(), logger: silentLogger() }),
  ).rejects.toMatchObject({
    code: 'gatehouse/store:locked',
    attributes: { pid: child.pid, url: 'http://127.0.0.1:1885' },
  });
  child.kill('SIGKILL');
  await once(child, 'close');
  lockDirectory(directory, 2).release();
});
