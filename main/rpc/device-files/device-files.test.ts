import { createRegistry } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { GatehouseError } from '../../base/errors.ts';
import { messageToJson } from '../json/message-to-json.ts';
import { CSV_FORMAT, JSON_FORMAT, readDeviceFile } from './formats.ts';
import type { EmptyCells, TemplateRow } from './template-row.ts';

const KEY = '8AFE71A145B253E49C3031AD068277A1';
const SESSION_KEY_ID = new Uint8Array(16).fill(7);

async function read(
  formatId: string,
  file: string | Uint8Array,
  emptyCells: EmptyCells = 'given',
): Promise<{ rows: TemplateRow[]; error?: GatehouseError }> {
  const data = typeof file === 'string' ? new TextEncoder().encode(file) : file;
  const rows: TemplateRow[] = [];
  try {
    const options = { emptyCells, newSessionKeyId: () => SESSION_KEY_ID };
    for await (const row of readDeviceFile(formatId, data, options)) rows.push(row);
    return { rows };
  } catch (error) {
    return { rows, error: error as GatehouseError };
  }
}
const csv = (file: string | Uint8Array, emptyCells?: EmptyCells) =>
  read(CSV_FORMAT, file, emptyCells);

/** What a row says, in the JSON of the API. */
function said(row: TemplateRow | undefined): unknown {
  if (!row || 'error' in row) return row?.error.code;
  const context = { registry: createRegistry() };
  return { device: messageToJson(EndDeviceSchema, row.device, context), paths: [...row.paths] };
}
const codeAndPlace = (error: GatehouseError | undefined) => [error?.code, error?.attributes];

