/** Devices of a file into a running network and back, over every carrier, and who may do so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeviceFiles, ImportOutcome } from '../main/api/gen/gatehouse/v1/device_files_pb.js';
import { hashSecret } from '../main/rpc/api-keys.ts';
import { CARRIERS, clientOver, collect, refusalOf, rest } from './support/api-carriers.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { openInProcessApp } from './support/in-process-app.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-device-files-'));
const applicationIds = { applicationId: 'lab' };
const formatId = 'the-things-stack-csv';
const KEY = '8AFE71A145B253E49C3031AD068277A1';
let program: HeadlessProcess;

beforeAll(async () => {
  program = await startHeadless(directory);
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A file with so many devices; every tenth row has no frequency plan there is. */
function deviceFile(prefix: number, count: number): string {
  const rows = Array.from({ length: count }, (_, at) => {
    const number = `${prefix}${String(at).padStart(3, '0')}`;
    const plan = at % 10 === 9 ? 'XX_1' : 'EU_863_870';
    return `meter-${number};0004A30B0000${number};0000000000000001;${plan};1.0.3;1.0.3-a;${KEY}`;
  });
  const head = 'id;dev_eui;join_eui;frequency_plan_id;lorawan_version;lorawan_phy_version;app_key';
  return [head, ...rows].join('\n');
}
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const count = async (): Promise<string | null> =>
  (await rest(program, 'GET', '/applications/lab/devices?limit=1')).headers.get('x-total-count');

describe.each(CARRIERS)('over %s', (carrier) => {
  const files = () => clientOver(program, carrier, DeviceFiles);
  const file = deviceFile(1 + CARRIERS.indexOf(carrier), 100);
  const importFile = (dryRun: boolean) =>
    collect(files().import({ applicationIds, formatId, data: bytes(file), dryRun }));

  test('a file is tried, then imported, with a verdict per row and progress between', async () => {
    const before = Number(await count());
    const tried = await importFile(true);
    expect(tried.at(-1)).toMatchObject({ created: 90, failed: 10, existing: 0 });
    expect(Number(await count())).toBe(before);
    const steps = await importFile(false);
    expect(steps.length).toBeGreaterThan(3);
    const lines = steps.map(({ linesRead }) => linesRead);
    expect(lines).toEqual(lines.toSorted((a, b) => a - b));
    expect(lines.at(-1)).toBe(101);
    expect(steps.every(({ linesTotal }) => linesTotal === 101)).toBe(true);
    const rows = steps.flatMap((step) => step.rows);
    expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, at) => at + 2));
    expect(rows[8]).toMatchObject({ outcome: ImportOutcome.CREATED });
    expect(rows[9]).toMatchObject({
      outcome: ImportOutcome.FAILED,
      error: { namespace: 'pkg/frequencyplans', name: 'not_found' },
      errorText: 'There is no frequency plan XX_1. Choose one of the list.',
    });
    expect(Number(await count())).toBe(before + 90);
    const again = await importFile(false);
    expect(again.at(-1)).toMatchObject({ created: 0, existing: 90, failed: 10 });
  });

  test('a client that leaves stops the import behind what it was told', async () => {
    const before = Number(await count());
    const controller = new AbortController();
    const data = bytes(deviceFile(4 + CARRIERS.indexOf(carrier), 1_000));
    const request = { applicationIds, formatId, data };
    const steps = files().import(request, { signal: controller.signal });
    const reading = (async () => {
      for await (const step of steps) if (step.created > 0) controller.abort();
    })();
    await expect(reading).rejects.toThrow();
    let settled = -1;
    await expect
      .poll(async () => {
        const last = settled;
        settled = Number(await count());
        return settled === last;
      })
      .toBe(true);
    expect(settled - before).toBeGreaterThan(0);
    expect(settled - before).toBeLessThan(900);
  });

  test('an export has the devices, and their keys only on request', async () => {
    const read = async (includeKeys: boolean): Promise<string> => {
      const pieces = await collect(files().export({ applicationIds, formatId, includeKeys }));
      expect(pieces.at(-1)?.devices).toBe(Number(await count()));
      return Buffer.concat(pieces.map(({ data }) => data)).toString();
    };
    expect(await read(false)).not.toContain(KEY);
    expect(await read(true)).toContain(KEY);
    const unknown = files().export({ applicationIds, formatId: 'no-such-format' });
    expect(await refusalOf(collect(unknown))).toBe('pkg/devicetemplateconverter:converter 5');
  });
});

