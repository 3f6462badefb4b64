import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ImportDevicesRequestSchema,
  type ImportDevicesResponse,
  ImportOutcome,
} from '../../api/gen/gatehouse/v1/device_files_pb.js';
import type { EndDevice } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../../base/logger.ts';
import { virtualClock } from '../../base/virtual-clock.ts';
import { newMacState } from '../../network-server/index.ts';
import { createRegistry, newApplication, type Registry } from '../../registry/index.ts';
import { createStore, type Store } from '../../store/index.ts';
import { exportDevices } from './export-devices.ts';
import { CSV_FORMAT, JSON_FORMAT } from './formats.ts';
import { importDevices } from './import-devices.ts';

let store: Store;
let registry: Registry;
let published: string[];

beforeEach(async () => {
  const clock = virtualClock();
  const logger = silentLogger();
  published = [];
  store = await createStore({ directory: ':memory:', clock, logger });
  const publish = ({ name }: { name: string }): void => void published.push(name);
  registry = createRegistry({ store, clock, logger, publish, newMacState });
  await registry.applications.create(newApplication('lab'));
});
afterEach(() => store.close());

const ports = () => ({
  registry,
  nowMs: () => 0,
  newSessionKeyId: () => new Uint8Array(16).fill(7),
});

async function importFile(
  formatId: string,
  file: string,
  more: { dryRun?: boolean; defaults?: object } = {},
): Promise<ImportDevicesResponse[]> {
  const request = create(ImportDevicesRequestSchema, {
    applicationIds: { applicationId: 'lab' },
    formatId,
    data: new TextEncoder().encode(file),
    ...more,
  });
  const answers: ImportDevicesResponse[] = [];
  for await (const answer of importDevices(request, ports())) answers.push(answer);
  return answers;
}
const verdicts = (answers: readonly ImportDevicesResponse[]) =>
  answers.flatMap(({ rows }) =>
    rows.map(({ line, deviceId, outcome, error }) => [
      line,
      deviceId,
      ImportOutcome[outcome],
      error ? `${error.namespace}:${error.name}` : '',
    ]),
  );

async function exportFile(formatId: string, includeKeys = true): Promise<string> {
  let text = '';
  const options = { applicationId: 'lab', formatId, includeKeys };
  for await (const piece of exportDevices(registry, options)) text += piece.text;
  return text;
}

/** What all registries know of each device; its keys have no place in a failing test's output but here. */
async function contents(): Promise<EndDevice[]> {
  const all = await registry.wholeDevicesAfter('lab', '', 1000, true);
  for (const device of all) {
    // Told by the network server's clock and counters of this run.
    delete device.macState;
    if (device.session) delete device.session.startedAt;
  }
  return all;
}

async function clear(): Promise<void> {
  for (const { ids } of await registry.wholeDevicesAfter('lab', '', 1000, false)) {
    if (ids) await registry.deleteEverywhere(ids);
  }
  expect(store.identityDevices.count()).toBe(0);
}

const key = (digit: string): string => digit.repeat(32);
const HEAD =
  'id;dev_eui;join_eui;name;frequency_plan_id;lorawan_version;lorawan_phy_version;app_key;dev_addr;app_s_key;f_nwk_s_int_key;last_f_cnt_up';
const PLAN = 'EU_863_870;1.0.3;1.0.3-a';
const joining = (at: number): string =>
  `meter-${at};0004A30B001C05${String(at).padStart(2, '0')};0000000000000001;Meter ${at};${PLAN};${key('A')};;;;`;
const personalized = (at: number): string =>
  `abp-${at};;;Meter ${at};${PLAN};;260100${String(at).padStart(2, '0')};${key('B')};${key('C')};17`;

const JSON_DEVICES = [
  {
    ids: { device_id: 'joined', dev_eui: '0004A30B001C0600', join_eui: '0000000000000001' },
    name: ' leading space; "quotes"',
    description: 'two\nlines',
    attributes: { floor: 'first' },
    locations: { user: { latitude: 52.5, longitude: 13.4, altitude: 30 } },
    supports_join: true,
    frequency_plan_id: 'EU_863_870',
    lorawan_version: '1.0.3',
    lorawan_phy_version: '1.0.3-a',
    root_keys: { root_key_id: 'k1', app_key: { key: key('1') } },
    last_dev_nonce: 5,
    used_dev_nonces: [4, 5],
    last_join_nonce: 9,
    formatters: { up_formatter: 'FORMATTER_CAYENNELPP' },
    session: {
      dev_addr: '02000001',
      keys: {
        session_key_id: Buffer.from('a session of it').toString('base64'),
        f_nwk_s_int_key: { key: key('2') },
        app_s_key: { key: key('3') },
      },
      last_f_cnt_up: 11,
      last_n_f_cnt_down: 3,
    },
  },
  {
    ids: { device_id: 'modern', dev_eui: '0004A30B001C0601', join_eui: '0000000000000001' },
    supports_join: true,
    supports_class_c: true,
    frequency_plan_id: 'EU_863_870',
    lorawan_version: '1.1.0',
    lorawan_phy_version: '1.1.0-b',
    root_keys: { app_key: { key: key('4') }, nwk_key: { key: key('5') } },
    mac_settings: {
      rx1_delay: 5,
      supports_32_bit_f_cnt: true,
      adr: { dynamic: { margin: 15 } },
    },
    version_ids: { brand_id: 'acme', model_id: 'door', firmware_version: '1.0' },
  },
];
const JSON_FILE = JSON_DEVICES.map((device) => JSON.stringify(device)).join('\n');

