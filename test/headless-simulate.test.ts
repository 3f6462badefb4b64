import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-fleet-'));
let program: HeadlessProcess | undefined;
afterAll(async () => {
  await program?.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface SimulatedDevice {
  readonly config: { readonly id: string };
  readonly state: string;
  readonly dev_addr?: string;
  readonly f_cnt_up?: number;
  readonly sent_count?: string;
}

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`http://${program?.addresses.http}/api/v3/gatehouse/${path}`, {
    headers: { authorization: `Bearer ${API_KEY}` },
  });
  return (await response.json()) as T;
}
const devices = async () =>
  (await get<{ devices?: SimulatedDevice[] }>('simulator/devices')).devices ?? [];
const frameTypes = async () =>
  (await get<{ frames: { f_type: string; verdict: { outcome: string } }[] }>('frames')).frames.map(
    ({ f_type, verdict }) => `${f_type} ${verdict.outcome}`,
  );

/** Lets the first device send, and waits until it has. */
async function uplink(): Promise<void> {
  const sent = async () => Number((await devices())[0]?.sent_count ?? 0);
  const before = await sent();
  const url = `http://${program?.addresses.http}/api/v3/gatehouse/simulator/devices/sim-00001/uplink`;
  await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}` },
    body: '{}',
  });
  await expect.poll(sent, { timeout: 30_000 }).toBeGreaterThan(before);
}

test('--simulate runs devices that a killed program finds again, with their sessions', async () => {
  program = await startHeadless(directory, ['--simulate', '2']);
  await expect
    .poll(async () => (await devices()).map(({ state }) => state), { timeout: 30_000 })
    .toEqual(['joined', 'joined']);
  await uplink();
  await uplink();
  const before = await devices();
  await program.stop('SIGKILL');
  program = await startHeadless(directory, ['--simulate', '2']);
  const after = await devices();
  expect(after.map(({ config, dev_addr }) => [config.id, dev_addr])).toEqual(
    before.map(({ config, dev_addr }) => [config.id, dev_addr]),
  );
  const { length: heard } = await frameTypes();
  const counter = before[0]?.f_cnt_up ?? 0;
  expect(counter).toBeGreaterThan(0);
  await uplink();
  expect((await devices())[0]?.f_cnt_up).toBeGreaterThan(counter);
  await expect.poll(async () => (await frameTypes()).length).toBeGreaterThan(heard);
  const types = await frameTypes();
  expect(types.filter((type) => type.startsWith('JOIN_REQUEST'))).toHaveLength(2);
  expect(types.filter((type) => /DROPPED|DUPLICATE/.test(type))).toEqual([]);
}, 90_000);