test('REST has both, line by line', async () => {
  const data = Buffer.from(deviceFile(9, 2)).toString('base64');
  const path = '/gatehouse/applications/lab/devices';
  const post = (action: string, body: object): Promise<Response> =>
    fetch(`http://${program.addresses.http}/api/v3${path}/${action}`, {
      method: 'POST',
      headers: { authorization: 'Bearer NNSXS.TESTKEY.TESTSECRET' },
      body: JSON.stringify(body),
    });
  const imported = await (await post('import', { format_id: formatId, data })).text();
  const lines = imported.trim().split('\n');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    result: {
      rows: [
        { line: 2, device_id: 'meter-9000', outcome: 'IMPORT_OUTCOME_CREATED' },
        { line: 3, device_id: 'meter-9001', outcome: 'IMPORT_OUTCOME_CREATED' },
      ],
      created: 2,
    },
  });
  const exported = await (await post('export', { format_id: 'the-things-stack' })).text();
  const text = exported
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { result: { data: string } }).result.data)
    .map((piece) => Buffer.from(piece, 'base64').toString())
    .join('');
  const devices = text.trim().split('\n');
  expect(devices).toHaveLength(Number(await count()));
  expect(JSON.parse(devices.at(-1) ?? '')).toMatchObject({
    ids: { device_id: 'meter-9001' },
    frequency_plan_id: 'EU_863_870',
  });
});

test('keys of an import and an export need the right to write and to read them', async () => {
  const lab = await openInProcessApp();
  const all = ['READ', 'WRITE', 'READ_KEYS', 'WRITE_KEYS'];
  const call = async (action: string, body: object, ...rights: string[]): Promise<string> => {
    const id = rights.join('').replaceAll('_', '');
    await lab.store.unit(() =>
      lab.store.apiKeys.put({
        id,
        name: id,
        hash: hashSecret('SECRET'),
        rights: rights.map((right) => `RIGHT_APPLICATION_DEVICES_${right}`),
        applicationId: 'lab',
        createdAtMs: 0,
        updatedAtMs: 0,
      }),
    );
    const request = new Request(
      `http://127.0.0.1/api/v3/gatehouse/applications/lab/devices/${action}`,
      { method: 'POST', body: JSON.stringify({ format_id: formatId, ...body }) },
    );
    const response = await lab.app.handle(request, lab.app.callerOf(`Bearer NNSXS.${id}.SECRET`));
    const text = await response.text();
    return /"name":"([^"]+)"/.exec(text)?.[1] ?? String(response.status);
  };
  const data = Buffer.from(deviceFile(1, 1)).toString('base64');
  const refused = 'insufficient_application_rights';
  for (const missing of ['WRITE', 'WRITE_KEYS']) {
    const rights = all.filter((right) => right !== missing);
    expect(await call('import', { data, dry_run: true }, ...rights)).toBe(refused);
  }
  expect(await call('import', { data }, 'WRITE', 'WRITE_KEYS')).toBe('200');
  expect(await call('export', {}, 'WRITE', 'READ_KEYS')).toBe(refused);
  expect(await call('export', {}, 'READ')).toBe('200');
  expect(await call('export', { include_keys: true }, 'READ')).toBe(refused);
  expect(await call('export', { include_keys: true }, 'READ', 'READ_KEYS')).toBe('200');
  await lab.close();
});