describe('an import', () => {
  test('registers devices of all kinds and goes on behind those it cannot', async () => {
    await importFile(CSV_FORMAT, [HEAD, joining(9)].join('\n'));
    const answers = await importFile(
      CSV_FORMAT,
      [
        HEAD,
        joining(1),
        personalized(2),
        joining(9),
        joining(3).replace('0004A30B001C0503', '0004A30B001C0501'),
        joining(4).replace('EU_863_870', 'XX_1'),
        joining(5).replace(key('A'), ''),
        joining(6).replace('meter-6', 'Not An Id'),
        joining(7).replace('1.0.3;', '9.9;'),
        'meter-8;too;short',
        joining(8),
      ].join('\n'),
    );
    expect(verdicts(answers)).toEqual([
      [2, 'meter-1', 'CREATED', ''],
      [3, 'abp-2', 'CREATED', ''],
      [4, 'meter-9', 'EXISTS', 'pkg/util/store:id_taken'],
      [5, 'meter-3', 'EXISTS', 'pkg/identityserver:end_device_euis_taken'],
      [6, 'meter-4', 'FAILED', 'pkg/frequencyplans:not_found'],
      [7, 'meter-5', 'FAILED', 'pkg/networkserver:field_value'],
      [8, 'Not An Id', 'FAILED', 'pkg/errors:validation'],
      [9, '', 'FAILED', 'pkg/devicetemplates:parse_csv_field'],
      [10, '', 'FAILED', 'pkg/devicetemplates:parse_csv'],
      [11, 'meter-8', 'CREATED', ''],
    ]);
    expect(answers.at(-1)).toMatchObject({
      created: 3,
      existing: 2,
      failed: 5,
      linesRead: 11,
      linesTotal: 11,
      rows: [],
    });
    const [failed] = answers.flatMap(({ rows }) => rows.filter(({ line }) => line === 9));
    expect(failed?.errorText).toContain('Column lorawan_version takes a value of MACVersion.');
    const ids = (await contents()).map((device) => device.ids?.deviceId);
    expect(ids).toEqual(['abp-2', 'meter-1', 'meter-8', 'meter-9']);
    const abp = (await contents())[0];
    expect(abp).toMatchObject({ supportsJoin: false, session: { lastFCntUp: 17 } });
  });

  test('gives defaults to devices of which the file says nothing', async () => {
    const file = `id;dev_eui;app_key;frequency_plan_id\ndoor-1;0004A30B001C0501;${key('A')};\ndoor-2;0004A30B001C0502;${key('A')};US_902_928_FSB_2`;
    const answers = await importFile(CSV_FORMAT, file, {
      defaults: {
        frequencyPlanId: 'EU_863_870',
        lorawanVersion: MACVersion.MAC_V1_0_3,
        lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
        joinEui: new Uint8Array(8),
      },
    });
    expect(answers.at(-1)).toMatchObject({ created: 2, failed: 0 });
    expect(await contents()).toMatchObject([
      { frequencyPlanId: 'EU_863_870', ids: { joinEui: new Uint8Array(8) } },
      { frequencyPlanId: 'US_902_928_FSB_2' },
    ]);
  });

  test('that is tried stores nothing, tells nobody, and finds what it would', async () => {
    await importFile(CSV_FORMAT, [HEAD, joining(9)].join('\n'));
    published.length = 0;
    const before = await contents();
    const file = [
      HEAD,
      ...Array.from({ length: 40 }, (_, at) => joining(10 + at)),
      joining(9),
      joining(10),
      joining(60).replace('0004A30B001C0560', '0004A30B001C0511'),
      joining(61).replace('EU_863_870', 'XX_1'),
      personalized(2),
    ].join('\n');
    const answers = await importFile(CSV_FORMAT, file, { dryRun: true });
    expect(verdicts(answers).slice(39)).toEqual([
      [41, 'meter-49', 'VALID', ''],
      [42, 'meter-9', 'EXISTS', 'pkg/util/store:id_taken'],
      [43, 'meter-10', 'EXISTS', 'gatehouse/templates:imported_twice'],
      [44, 'meter-60', 'EXISTS', 'gatehouse/templates:imported_twice'],
      [45, 'meter-61', 'FAILED', 'pkg/frequencyplans:not_found'],
      [46, 'abp-2', 'VALID', ''],
    ]);
    expect(answers.at(-1)).toMatchObject({ created: 41, existing: 3, failed: 1 });
    expect(await contents()).toEqual(before);
    expect(published).toEqual([]);
    expect(registry.networkDeviceByIds('lab', 'meter-10')).toBeUndefined();
    const found = await registry.identity.search({ applicationId: 'lab', query: 'meter' }, []);
    expect(found.total).toBe(1);
    // And it was right.
    const done = await importFile(CSV_FORMAT, file);
    expect(done.at(-1)).toMatchObject({ created: 41, existing: 3, failed: 1 });
  });

  test('takes the addresses and application of another network for its own', async () => {
    const device = {
      ...JSON_DEVICES[1],
      ids: {
        ...JSON_DEVICES[1]?.ids,
        application_ids: { application_id: 'elsewhere' },
        dev_addr: '26011F0C',
      },
      network_server_address: 'eu1.example.com',
      join_server_address: 'eu1.example.com',
    };
    const answers = await importFile(JSON_FORMAT, JSON.stringify([device]));
    expect(verdicts(answers)).toEqual([[1, 'modern', 'CREATED', '']]);
    expect((await contents())[0]).toMatchObject({
      ids: { applicationIds: { applicationId: 'lab' } },
      networkServerAddress: '',
      joinServerAddress: '',
    });
  });

  test('of a file that cannot be understood ends with its error', async () => {
    await expect(importFile(CSV_FORMAT, 'colour')).rejects.toMatchObject({ reason: 'csv_header' });
    await expect(importFile('nothing', '')).rejects.toMatchObject({ reason: 'converter' });
    await expect(importFile(JSON_FORMAT, '{')).rejects.toMatchObject({ reason: 'json_token' });
  });
});

