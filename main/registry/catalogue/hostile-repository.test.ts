import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../../store/testing/temporary-directory.ts';
import { IMPORT_LIMITS, type ImportLimits } from './limits.ts';
import {
  type CatalogueLab,
  createCatalogueLab,
  oneBrand,
  writeFiles,
} from './testing/catalogue-lab.ts';
import { buildZip, type ZipEntry } from './testing/zip-builder.ts';

const labs: CatalogueLab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close();
});
/** With the limits of the program; its imports follow each other. */
let common: CatalogueLab;
beforeAll(async () => {
  common = await createCatalogueLab();
});
afterAll(() => common.close());

const DEVICE = "name: Thing\nfirmwareVersions: [{ version: '1', profiles: {} }]\n";
/** A brand with one good device, and further entries. */
const withGoodOne = (entries: readonly ZipEntry[] = []): ZipEntry[] => [
  ...oneBrand({ 'index.yaml': 'endDevices: [good, other]', 'good.yaml': DEVICE }),
  ...entries,
];

async function open(limits: Partial<ImportLimits> = {}): Promise<CatalogueLab> {
  const lab = await createCatalogueLab(':memory:', { ...IMPORT_LIMITS, ...limits });
  labs.push(lab);
  return lab;
}

function zip(entries: readonly ZipEntry[], change = (bytes: Buffer): Buffer => bytes): string {
  const path = join(temporaryDirectory(), 'hostile.zip');
  writeFileSync(path, change(buildZip(entries)));
  return path;
}

/** Imports and expects the good device; answers the report without the line about the other one. */
async function survives(
  entries: readonly ZipEntry[],
  limits?: Partial<ImportLimits>,
): Promise<string[]> {
  const lab = limits ? await open(limits) : common;
  const report = await lab.report({ path: zip(entries) });
  const reads = await lab.catalogue.ready();
  expect(reads.model('acme', 'good', ['name']).name).toBe('Thing');
  return report.filter((line) => line !== 'vendor/acme/other.yaml: missing');
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  );

test('names that lead out of the archive are left alone', async () => {
  const names = [
    '../evil.yaml',
    'vendor/acme/../../evil.yaml',
    '/etc/evil.yaml',
    'C:/evil.yaml',
    '..\\evil.yaml',
    'vendor/acme/zero\0.yaml',
    `${'deep/'.repeat(40)}evil.yaml`,
  ];
  const report = await survives(withGoodOne(names.map((name) => ({ name, data: DEVICE }))));
  expect(report.map((line) => line.split(': ').at(-1))).toEqual(names.map(() => 'path'));
});

test('no name in a YAML file leads out of the folder of its brand', async () => {
  const folder = temporaryDirectory();
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  const png = Buffer.from('89504e470d0a1a0a00', 'hex');
  writeFileSync(join(folder, 'secret.png'), png);
  writeFileSync(join(folder, 'secret.js'), 'function decodeUplink() {}');
  const files = {
    'index.yaml': 'endDevices: [good, ../../../other]',
    'good.yaml': `name: Thing
firmwareVersions: [{ version: '1', profiles: { EU863-870: { id: profile, codec: codec } } }]
photos: { main: ../../../secret.png, other: ['${join(folder, 'secret.png')}', '%2e%2e/secret.png'] }`,
    'profile.yaml': "macVersion: '1.0.3'",
    'codec.yaml': 'uplinkDecoder: { fileName: ../../../secret.js }',
  };
  writeFiles(repository, oneBrand(files));
  const lab = await open();
  const report = await lab.report({ path: repository });
  expect(report.filter((line) => line.includes('secret'))).toHaveLength(4);
  const reads = await lab.catalogue.ready();
  const model = reads.model('acme', 'good', ['photos', 'firmware_versions']);
  expect(model.photos).toBeUndefined();
  expect(model.firmwareVersions[0]?.profiles.EU_863_870?.codecId).toBe('');
});

test('links are not followed, neither in an archive nor in a folder', async () => {
  const link = { name: 'vendor/acme/other.yaml', data: '/etc/hostname', unixMode: 0o120777 };
  expect(await survives(withGoodOne([link]))).toEqual(['vendor/acme/other.yaml: link']);
  const folder = temporaryDirectory();
  const outside = temporaryDirectory();
  writeFileSync(join(outside, 'other.yaml'), DEVICE);
  writeFiles(folder, withGoodOne());
  symlinkSync(join(outside, 'other.yaml'), join(folder, 'vendor/acme/other.yaml'));
  symlinkSync(outside, join(folder, 'vendor/linked'));
  const lab = await open();
  const report = await lab.report({ path: folder });
  expect(report.toSorted()).toEqual([
    'vendor/acme/other.yaml: link',
    'vendor/acme/other.yaml: missing',
    'vendor/linked: link',
  ]);
});