describe('CSV', () => {
  test('every column goes to its field', async () => {
    const { rows } = await csv(
      [
        'id;dev_eui;join_eui;name;description;frequency_plan_id;lorawan_version;lorawan_phy_version;brand_id;' +
          'model_id;hardware_version;firmware_version;band_id;vendor_id;vendor_profile_id;app_key;nwk_key;rx1_delay;' +
          'supports_32_bit_f_cnt;supports_class_c',
        `door-7;0004A30B001C0530;70b3d57ed0000001;Back door;"by; the ""bins""";EU_863_870;1.0.3;1.0.3-a;acme;` +
          `door-1;1.0;2.1;EU_863_870;04a1;12;${KEY};${KEY};RX_DELAY_5;true;F`,
      ].join('\r\n'),
    );
    expect(said(rows[0])).toEqual({
      device: {
        ids: {
          device_id: 'door-7',
          dev_eui: '0004A30B001C0530',
          join_eui: '70B3D57ED0000001',
        },
        name: 'Back door',
        description: 'by; the "bins"',
        frequency_plan_id: 'EU_863_870',
        lorawan_version: 'MAC_V1_0_3',
        lorawan_phy_version: 'PHY_V1_0_3_REV_A',
        version_ids: {
          brand_id: 'acme',
          model_id: 'door-1',
          hardware_version: '1.0',
          firmware_version: '2.1',
          band_id: 'EU_863_870',
        },
        lora_alliance_profile_ids: { vendor_id: 0x04a1, vendor_profile_id: 0x12 },
        supports_join: true,
        root_keys: { app_key: { key: KEY }, nwk_key: { key: KEY } },
        mac_settings: { rx1_delay: 5, supports_32_bit_f_cnt: true },
      },
      paths: [
        ...['ids.device_id', 'ids.dev_eui', 'ids.join_eui', 'name', 'description'],
        ...['frequency_plan_id', 'lorawan_version', 'lorawan_phy_version'],
        ...['version_ids.brand_id', 'version_ids.model_id', 'version_ids.hardware_version'],
        ...['version_ids.firmware_version', 'version_ids.band_id'],
        ...['lora_alliance_profile_ids.vendor_id', 'lora_alliance_profile_ids.vendor_profile_id'],
        ...['root_keys.app_key.key', 'supports_join', 'root_keys.nwk_key.key'],
        ...['mac_settings.rx1_delay', 'mac_settings.supports_32_bit_f_cnt', 'supports_class_c'],
      ],
    });
  });

  test('a session gets a key id, which the mask does not name', async () => {
    const { rows } = await csv(
      `id,dev_addr,app_s_key,f_nwk_s_int_key,last_f_cnt_up,last_n_f_cnt_down,last_a_f_cnt_down\nmeter-1,26011F0C,${KEY},${KEY},9,8,7`,
    );
    expect(said(rows[0])).toEqual({
      device: {
        ids: { device_id: 'meter-1' },
        session: {
          dev_addr: '26011F0C',
          keys: {
            session_key_id: Buffer.from(SESSION_KEY_ID).toString('base64'),
            app_s_key: { key: KEY },
            f_nwk_s_int_key: { key: KEY },
          },
          last_f_cnt_up: 9,
          last_n_f_cnt_down: 8,
          last_a_f_cnt_down: 7,
        },
      },
      paths: [
        ...['ids.device_id', 'session.dev_addr', 'session.keys.app_s_key.key'],
        ...['session.keys.f_nwk_s_int_key.key', 'session.last_f_cnt_up'],
        ...['session.last_n_f_cnt_down', 'session.last_a_f_cnt_down'],
      ],
    });
  });

  test('without a column of ids they come from the DevEUI; app_eui is the JoinEUI', async () => {
    const { rows } = await csv('dev_eui;app_eui;colour\n0004A30B001C0530;0000000000000001;red');
    expect(said(rows[0])).toMatchObject({
      device: { ids: { device_id: 'eui-0004a30b001c0530', join_eui: '0000000000000001' } },
      paths: ['ids.dev_eui', 'ids.join_eui', 'ids.device_id'],
    });
  });

  test.each([
    ['a semicolon anywhere in the first line', 'id;name,x\nd-1;a,b', 'd-1'],
    ['a comma', 'id,name\nd-1,a', 'd-1'],
    ['one column', 'id\nd-1', 'd-1'],
    ['leading spaces of cells', 'id; name\n  d-1;  "a"', 'd-1'],
    ['empty lines', 'id\n\nd-1\n\n', 'd-1'],
    ['a byte order mark', '\uFEFFid;name\nd-1;a', 'd-1'],
  ])('%s', async (_, file, id) => {
    const { rows, error } = await csv(file);
    expect(error).toBeUndefined();
    expect(rows.map((row) => 'device' in row && row.device.ids?.deviceId)).toEqual([id]);
  });

  test.each([
    ['UTF-16, little end first, with a mark', Buffer.from('\uFEFFid;name\nd-1;Tür', 'utf16le')],
    ['UTF-16, little end first', Buffer.from('id;name\nd-1;Tür', 'utf16le')],
    ['UTF-16, big end first', Buffer.from('\uFEFFid;name\nd-1;Tür', 'utf16le').swap16()],
    ['Windows-1252', Buffer.from('id;name\nd-1;Tür', 'latin1')],
    ['UTF-8', Buffer.from('id;name\nd-1;Tür')],
  ])('in %s is read', async (_, data) => {
    const { rows } = await csv(data);
    expect(said(rows[0])).toMatchObject({ device: { name: 'Tür' } });
  });

  test('an empty cell of digits is a given zero to The Things Stack, other kinds are errors', async () => {
    const { rows } = await csv('id;app_key\nd-1;');
    expect(rows[0]).toMatchObject({
      device: { supportsJoin: true, rootKeys: { appKey: { key: new Uint8Array(16) } } },
      paths: ['ids.device_id', 'root_keys.app_key.key', 'supports_join'],
    });
    const number = await csv('id;last_f_cnt_up\nd-1;');
    expect(said(number.rows[0])).toBe('pkg/devicetemplates:parse_csv_field');
  });

  test('to our own import nothing was given, so that files may mix kinds of devices', async () => {
    const file = `id;app_key;dev_addr;last_f_cnt_up\nd-1;${KEY};;\nd-2;;26011F0C;5`;
    const { rows } = await csv(file, 'absent');
    expect(rows).toMatchObject([
      { paths: ['ids.device_id', 'root_keys.app_key.key', 'supports_join'] },
      { paths: ['ids.device_id', 'session.dev_addr', 'session.last_f_cnt_up'] },
    ]);
  });

  test.each([
    ['dev_eui', '0004A30B001C053'],
    ['app_key', `${KEY}0`],
    ['dev_addr', '26011F0X'],
    ['last_f_cnt_up', '4294967296'],
    ['last_f_cnt_up', '-1'],
    ['supports_32_bit_f_cnt', '1'],
    ['supports_class_c', 'yes'],
    ['lorawan_version', '1.0.9'],
    ['rx1_delay', '5 s'],
    ['vendor_id', 'xyz'],
  ])(
    'a bad cell of %s is named with its row and column, and its text is not',
    async (name, cell) => {
      const { rows } = await csv(`id;${name}\nd-1;${cell}\nd-2;${cell}`);
      const [, second] = rows;
      if (!second || !('error' in second)) throw new Error('the cell was read');
      expect(codeAndPlace(second.error)).toEqual([
        'pkg/devicetemplates:parse_csv_field',
        { line: 2, column: 2 },
      ]);
      expect(second.line).toBe(3);
      expect(second.error.cause).toMatchObject({ attributes: { name } });
      expect(JSON.stringify([second.error.message, String(second.error.cause)])).not.toContain(
        cell,
      );
    },
  );

  test('a row with another number of cells is refused with its line in the file', async () => {
    const { rows } = await csv(`id;name;app_key\nd-1;"a\nb";${KEY}\nd-2;x\nd-3;y;${KEY}`);
    const [first, second, third] = rows;
    expect([said(first), said(third)]).toMatchObject([
      { device: { name: 'a\nb' } },
      { device: { name: 'y' } },
    ]);
    if (!second || !('error' in second)) throw new Error('the row was read');
    expect(codeAndPlace(second.error)).toEqual([
      'pkg/devicetemplates:parse_csv',
      { line: 4, column: 1, start_line: 4, message: 'the row has 2 cells, the header 3' },
    ]);
  });

  test('a row with misplaced quotes is refused alone, and none of its text is told', async () => {
    const { rows } = await csv(`id;app_key\nd-1;${KEY}\nd-2;"b"${KEY}"c"\nd-3;${KEY}`);
    const [first, second, third] = rows;
    expect(rows).toHaveLength(3);
    expect([said(first), said(third)]).toMatchObject([
      { device: { ids: { device_id: 'd-1' } } },
      { device: { ids: { device_id: 'd-3' } } },
    ]);
    if (!second || !('error' in second)) throw new Error('the row was read');
    expect(codeAndPlace(second.error)).toEqual([
      'pkg/devicetemplates:parse_csv',
      { line: 3, column: 2, start_line: 3, message: 'a quote is misplaced' },
    ]);
    expect(second.error.message).not.toContain(KEY);
  });

  test('a quoted cell without end takes the rest of the file with it, not what was before', async () => {
    const { rows } = await csv('id;name\nd-1;a\nd-2;"b\nd-3;c');
    expect(said(rows[0])).toMatchObject({ device: { name: 'a' } });
    expect(said(rows[1])).toBe('pkg/devicetemplates:parse_csv');
    expect(rows).toHaveLength(2);
  });

  test.each(['', 'colour;taste\nred;sweet', 'ID;NAME\nd-1;x'])(
    'a file that names no column is refused: %j',
    async (file) => {
      expect((await csv(file)).error?.code).toBe('pkg/devicetemplates:csv_header');
    },
  );
});