describe('an export', () => {
  test('in JSON comes back as it was, sessions, counters and keys included', async () => {
    expect((await importFile(JSON_FORMAT, JSON_FILE)).at(-1)).toMatchObject({ created: 2 });
    const before = await contents();
    expect(before[0]).toMatchObject({
      attributes: { floor: 'first' },
      session: { lastFCntUp: 11, lastNFCntDown: 3 },
      lastDevNonce: 5,
      usedDevNonces: [4, 5],
      formatters: { upFormatter: 4 },
    });
    const file = await exportFile(JSON_FORMAT);
    expect(file.trim().split('\n')).toHaveLength(2);
    await clear();
    expect((await importFile(JSON_FORMAT, file)).at(-1)).toMatchObject({ created: 2, failed: 0 });
    expect(await contents()).toEqual(before);
  });

  test('in CSV comes back as it was, as far as there are columns', async () => {
    const rows = [HEAD, joining(1), personalized(2)];
    await importFile(CSV_FORMAT, rows.join('\n'));
    await importFile(JSON_FORMAT, JSON.stringify({ ...JSON_DEVICES[1], name: ' a; "b"\nc' }));
    const before = await contents();
    const adr = before.find(({ ids }) => ids?.deviceId === 'modern')?.macSettings;
    delete adr?.adr;
    const file = await exportFile(CSV_FORMAT);
    await clear();
    const answers = await importFile(CSV_FORMAT, file);
    expect(answers.at(-1)).toMatchObject({ created: 3, failed: 0 });
    const after = await contents();
    for (const { session } of [...before, ...after]) {
      if (session?.keys) session.keys.sessionKeyId = new Uint8Array();
    }
    expect(after).toEqual(before);
  });

  test.each([JSON_FORMAT, CSV_FORMAT])('in %s has keys only on request', async (format) => {
    await importFile(JSON_FORMAT, JSON_FILE);
    await importFile(CSV_FORMAT, [HEAD, joining(1), personalized(2)].join('\n'));
    const secrets = [...'12345ABC'].map(key);
    const open = await exportFile(format, false);
    for (const secret of secrets) expect(open).not.toContain(secret);
    expect(open).not.toContain('session_key_id');
    const full = await exportFile(format);
    for (const secret of secrets) expect(full).toContain(secret);
    expect(open).toContain('0004A30B001C0501');
  });

  test('has all devices, each once, whatever their number; an empty one only its header', async () => {
    expect(await exportFile(JSON_FORMAT)).toBe('');
    expect((await exportFile(CSV_FORMAT)).trim().split('\n')).toHaveLength(1);
    const rows = Array.from({ length: 99 }, (_, at) => joining(at));
    await importFile(CSV_FORMAT, [HEAD, ...rows].join('\n'));
    const lines = (await exportFile(CSV_FORMAT)).trim().split('\n').slice(1);
    expect(new Set(lines.map((line) => line.split(';')[0])).size).toBe(99);
    expect(lines).toHaveLength(99);
  });
});