test('entries that are encrypted, no files or there twice cost only themselves', async () => {
  const other = { name: 'vendor/acme/other.yaml', data: DEVICE };
  expect(await survives(withGoodOne([{ ...other, encrypted: true }]))).toEqual([
    'vendor/acme/other.yaml: encrypted',
  ]);
  expect(await survives(withGoodOne([{ ...other, method: 14 }]))).toEqual([
    'vendor/acme/other.yaml: encrypted',
  ]);
  expect(await survives(withGoodOne([{ ...other, unixMode: 0o020666 }]))).toEqual([
    'vendor/acme/other.yaml: path',
  ]);
  const good = { name: 'vendor/acme/good.yaml', data: 'name: Twice' };
  expect(await survives(withGoodOne([good]))).toEqual(['vendor/acme/good.yaml: duplicate']);
});

test('a file that unpacks to more than it says is not read to its end', async () => {
  const bomb = {
    name: 'vendor/acme/other.yaml',
    data: Buffer.alloc(50_000_000),
    declaredSize: 100,
  };
  const lab = await open();
  await lab.import({ path: zip(withGoodOne([bomb])) });
  const [version] = await lab.catalogue.versions();
  const { rows } = await lab.catalogue.problems(version?.id ?? 0, { limit: 10, offset: 0 });
  // Unpacking ended at the size it declares, rather than the result being measured afterwards.
  expect(rows).toMatchObject([
    {
      path: 'vendor/acme/other.yaml',
      code: 'unreadable',
      text: expect.stringContaining('100 bytes'),
    },
  ]);
});

test('files that say they are too large are not unpacked', async () => {
  const large = { name: 'vendor/acme/other.yaml', data: Buffer.alloc(2_000_000, 0x20) };
  expect(await survives(withGoodOne([large]))).toEqual(['vendor/acme/other.yaml: too_large']);
  const picture = Buffer.alloc(2_000, 0x89);
  const files = {
    'index.yaml': 'endDevices: [good]',
    'good.yaml': `${DEVICE}photos: { main: big.png }`,
    'big.png': picture,
  };
  expect(await survives(oneBrand(files), { imageBytes: 1_000 })).toEqual([
    'vendor/acme/big.png: too_large',
  ]);
});

test('limits of the whole end the import and leave the catalogue alone', async () => {
  const bytes = await open({ totalBytes: 10_000 });
  const large = withGoodOne([{ name: 'readme', data: Buffer.alloc(20_000) }]);
  expect(await code(bytes.import({ path: zip(large) }))).toBe('gatehouse/catalogue:too_large');
  const archive = await open({ archiveBytes: 100 });
  expect(await code(archive.import({ path: zip(withGoodOne()) }))).toBe(
    'gatehouse/catalogue:too_large',
  );
  const few = await open({ entries: 3 });
  const many = withGoodOne([{ name: 'vendor/acme/more' }]);
  expect(await code(few.import({ path: zip(many) }))).toBe('gatehouse/catalogue:too_large');
  const folder = temporaryDirectory();
  writeFiles(folder, many);
  expect(await code(few.import({ path: folder }))).toBe('gatehouse/catalogue:too_large');
  expect(await few.catalogue.versions()).toHaveLength(1);
});

test('ten thousand entries are no trouble, nor are ten thousand lines of a report', async () => {
  const empty = Array.from({ length: 10_000 }, (_, index) => ({ name: `vendor/acme/../${index}` }));
  const lab = await open({ problems: 100 });
  const start = performance.now();
  await lab.import({ path: zip(withGoodOne(empty)) });
  const [version] = await lab.catalogue.versions();
  const { total } = await lab.catalogue.problems(version?.id ?? 0, { limit: 1, offset: 0 });
  expect([version?.counts.models, total]).toEqual([1, 100]);
  expect(performance.now() - start).toBeLessThan(15_000);
});

