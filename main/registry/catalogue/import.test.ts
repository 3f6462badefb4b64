import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { STATUS } from '../../base/errors.ts';
import { createCatalogueWriter } from '../../store/catalogue-writer.ts';
import { temporaryDirectory } from '../../store/testing/temporary-directory.ts';
import {
  type CatalogueLab,
  createCatalogueLab,
  entriesOf,
  oneBrand,
  REPOSITORY,
  writeFiles,
} from './testing/catalogue-lab.ts';
import { longestTurnMs } from './testing/longest-turn.ts';
import { buildZip } from './testing/zip-builder.ts';

const labs: CatalogueLab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close();
});

async function open(directory?: string): Promise<CatalogueLab> {
  const lab = await createCatalogueLab(directory);
  labs.push(lab);
  return lab;
}

/** A ZIP file as the web site of a public repository makes it: everything inside a folder of its own. */
function zipFile(prefix = 'lorawan-devices-master/'): string {
  const path = join(temporaryDirectory(), 'devices.zip');
  writeFileSync(path, buildZip([{ name: prefix }, ...entriesOf(REPOSITORY, prefix)]));
  return path;
}

const deviceFile = (name: string): string =>
  `name: ${name}\nfirmwareVersions: [{ version: '1', profiles: {} }]\n`;

/** A repository with one model of this name. */
function small(name: string): string {
  const folder = temporaryDirectory();
  const files = { 'index.yaml': 'endDevices: [thing]', 'thing.yaml': deviceFile(name) };
  writeFiles(folder, oneBrand(files));
  return folder;
}

const modelName = async ({ catalogue }: CatalogueLab): Promise<string> =>
  (await catalogue.ready()).model('acme', 'thing', ['name']).name;

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  );

/** Lines that the repository of the tests gets, in order. */
const REPORT = [
  'vendor/index.yaml: field',
  'vendor/index.yaml: id',
  'vendor/index.yaml: duplicate',
  'vendor/index.yaml: id',
  'vendor/acme-sensors/not-there.yaml: missing',
  // A region on Mars, a codec's name, a length that is no number, and a link that is not one to follow.
  'vendor/acme-sensors/thermo.yaml: field',
  'vendor/acme-sensors/thermo.yaml: field',
  'vendor/acme-sensors/thermo.yaml: field',
  'vendor/acme-sensors/thermo.yaml: field',
  'vendor/acme-sensors/photos/fake.png: image_type',
  'vendor/acme-sensors/../module-maker/other.png: missing',
  'vendor/acme-sensors//etc/hostname: missing',
  'vendor/acme-sensors/lost-profile.yaml: missing',
  'vendor/acme-sensors/lost-codec.yaml: missing',
  'vendor/acme-sensors/broken.yaml: yaml',
  'vendor/acme-sensors/nowhere.yaml: missing',
  'vendor/acme-sensors/nameless.yaml: field',
  'vendor/acme-sensors/UPPER.yaml: id',
  'vendor/module-maker/logo.svg: image_type',
];

describe.each([
  ['a folder', () => REPOSITORY],
  ['its vendor folder', () => join(REPOSITORY, 'vendor')],
  ['a ZIP file', () => zipFile()],
  ['a ZIP file without a folder around', () => zipFile('')],
])('a repository in %s', (_, source) => {
  test('is imported with a line for everything that is no good', async () => {
    const lab = await open();
    expect(await lab.report({ path: source() })).toEqual(REPORT);
    expect((await lab.catalogue.versions())[0]?.counts).toEqual({
      brands: 3,
      models: 2,
      profiles: 3,
      codecs: 1,
      images: 4,
      problems: REPORT.length,
    });
  });
});

