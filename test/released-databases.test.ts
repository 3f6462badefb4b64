/** Databases that released versions left behind open in this one, with everything in them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { load } from 'js-yaml';
import { describe, expect, test } from 'vitest';
import { FIXTURE, fixtureContents } from './support/fixture-contents.ts';
import { startHeadless } from './support/headless-process.ts';
import { type InProcessApp, openInProcessApp } from './support/in-process-app.ts';
import { dataUplink, downlinksOf, joinRequest } from './support/radio-fleet.ts';

const testdata = fileURLToPath(new URL('../main/store/testdata', import.meta.url));
const versions = readdirSync(testdata);
const { abp, otaa } = FIXTURE;

async function causeOf(lab: InProcessApp, phyPayload: Buffer): Promise<unknown> {
  const { json } = await lab.call('GET', '/gatehouse/frames?limit=10');
  const frames = json.frames as { phy_payload: string; verdict: { cause?: string } }[];
  const data = phyPayload.toString('base64');
  return frames.find((frame) => frame.phy_payload === data)?.verdict.cause;
}

test('every release has a fixture', () => {
  expect(versions).toContain('v0.1.0');
});

describe.each(versions)('databases of %s', (version) => {
  const folder = join(testdata, version);

  test('are found exactly as they were left, and go on from there', async () => {
    const lab = await openInProcessApp((directory) =>
      cpSync(folder, directory, { recursive: true }),
    );
    const { clock, forwarder } = lab;
    const hear = async (phyPayload: Buffer, forMs: number): Promise<void> => {
      await lab.hear(phyPayload);
      await clock.advance(forMs);
      await forwarder.sync();
    };
    const expected: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
    expect(await fixtureContents(lab.call)).toEqual(expected);

    const replay = dataUplink(abp.keys, abp.lastFCntUp, false);
    await hear(replay, 2_000);
    expect(await causeOf(lab, replay)).toBe('f_cnt_too_low');
    const join_ = joinRequest(otaa, otaa.appKey, otaa.devNonce);
    await hear(join_, 8_000);
    expect(await causeOf(lab, join_)).toBe('reuse_dev_nonce');
    expect(forwarder.transmitted).toEqual([]);
    for (const fCnt of [1, 2])
      await hear(dataUplink(abp.keys, abp.lastFCntUp + fCnt, false), 3_000);
    expect(downlinksOf(forwarder.transmitted, [abp.keys])).toMatchObject(
      abp.queued.map((payload, at) => ({ payload, fCnt: at + 1, micValid: true })),
    );
    await lab.close();
  });

  test('hold what the script put into them', () => {
    const text = readFileSync(join(folder, 'expected.json'), 'utf8');
    for (const key of [abp.keys.nwkSKey, abp.keys.appSKey, otaa.appKey])
      expect(text).toContain(key.toString('hex').toUpperCase());
    for (const queued of abp.queued) expect(text).toContain(Buffer.from(queued).toString('base64'));
    expect(text).toContain('OUTCOME_NOT_PROCESSED');
    expect(readFileSync(join(folder, 'README.txt'), 'utf8')).toContain('test material');
  });

  test.each(['gatehouse.db', 'frames.db'])(
    'from a newer version (%s) are refused in a sentence',
    async (name) => {
      const directory = mkdtempSync(join(tmpdir(), 'gatehouse-newer-'));
      cpSync(folder, directory, { recursive: true });
      const db = new Database(join(directory, name));
      db.pragma('user_version = 1000');
      db.close();
      const before = readFileSync(join(directory, name));
      await expect(startHeadless(directory)).rejects.toThrow(
        new RegExp(`${name} was written by a newer version.*Update Gatehouse.*store:newer_file`),
      );
      expect(readFileSync(join(directory, name)).equals(before)).toBe(true);
      rmSync(directory, { recursive: true, force: true });
    },
  );
});

test('packages take nothing from the folders that hold fixtures', () => {
  const path = new URL('../electron-builder.yml', import.meta.url);
  const { files, extraFiles, extraResources } = load(readFileSync(path, 'utf8')) as Record<
    string,
    readonly string[] | undefined
  >;
  const taken = (files ?? []).filter((pattern) => !pattern.startsWith('!'));
  expect(taken.length).toBeGreaterThan(0);
  for (const pattern of taken) expect(pattern).toMatch(/^(dist\/|package\.json$)/);
  expect([extraFiles, extraResources]).toEqual([undefined, undefined]);
});
