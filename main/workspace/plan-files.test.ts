/** Frequency plans in the data folder: good ones, broken ones, and files that somebody made to do harm. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../base/logger.ts';
import { frequencyPlan } from '../lorawan/index.ts';
import { createPlanFiles, PLAN_FOLDER, type PlanFiles } from './plan-files.ts';

let directory: string;
let folder: string;
let log: string[];
let files: PlanFiles;
let users: Record<string, string>;
let changes: number;
const onChange = (): void => {
  changes += 1;
};
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-plans-'));
  folder = join(directory, PLAN_FOLDER);
  log = [];
  users = {};
  changes = 0;
  const logger = createLogger('info', { write: (line) => void log.push(line) });
  files = createPlanFiles({ directory, logger, userOf: (id) => users[id], onChange });
});
afterEach(() => {
  files.close();
  rmSync(directory, { recursive: true, force: true });
});

function put(name: string, text: string | Uint8Array): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}
const statusOf = (name: string) => files.list().find((one) => one.name === name);

const HALL = `# Two channels for the hall
band-id: EU_863_870
name: Hall
uplink-channels:
- frequency: 868100000
  min-data-rate: 0
  max-data-rate: 5
- frequency: 868300000
  min-data-rate: 0
  max-data-rate: 5
`;
const channelsOf = (id: string) =>
  frequencyPlan(id)?.uplinkChannels.map(({ frequencyHz }) => frequencyHz);

test('files in the folder are plans under the names of the files, or under their own', async () => {
  put('HALL.yaml', HALL);
  put('lab.json', JSON.stringify({ id: 'LAB', base_id: 'HALL', max_eirp: 5 }, undefined, '\t'));
  put('notes.txt', 'not a plan');
  await files.load();
  expect(files.list()).toEqual([
    { name: 'HALL.yaml', planIds: ['HALL'], problems: [] },
    { name: 'lab.json', planIds: ['LAB'], problems: [] },
  ]);
  expect(channelsOf('HALL')).toEqual([868_100_000, 868_300_000]);
  expect(frequencyPlan('LAB')).toMatchObject({ bandId: 'EU_863_870', maxEirpDbm: 5 });
  expect(log).toEqual([]);
  files.close();
  expect(frequencyPlan('HALL')).toBeUndefined();
});

test('the example of the manual is a plan', async () => {
  const manual = readFileSync(new URL('../../docs/frequency-plans.md', import.meta.url), 'utf8');
  put('example.yaml', /```yaml\n([\s\S]*?)```/.exec(manual)?.[1] ?? '');
  await files.load();
  expect(statusOf('example.yaml')).toEqual({
    name: 'example.yaml',
    planIds: ['HALL'],
    problems: [],
  });
});

test('a folder with an index is taken as it is published, in whatever order plans are based on one another', async () => {
  put(
    'index.yml',
    `- id: HALL_DT
  name: Hall, dwell time
  base-id: HALL_1
  band-id: EU_863_870
  base-frequency: 868
  country-codes: [nl, de]
  file: dwell.yml
- id: HALL_1
  name: Hall 1
  band-id: EU_863_870
  base-frequency: 868
  file: HALL.yml
- id: GONE
  band-id: EU_863_870
  file: gone.yml
`,
  );
  put('HALL.yml', HALL);
  put('dwell.yml', 'dwell-time:\n  uplinks: true\n  duration: 400ms\n');
  await files.load();
  expect(frequencyPlan('HALL_DT')).toMatchObject({
    name: 'Hall, dwell time',
    baseFrequencyMhz: 868,
    dwellTime: { uplinks: true, durationMs: 400 },
  });
  expect(channelsOf('HALL_DT')).toEqual([868_100_000, 868_300_000]);
  expect(frequencyPlan('HALL')).toBeUndefined();
  expect(statusOf('dwell.yml')).toMatchObject({ planIds: ['HALL_DT'], problems: [] });
  expect(statusOf('index.yml')?.problems).toEqual([
    { code: 'missing', field: '[2].file', line: 15, text: expect.stringContaining('no file') },
  ]);
});

describe('a broken file', () => {
  const typo = HALL.replace('  max-data-rate: 5\n- ', '  max-data-rat: 5\n- ');
  test.each([
    ['syntax', HALL.replace('- frequency: 868300000', ' - [frequency'), 8, ''],
    ['unknown_field', typo, 7, 'uplink-channels[0].max-data-rat'],
    ['out_of_band', HALL.replace('868300000', '902300000'), 8, 'uplink-channels[1].frequency'],
    ['id_taken', `id: US_902_928_FSB_2\n${HALL}`, 1, 'id'],
    ['unknown_base', `base-id: BAD\nid: BAD\n${HALL}`, 1, 'base-id'],
    ['wrong_type', '- 1\n- 2\n', 1, '[0]'],
    ['missing', 'name: nothing\n', undefined, 'band-id'],
    ['syntax', '', undefined, ''],
    ['syntax', `${HALL}---\n${HALL}`, undefined, ''],
    ['syntax', '{"band-id": "EU_863_870",\n "name": }}', 2, ''],
  ])(
    '(%s) takes no other with it and costs one line of the log',
    async (code, text, line, field) => {
      put('BAD.yaml', text);
      put('HALL.yaml', HALL);
      await files.load();
      expect(frequencyPlan('BAD')).toBeUndefined();
      expect(frequencyPlan('HALL')).toBeDefined();
      const [problem] = statusOf('BAD.yaml')?.problems ?? [];
      expect(problem).toMatchObject({ code, line, field });
      expect(log).toHaveLength(1);
      expect(log[0]).toContain('BAD.yaml');
    },
  );
});

describe('hostile files', () => {
  const nested = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghij'
      .split('')
      .map((name, index) => `${name}: &${name} [${`*${'abcdefghij'[index]},`.repeat(9)}]`),
    HALL,
  ].join('\n');
  test.each([
    ['aliases that multiply', bomb],
    ['more aliases than anybody needs', `a: &a 1\nb: [${'*a,'.repeat(5_000)}]\n`, 'syntax'],
    ['lists in lists in lists', nested],
    ['names of what objects have anyway', `__proto__: {frequency: 1}\nconstructor: 1\n${HALL}`],
    ['a name as long as the file', `${'a'.repeat(60_000)}: 1\n`],
    ['brackets that never end', `${'['.repeat(60_000)}`],
    ['a long name in brackets', `"${'a'.repeat(30_000)}]": 1\n"${'[1]'.repeat(9_000)}": 2\n`],
    ['thousands of fields', Array.from({ length: 6_000 }, (_, index) => `f${index}: 1`).join('\n')],
    ['bytes that are no text', new Uint8Array(4_000).map((_, index) => index)],
    ['more than anybody reads', 'x'.repeat(70_000), 'too_large'],
    ['numbers beyond numbers', HALL.replace('868300000', '1e999')],
    ['a tag that makes things', `x: !!js/function 'return 1'\n${HALL}`],
    ['itself inside itself', '&a [*a]'],
  ])('(%s) are told apart and harm nothing', async (_, text, code?: string) => {
    put('BAD.yaml', text);
    put('HALL.yaml', HALL);
    const before = performance.now();
    await files.load();
    expect(performance.now() - before).toBeLessThan(1_000);
    expect(frequencyPlan('BAD')).toBeUndefined();
    expect(frequencyPlan('HALL')).toBeDefined();
    const [problem] = statusOf('BAD.yaml')?.problems ?? [];
    expect(problem).toMatchObject(code === undefined ? {} : { code });
    expect(JSON.stringify(statusOf('BAD.yaml')).length).toBeLessThan(8_000);
    expect(({} as { frequency?: number }).frequency).toBeUndefined();
  });

  test.skipIf(process.platform === 'win32')('what is no file is not waited for', async () => {
    put('HALL.yaml', HALL);
    mkdirSync(join(folder, 'folder.yaml'));
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
    symlinkSync('/nowhere', join(folder, 'link.yaml'));
    await files.load();
    for (const name of ['folder.yaml', 'pipe.yaml', 'link.yaml'])
      expect(statusOf(name)?.problems, name).toMatchObject([{ code: 'no_file' }]);
    expect(frequencyPlan('HALL')).toBeDefined();
  });
});

describe('files that are imported', () => {
  test('are kept, found again at the next start, and replaced', async () => {
    await files.load();
    expect(await files.import('HALL.yaml', HALL)).toEqual({
      name: 'HALL.yaml',
      planIds: ['HALL'],
      problems: [],
    });
    expect(channelsOf('HALL')).toHaveLength(2);
    expect(readFileSync(join(folder, 'HALL.yaml'), 'utf8')).toBe(HALL);
    await files.import('HALL.yaml', HALL.replace('868300000', '868500000'));
    expect(channelsOf('HALL')).toEqual([868_100_000, 868_500_000]);
    expect(changes).toBe(3);
    expect(readdirSync(folder)).toEqual(['HALL.yaml']);
    files.close();
    await files.load();
    expect(channelsOf('HALL')).toEqual([868_100_000, 868_500_000]);
  });

  test('are refused with field and line, and then nothing changes', async () => {
    await files.import('HALL.yaml', HALL);
    const bad = HALL.replace('868300000', '902300000');
    await expect(files.import('HALL.yaml', bad)).rejects.toMatchObject({
      code: 'gatehouse/frequency-plans:invalid_file',
      message: expect.stringContaining('HALL.yaml, line 8: uplink-channels[1].frequency'),
      attributes: { problem: 'out_of_band', line: 8, field: 'uplink-channels[1].frequency' },
    });
    expect(readFileSync(join(folder, 'HALL.yaml'), 'utf8')).toBe(HALL);
    expect(channelsOf('HALL')).toHaveLength(2);
    await expect(files.import('b.yaml', 'x'.repeat(70_000))).rejects.toMatchObject({
      attributes: { problem: 'too_large' },
    });
    expect(existsSync(join(folder, 'b.yaml'))).toBe(false);
  });

  test.each([
    '../x.yaml',
    '/etc/x.yaml',
    '.x.yaml',
    'x',
    'x.yaml/y',
    'a b.yaml',
    '',
    'x.yaml\0.json',
  ])('cannot be called %j', async (name) => {
    await expect(files.import(name, HALL)).rejects.toMatchObject({
      code: 'gatehouse/frequency-plans:bad_name',
    });
    expect(existsSync(folder)).toBe(false);
  });

  test('cannot go, or lose a plan, while something uses it', async () => {
    await files.import('HALL.yaml', HALL);
    users = { HALL: 'the gateway link roof' };
    const inUse = { code: 'gatehouse/frequency-plans:in_use' };
    await expect(files.delete('HALL.yaml')).rejects.toMatchObject(inUse);
    await expect(files.import('HALL.yaml', `id: OTHER\n${HALL}`)).rejects.toMatchObject(inUse);
    expect(channelsOf('HALL')).toHaveLength(2);
    users = {};
    await files.delete('HALL.yaml');
    expect(frequencyPlan('HALL')).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    await expect(files.delete('HALL.yaml')).rejects.toMatchObject({
      code: 'gatehouse/frequency-plans:not_found',
    });
  });
});