test.each([
  ['cut off in the middle', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  ['cut off before its end', (bytes: Buffer) => bytes.subarray(0, -10)],
  ['without a beginning', (bytes: Buffer) => bytes.subarray(40)],
  ['empty', () => Buffer.alloc(0)],
])('an archive %s is refused', async (_, change) => {
  const lab = await open();
  const path = zip(withGoodOne(), change);
  expect(await code(lab.import({ path }))).toMatch(
    /^gatehouse\/catalogue:(source_unreadable|not_a_repository)$/,
  );
  expect(await lab.catalogue.versions()).toHaveLength(1);
});

test.each([
  ['packed', 8],
  ['stored', 0],
])('a file of an archive whose %s bytes were changed costs itself', async (_, method) => {
  const name = 'vendor/acme/other.yaml';
  const other = { name, data: DEVICE.repeat(50), method };
  const path = zip(withGoodOne([other]), (bytes) => {
    const at = bytes.indexOf(name) + name.length;
    return bytes.fill(0x20, at, at + 8);
  });
  const lab = await open();
  expect(await lab.report({ path })).toEqual([`${name}: unreadable`]);
});

/** Nine levels of nine references each: 9^9 values in 400 bytes. */
const LAUGHS = [
  'a0: &a0 [x, x, x, x, x, x, x, x, x]',
  ...Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`)}]`),
].join('\n');

test.each([
  ['references that unfold to millions of values', LAUGHS],
  ['more references than a device needs', `a: &a x\nb: [${Array(200).fill('*a')}]`],
  ['a value that refers to itself', `a: &a { b: *a }`],
  ['lists nested a thousand deep', '['.repeat(1_000) + ']'.repeat(1_000)],
  [
    'mappings nested by indentation',
    Array.from({ length: 500 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
  ],
  ['merges of merges', `a: &a { x: 1 }\nb: { ${Array(2_000).fill('<<: *a')} }`],
  ['bytes that are no text', Buffer.from([0xc3, 0x28, 0xff])],
  ['a tag of some other language', '!!js/function "function () {}"'],
  ['two documents', 'name: a\n---\nname: b'],
  ['a list instead of a mapping', '- a'],
  ['nothing at all', ''],
])('a YAML file with %s costs one line of the report', async (_, data) => {
  const start = performance.now();
  const report = await survives(withGoodOne([{ name: 'vendor/acme/other.yaml', data }]));
  expect(report).toEqual(['vendor/acme/other.yaml: yaml']);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test('examples that unfold to millions of values never reach the catalogue', async () => {
  const files = {
    'index.yaml': 'endDevices: [good]',
    'good.yaml':
      "name: Thing\nfirmwareVersions: [{ version: '1', profiles: { EU863-870: { id: profile, codec: codec } } }]",
    'profile.yaml': "macVersion: '1.0.3'",
    'codec.yaml': `${LAUGHS}\nuplinkDecoder: { fileName: codec.js, examples: [{ output: { data: { a: *a9 } } }] }`,
    'codec.js': 'function decodeUplink() {}',
  };
  expect(await survives(oneBrand(files))).toEqual(['vendor/acme/codec.yaml: yaml']);
});

test('fields named like parts of every object are fields', async () => {
  const data = `__proto__: { name: Inherited }\nconstructor: { name: x }\n${DEVICE}`;
  const other = { name: 'vendor/acme/other.yaml', data };
  expect(await survives(withGoodOne([other]))).toEqual([]);
  const inherited = { ...other, data: '__proto__: { name: Inherited, firmwareVersions: [] }' };
  expect(await survives(withGoodOne([inherited]))).toEqual(['vendor/acme/other.yaml: field']);
  expect(({} as { name?: string }).name).toBeUndefined();
});

test.each([
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
  ['HTML', '<!doctype html><script>alert(1)</script>'],
  ['GIF', 'GIF89a......'],
  ['a sound in the same container as WebP', 'RIFF\x04\0\0\0WAVEfmt '],
  ['a PNG after something else', '\x00\x89PNG\r\n\x1a\n'],
  ['nothing', ''],
])('%s named .png is no image', async (_, content) => {
  const files = {
    'index.yaml': 'endDevices: [good]',
    'good.yaml': `${DEVICE}photos: { main: good.png }`,
    'good.png': Buffer.from(content, 'latin1'),
  };
  expect(await survives(oneBrand(files))).toEqual(['vendor/acme/good.png: image_type']);
});