test('a model is what its file says, in the units and enums of the API', async () => {
  const lab = await open();
  await lab.import({ path: REPOSITORY });
  const reads = await lab.catalogue.ready();
  const model = reads.model('acme-sensors', 'thermo', [
    'name',
    'hardware_versions',
    'firmware_versions',
    'dimensions',
    'weight',
    'battery',
    'operating_conditions',
    'key_provisioning',
    'key_security',
    'photos',
    'videos',
    'datasheet_url',
    'compliances',
  ]);
  expect(model).toMatchObject({
    name: 'Thermo 2',
    hardwareVersions: [{ version: 'rev-a', numeric: 1, partNumber: 'T2-A' }],
    dimensions: { width: 34, height: 77.5 },
    weight: 350,
    battery: { replaceable: true, type: 'AA' },
    operatingConditions: { temperature: { min: -30, max: 85 } },
    keyProvisioning: [1, 2],
    keySecurity: 2,
    photos: {
      main: '/vendor/acme-sensors/thermo.png',
      other: ['/vendor/acme-sensors/photos/side.jpg', '/vendor/acme-sensors/renamed.png'],
    },
    videos: { main: 'https://www.youtube.com/watch?v=abcdefghijk', other: [] },
    datasheetUrl: '',
    compliances: { safety: [{ body: 'IEC', norm: 'EN', standard: '62368-1', version: '' }] },
  });
  // An unquoted 1.0 is a version, not the number 1. What is missing is not offered.
  expect(model.firmwareVersions.map(({ version }) => version)).toEqual(['1.0', '2.0']);
  expect(Object.keys(model.firmwareVersions[0]?.profiles ?? {})).toEqual([
    'EU_863_870',
    'US_902_928',
  ]);
  expect(model.firmwareVersions[1]?.profiles.EU_863_870?.codecId).toBe('');
});

test('an image with an unusual name has an address', async () => {
  const folder = temporaryDirectory();
  const files = {
    'index.yaml': 'endDevices: [thing]',
    'thing.yaml': `${deviceFile('Thing')}photos: { main: 'my photo #1.png' }`,
    'my photo #1.png': Buffer.from('89504e470d0a1a0a', 'hex'),
  };
  writeFiles(folder, oneBrand(files));
  const lab = await open();
  await lab.import({ path: folder });
  const { photos } = (await lab.catalogue.ready()).model('acme', 'thing', ['photos']);
  expect(photos?.main).toBe('/vendor/acme/my%20photo%20%231.png');
  expect(await lab.catalogue.image('acme', 'my photo #1.png')).toMatchObject({ type: 'image/png' });
});

test('images are what their bytes are', async () => {
  const { catalogue, ...lab } = await open();
  await lab.import({ path: REPOSITORY });
  const types = await Promise.all(
    [
      'logo.png',
      'renamed.png',
      'photos/side.jpg',
      'photos/fake.png',
      '../module-maker/other.png',
    ].map(async (path) => (await catalogue.image('acme-sensors', path))?.type),
  );
  expect(types).toEqual(['image/png', 'image/webp', 'image/jpeg', undefined, undefined]);
  const logo = await catalogue.image('acme-sensors', 'logo.png');
  const file = readFileSync(join(REPOSITORY, 'vendor/acme-sensors/logo.png'));
  expect(Buffer.from(logo?.bytes ?? []).equals(file)).toBe(true);
});

test('progress goes through its phases and ends with the counts', async () => {
  const lab = await open();
  const progress = await lab.import({ path: REPOSITORY });
  const phases = [...new Set(progress.map(({ phase }) => phase))];
  // A slow reader may miss some, never their order or the last.
  expect(
    ['listing', 'reading', 'activating', 'done'].filter((one) => phases.includes(one as never)),
  ).toEqual(phases);
  expect(progress.at(-1)).toMatchObject({ phase: 'done', brandsDone: 3, brandsTotal: 3 });
});