describe('JSON', () => {
  const json = (file: string) => read(JSON_FORMAT, file);
  const one = { ids: { device_id: 'door-7', dev_eui: '0004A30B001C0530', dev_addr: '26011F0C' } };

  test.each([
    ['one object', JSON.stringify(one), 1],
    ['objects one after another', `${JSON.stringify(one)}\n${JSON.stringify(one)}`, 2],
    ['objects without space', JSON.stringify(one).repeat(3), 3],
    ['a list', JSON.stringify([one, one], undefined, 2), 2],
    ['an empty list', ' [ ] ', 0],
    ['an empty file', '', 0],
    ['braces and quotes in texts', JSON.stringify({ ...one, name: '}"{\\' }), 1],
  ])('%s', async (_, file, count) => {
    const { rows, error } = await json(file);
    expect(error).toBeUndefined();
    expect(rows).toHaveLength(count);
    for (const row of rows) expect(said(row)).toMatchObject({ device: one });
  });

  test('the mask names single fields, wrappers whole, and never ids.dev_addr', async () => {
    const { rows } = await json(
      JSON.stringify({
        ...one,
        attributes: { floor: 'first' },
        supports_join: false,
        lorawan_version: '1.0.3',
        battery_percentage: 0,
        created_at: '2024-05-06T07:08:09Z',
        mac_settings: {
          rx1_delay: 0,
          rx2_frequency: '869525000',
          class_c_timeout: '10s',
          factory_preset_frequencies: ['868100000'],
          adr: { dynamic: { margin: 15 }, static: null },
        },
        root_keys: { app_key: { key: KEY } },
      }),
    );
    expect(new Set((rows[0] as unknown as { paths: string[] }).paths)).toEqual(
      new Set([
        ...['ids.device_id', 'ids.dev_eui', 'attributes', 'lorawan_version', 'battery_percentage'],
        ...['created_at', 'mac_settings.rx1_delay', 'mac_settings.rx2_frequency'],
        ...['mac_settings.class_c_timeout', 'mac_settings.factory_preset_frequencies'],
        ...['mac_settings.adr.mode.dynamic.margin', 'root_keys.app_key.key'],
      ]),
    );
  });

  test('an object that is no device is refused alone, with its line and field', async () => {
    const { rows, error } = await json(
      `[${JSON.stringify(one)},\n{"ids":{"dev_eui":"${KEY}"}},\n{"name" ${KEY}},\n${JSON.stringify(one)}]`,
    );
    expect(error).toBeUndefined();
    expect(rows.map(said)).toMatchObject([
      { device: one },
      'pkg/util/io:json_token',
      'pkg/util/io:json_token',
      { device: one },
    ]);
    const [, field, syntax] = rows as { error: GatehouseError; line: number }[];
    expect(field?.error.cause).toMatchObject({
      attributes: { number: 2, line: 2, problem: 'ids.dev_eui has to be 16 hex digits' },
    });
    expect(syntax?.error.cause).toMatchObject({ attributes: { number: 3, line: 3 } });
    expect(String(syntax?.error.cause)).not.toContain(KEY);
  });

  test.each([
    ['{"name":"a"} x', 2],
    ['[{"name":"a"} {"name":"b"}]', 2],
    ['{"name":"a"}\n{"name":', 2],
    ['[1]', 1],
    ['[{}] []', 2],
    ['<html>', 1],
  ])('a text that goes on in no known way ends the reading: %j', async (file, number) => {
    const { error } = await json(file);
    expect(error?.code).toBe('pkg/util/io:json_token');
    expect(error?.cause).toMatchObject({ attributes: { number } });
  });
});

test('a format that is not known is named', async () => {
  const { error } = await read('microchip-atecc608a-tnglora', '[]');
  expect(codeAndPlace(error)).toEqual([
    'pkg/devicetemplateconverter:converter',
    { id: 'microchip-atecc608a-tnglora' },
  ]);
  expect((await read('constructor', '[]')).error?.code).toBe(
    'pkg/devicetemplateconverter:converter',
  );
});
