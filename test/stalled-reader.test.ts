import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { datagram } from './support/hostile-datagrams.ts';
import { type JsonStream, openJsonStream } from './support/json-stream.ts';
import { createPacedSender, type PacedSender } from './support/paced-sender.ts';
import { type Api, type Json, programApi } from './support/program-api.ts';
import { rxpkOf } from './support/udp-conversation.ts';

const ROOF = 'AA555A0000000201';
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-stalled-'));
let program: HeadlessProcess;
let api: Api;
let sender: PacedSender;

beforeAll(async () => {
  program = await startHeadless(directory, [], { nodeArguments: ['--max-old-space-size=192'] });
  api = programApi(program);
  await api('POST', '/users/admin/gateways', {
    gateway: { ids: { gateway_id: 'roof', eui: ROOF } },
  });
  const port = Number(program.addresses.udp?.split(':')[1]);
  sender = await createPacedSender(port, 'AA555A0000000202');
});
afterAll(async () => {
  await sender.close();
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The three streams a client can open, and how it hears of frames on each. */
const STREAMS = [
  {
    name: 'events',
    open: (): Promise<JsonStream> =>
      openJsonStream(program, '/events', {
        identifiers: [{ gateway_ids: { gateway_id: 'roof' } }],
        names: ['gs.up.receive'],
      }),
    heard: (results: readonly Json[]): number =>
      results.filter(({ name }) => name === 'gs.up.receive').length,
    skipped: (results: readonly Json[]): number =>
      results
        .filter(({ name }) => name === 'events.stream.skip')
        .reduce((sum, { data }) => sum + Number((data as { value: Json }).value.skipped), 0),
  },
  {
    name: 'frames',
    open: (): Promise<JsonStream> =>
      openJsonStream(program, '/gatehouse/frames/stream', { after_id: '0' }),
    heard: (results: readonly Json[]): number =>
      results.reduce((sum, { frames }) => sum + ((frames as unknown[]) ?? []).length, 0),
    skipped: (results: readonly Json[]): number =>
      results.reduce((sum, { skipped }) => sum + Number(skipped ?? 0), 0),
  },
  {
    name: 'watch',
    open: (): Promise<JsonStream> =>
      openJsonStream(program, '/gatehouse/watch', { frames: true, links: true }),
    heard: (results: readonly Json[]): number =>
      results.reduce((sum, { frames }) => sum + ((frames as unknown[]) ?? []).length, 0),
    skipped: (results: readonly Json[]): number =>
      results.reduce((sum, { skipped_frames }) => sum + Number(skipped_frames ?? 0), 0),
  },
] as const;

const FRAMES = 20_000;
const STALLED_OF_EACH = 5;
/**
 * A stalled reader costs its queue (2,000 frames at most), one update of as many on its way, and what the system buffers:
 * a few megabytes each. The heap itself is limited to 192 MiB.
 */
const MOST_GROWTH_MIB = 250;

/** Frames of the proprietary type: recorded, shown, and of no further consequence. */
async function send(count: number, first: number): Promise<void> {
  for (let number = first; number < first + count; number += 1) {
    const frame = Buffer.from(`E0${number.toString(16).padStart(8, '0')}`, 'hex');
    const body = JSON.stringify({ rxpk: [rxpkOf(frame, number)] });
    await sender.send(datagram(0, body, Buffer.from(ROOF, 'hex')));
  }
  await sender.settled();
}

async function rssMiB(): Promise<number> {
  return Number((await api('GET', '/gatehouse/diagnostics')).rss_bytes) / 2 ** 20;
}

test('readers that stop reading are told what they lost, cost little, and disturb nobody', async () => {
  const healthy = await Promise.all(STREAMS.map(({ open }) => open()));
  const stalled = await Promise.all(
    STREAMS.map(({ open }) => Promise.all(Array.from({ length: STALLED_OF_EACH }, open))),
  );
  await send(500, 0);
  const heardBy = (results: readonly JsonStream[]): number[] =>
    results.map((one, index) => STREAMS[index]?.heard(one.results) ?? 0);
  await expect.poll(() => heardBy(healthy), { timeout: 5_000 }).toEqual([500, 500, 500]);
  for (const one of stalled.flat()) one.pause();
  const before = await rssMiB();

  await send(FRAMES - 500, 500);
  const sentAtMs = performance.now();
  const all = [FRAMES, FRAMES, FRAMES];
  await expect.poll(() => heardBy(healthy), { timeout: 5_000 }).toEqual(all);
  // 'Promptly': the last frame is decided 200 ms after it was heard.
  expect(performance.now() - sentAtMs).toBeLessThan(3_000);
  expect(healthy.map(({ results }, index) => STREAMS[index]?.skipped(results))).toEqual([0, 0, 0]);
  expect((await rssMiB()) - before).toBeLessThan(MOST_GROWTH_MIB);

  // Those that wake up are told how many they lost; nothing is missing from the sum.
  for (const one of stalled.flat()) one.resume();
  await expect
    .poll(
      () =>
        stalled.flatMap((same, index) =>
          same.map(
            ({ results }) =>
              (STREAMS[index]?.heard(results) ?? 0) + (STREAMS[index]?.skipped(results) ?? 0),
          ),
        ),
      { timeout: 10_000 },
    )
    .toEqual(Array.from({ length: 3 * STALLED_OF_EACH }, () => FRAMES));
  // What was kept for each is its queue and what the system buffers, not everything.
  const lost = stalled.flatMap((same, index) =>
    same.map(({ results }) => STREAMS[index]?.skipped(results) ?? 0),
  );
  expect(Math.min(...lost)).toBeGreaterThan(FRAMES / 2);
  for (const one of [...healthy, ...stalled.flat()]) one.close();
  expect(program.child.exitCode).toBeNull();
  expect(program.errors()).not.toMatch(/unhandled|"level":[56]0/i);
}, 40_000);