test('the import before stays until the new one is complete, and can be gone back to', async () => {
  const lab = await open();
  await lab.import({ path: small('first') });
  const folder = small('second');
  // Enough work that there is time to look.
  const many = Array.from({ length: 300 }, (_, index) => `thing-${index}`);
  writeFiles(folder, [
    { name: 'vendor/index.yaml', data: 'vendors: [{ id: new-brand }, { id: acme }]' },
    { name: 'vendor/new-brand/index.yaml', data: `endDevices: [${many}]` },
    ...many.map((id) => ({ name: `vendor/new-brand/${id}.yaml`, data: deviceFile(id) })),
  ]);
  const reads = await lab.catalogue.ready();
  const name = () => reads.model('acme', 'thing', ['name']).name;
  const hasNewBrand = () => lab.store.catalogue.reader().brand('new-brand') !== undefined;
  let looks = 0;
  let isDone = false;
  const importing = lab.import({ path: folder }).then(() => {
    isDone = true;
  });
  while (!isDone) {
    looks += 1;
    // All of the new import or nothing of it; the change may come between the two looks, but only one way.
    if (hasNewBrand()) expect(name()).toBe('second');
    if (name() === 'second') expect(hasNewBrand()).toBe(true);
    await nextTurn();
  }
  await importing;
  expect(looks).toBeGreaterThan(10);
  expect(await modelName(lab)).toBe('second');
  const [second, first] = (await lab.catalogue.versions()).filter(
    (one) => one.builtInRevision === 0,
  );
  await lab.catalogue.activate(first?.id ?? 0);
  expect(await modelName(lab)).toBe('first');
  await lab.catalogue.remove(second?.id ?? 0);
  expect((await lab.catalogue.versions()).map(({ id }) => id)).not.toContain(second?.id);
  await lab.catalogue.remove(first?.id ?? 0);
  expect(await code(modelName(lab))).toBe('pkg/devicerepository:model_not_found');
  expect(await code(lab.catalogue.activate(999))).toBe('gatehouse/catalogue:version_not_found');
});

test('two imports besides the active one are kept, and their rows go with older ones', async () => {
  const directory = temporaryDirectory();
  const lab = await open(directory);
  for (const name of ['one', 'two', 'three', 'four']) await lab.import({ path: small(name) });
  const imports = (await lab.catalogue.versions()).filter((one) => one.builtInRevision === 0);
  expect(imports).toHaveLength(3);
  const db = new Database(join(directory, 'catalogue.db'), { readonly: true });
  const count = (table: string) =>
    db.prepare<number>(`SELECT count(*) FROM ${table}`).pluck().get();
  // The brand that ships with the program has five models.
  expect([count('models'), count('model_search'), count('brands')]).toEqual([8, 8, 4]);
  db.close();
});

test('what ships with the program is there from the start and cannot be taken away', async () => {
  const lab = await open();
  const reads = await lab.catalogue.ready();
  expect(reads.brand('generic', ['name']).name).toBe('Generic');
  const [builtIn] = await lab.catalogue.versions();
  expect(await code(lab.catalogue.remove(builtIn?.id ?? 0))).toBe(
    'gatehouse/catalogue:version_active',
  );
});

test('an import that is left takes back what it stored', async () => {
  const lab = await open();
  await lab.import({ path: small('first') });
  const controller = new AbortController();
  controller.abort();
  expect(await code(lab.import({ path: REPOSITORY }, controller.signal))).toBe(
    'gatehouse/catalogue:cancelled',
  );
  expect(await modelName(lab)).toBe('first');
  expect(await lab.catalogue.versions()).toHaveLength(2);
  expect(lab.catalogue.isBusy).toBe(false);
});

test('one import at a time', async () => {
  const lab = await open();
  await lab.catalogue.ready();
  const first = lab.import({ path: REPOSITORY });
  expect(await code(lab.import({ path: REPOSITORY }))).toBe('gatehouse/catalogue:busy');
  expect((await first).at(-1)?.phase).toBe('done');
});

test('what an end in the middle left half filled is never served and goes with the next import', async () => {
  const directory = temporaryDirectory();
  const lab = await open(directory);
  await lab.catalogue.ready();
  const writer = createCatalogueWriter(join(directory, 'catalogue.db'));
  const { id, addBrand } = writer.begin({
    source: 'cut short',
    importedAtMs: 1,
    builtInRevision: 0,
  });
  addBrand({ brandId: 'half', name: 'Half', description: '', message: Uint8Array.of() });
  writer.close();
  expect((await lab.catalogue.versions()).map((one) => one.id)).not.toContain(id);
  expect(lab.store.catalogue.reader().brand('half')).toBeUndefined();
  await lab.import({ path: small('whole') });
  expect(
    lab.store.catalogue
      .reader()
      .versions()
      .map((one) => one.id),
  ).not.toContain(id);
});

test('the catalogue is there after opening again', async () => {
  const directory = temporaryDirectory();
  const first = await createCatalogueLab(directory);
  await first.import({ path: small('kept') });
  await first.close();
  expect(await modelName(await open(directory))).toBe('kept');
});

test('a program that ends during an import has the catalogue it had', async () => {
  const directory = temporaryDirectory();
  const first = await createCatalogueLab(directory);
  await first.import({ path: small('kept') });
  const importing = first.import({ path: REPOSITORY });
  await expect.poll(() => first.catalogue.isBusy).toBe(true);
  const ended = code(importing);
  await first.close();
  expect(await ended).toBe('gatehouse/catalogue:cancelled');
  const second = await open(directory);
  expect(await modelName(second)).toBe('kept');
  await second.import({ path: REPOSITORY });
  expect((await second.catalogue.versions())[0]?.counts.models).toBe(2);
});

test('an uploaded file is imported and forgotten', async () => {
  const lab = await open();
  const bytes = readFileSync(zipFile());
  let uploadId = '';
  const piece = Math.ceil(bytes.length / 3);
  for (let offset = 0; offset < bytes.length; offset += piece) {
    const data = bytes.subarray(offset, offset + piece);
    const name = '../../devices.zip';
    ({ uploadId } = await lab.catalogue.upload({ uploadId, offset: BigInt(offset), data, name }));
  }
  const wrong = { uploadId, offset: 1n, data: Uint8Array.of(1), name: '' };
  expect(await code(lab.catalogue.upload(wrong))).toBe('gatehouse/catalogue:upload_offset');
  const other = { ...wrong, uploadId: 'other' };
  expect(await code(lab.catalogue.upload(other))).toBe('gatehouse/catalogue:upload_not_found');
  await lab.import({ uploadId });
  expect((await lab.catalogue.versions())[0]).toMatchObject({
    source: 'devices.zip',
    counts: { models: 2 },
  });
  expect(await code(lab.import({ uploadId }))).toBe('gatehouse/catalogue:upload_not_found');
});

test('neither an import nor a long list holds the main thread', async () => {
  const lab = await open();
  await lab.import({ path: REPOSITORY });
  const reads = await lab.catalogue.ready();
  const list = () =>
    reads.listModels({ limit: 1_000, page: 1, orderBy: '', search: '' }, [
      'name',
      'hardware_versions',
    ]);
  await list();
  const folder = temporaryDirectory();
  const names = Array.from({ length: 1_000 }, (_, index) => `thing-${index}`);
  const hardware = Array.from({ length: 40 }, (_, index) => `{ version: rev-${index} }`);
  const file = `${deviceFile('Thing')}hardwareVersions: [${hardware}]`;
  const devices = names.map((name) => [`${name}.yaml`, file] as const);
  const index = { 'index.yaml': `endDevices: [${names}]` };
  writeFiles(folder, oneBrand({ ...index, ...Object.fromEntries(devices) }));
  expect(await longestTurnMs(() => lab.import({ path: folder }))).toBeLessThan(20);
  expect((await list()).models).toHaveLength(1_000);
  expect(await longestTurnMs(list)).toBeLessThan(20);
});

test('a source that is none leaves the catalogue as it was', async () => {
  const lab = await open();
  await lab.import({ path: small('kept') });
  const empty = temporaryDirectory();
  const listsNone = temporaryDirectory();
  writeFiles(listsNone, [{ name: 'vendor/index.yaml', data: 'vendors: []' }]);
  const notAZip = join(empty, 'page.zip');
  writeFileSync(notAZip, '<html>not found</html>');
  const codes = [];
  for (const path of [join(empty, 'nothing'), empty, listsNone, notAZip])
    codes.push(await code(lab.import({ path })));
  expect(codes).toEqual([
    'gatehouse/catalogue:source_unreadable',
    'gatehouse/catalogue:not_a_repository',
    'gatehouse/catalogue:not_a_repository',
    'gatehouse/catalogue:source_unreadable',
  ]);
  const failed = await lab.import({ path: empty }).catch((error: unknown) => error);
  expect(STATUS[(failed as { status: keyof typeof STATUS }).status]).toBe(STATUS.INVALID_ARGUMENT);
  expect(await modelName(lab)).toBe('kept');
});
