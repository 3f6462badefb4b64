/** Device files as templates and QR codes of devices, over every carrier of the whole program. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EndDeviceTemplateConverter } from '../main/api/gen/ttn/lorawan/v3/end_device_services_pb.js';
import { EndDeviceQRCodeGenerator } from '../main/api/gen/ttn/lorawan/v3/qrcodegenerator_pb.js';
import {
  CARRIERS,
  clientOver,
  collect,
  refusalOf,
  rest,
  restRefusal,
} from './support/api-carriers.ts';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-templates-'));
const CSV =
  'id;dev_eui;join_eui\nmeter-1;0004A30B001C0530;70B3D57ED0000001\nmeter-2;0004A30B001C0531;70B3D57ED0000001';
const BAD_CELL = `${CSV}\nmeter-3;0004A30B;70B3D57ED0000001`;
const QR_TEXT = 'LW:D0:70B3D57ED0000001:0004A30B001C0530:00000000:OA1B2C3';
const QR_FORMATS = ['dev_eui', 'tr005', 'tr005draft2', 'tr005draft3'];
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
let program: HeadlessProcess;

beforeAll(async () => {
  program = await startHeadless(directory);
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe.each(CARRIERS)('over %s', (carrier) => {
  // The command line client sends no credentials with templates.
  const converter = () => clientOver(program, carrier, EndDeviceTemplateConverter, {});
  const generator = () => clientOver(program, carrier, EndDeviceQRCodeGenerator);
  const endDevice = {
    ids: {
      deviceId: 'meter-1',
      applicationIds: { applicationId: 'lab' },
      devEui: Buffer.from('0004A30B001C0530', 'hex'),
      joinEui: Buffer.from('70B3D57ED0000001', 'hex'),
    },
    claimAuthenticationCode: { value: 'A1B2C3' },
  };

  test('file formats are listed without login', async () => {
    const { formats } = await converter().listFormats({});
    expect(Object.keys(formats).sort()).toEqual(['the-things-stack', 'the-things-stack-csv']);
    expect(formats['the-things-stack-csv']).toMatchObject({ fileExtensions: ['.csv'] });
  });

  test('a file becomes one template per device', async () => {
    const request = { formatId: 'the-things-stack-csv', data: bytes(CSV) };
    const templates = await collect(converter().convert(request));
    expect(templates.map(({ endDevice: one }) => one?.ids?.deviceId)).toEqual([
      'meter-1',
      'meter-2',
    ]);
    expect(templates[0]?.fieldMask?.paths).toEqual([
      'ids.device_id',
      'ids.dev_eui',
      'ids.join_eui',
    ]);
  });

  test('an error ends the stream behind the templates before it', async () => {
    const read: string[] = [];
    const reading = (async () => {
      const request = { formatId: 'the-things-stack-csv', data: bytes(BAD_CELL) };
      for await (const { endDevice: one } of converter().convert(request))
        read.push(one?.ids?.deviceId ?? '');
    })();
    expect(await refusalOf(reading)).toBe('pkg/devicetemplates:parse_csv_field 3');
    expect(read).toEqual(['meter-1', 'meter-2']);
    const refused = (formatId: string, file: string): Promise<string> =>
      refusalOf(collect(converter().convert({ formatId, data: bytes(file) })));
    expect(await refused('no-such-format', '')).toBe('pkg/devicetemplateconverter:converter 5');
    expect(await refused('the-things-stack-csv', 'x;y')).toBe('pkg/devicetemplates:csv_header 3');
    expect(await refused('the-things-stack-csv', 'id;name\na')).toBe(
      'pkg/devicetemplates:parse_csv 3',
    );
    expect(await refused('the-things-stack', '{')).toBe('pkg/util/io:json_token 3');
    expect(await refused('No Format', '')).toBe('pkg/errors:validation 3');
  });

  test('QR code formats are listed, and one is looked up', async () => {
    const { formats } = await generator().listFormats({});
    expect(Object.keys(formats).sort()).toEqual(QR_FORMATS);
    const format = await generator().getFormat({ formatId: 'tr005draft2' });
    expect(format).toEqual(formats.tr005draft2);
    expect(format.fieldMask?.paths).toEqual([
      'claim_authentication_code.value',
      'ids.dev_eui',
      'ids.join_eui',
    ]);
    expect(await refusalOf(generator().getFormat({ formatId: 'no-such' }))).toBe(
      'pkg/qrcodegenerator:format_not_found 5',
    );
    expect(await refusalOf(generator().getFormat({ formatId: 'dev_eui' }))).toBe(
      'pkg/errors:validation 3',
    );
  });

  test('a QR code is generated, with a picture only if one is asked for', async () => {
    const textOnly = await generator().generate({ formatId: 'tr005', endDevice });
    expect(textOnly).toMatchObject({ text: QR_TEXT });
    expect(textOnly.image).toBeUndefined();
    const { image } = await generator().generate({
      formatId: 'tr005',
      endDevice,
      image: { imageSize: 200 },
    });
    expect(image?.embedded?.mimeType).toBe('image/png');
    expect(Buffer.from(image?.embedded?.data ?? []).toString('latin1', 1, 4)).toBe('PNG');
    const refused = (change: object): Promise<string> =>
      refusalOf(generator().generate({ formatId: 'tr005', endDevice, ...change }));
    expect(await refused({ formatId: 'no-such' })).toBe('pkg/qrcodegenerator:format_not_found 5');
    expect(await refused({ image: { imageSize: 1001 } })).toBe('pkg/errors:validation 3');
    expect(await refused({ endDevice: { ids: { ...endDevice.ids, devEui: bytes('') } } })).toBe(
      'pkg/qrcodegenerator/qrcode/enddevices:no_dev_eui 9',
    );
    expect(await refused({ endDevice: { ids: { ...endDevice.ids, joinEui: bytes('') } } })).toBe(
      'pkg/qrcodegenerator/qrcode/enddevices:no_join_eui 9',
    );
    const lower = { ...endDevice, claimAuthenticationCode: { value: 'abc' } };
    expect(await refused({ formatId: 'tr005draft3', endDevice: lower })).toBe(
      'pkg/qrcodegenerator/qrcode/enddevices:character 3',
    );
  });

  test('the text of a QR code becomes a template', async () => {
    const parse = (text: string, formatId = '') =>
      generator().parse({ formatId, qrCode: bytes(text) });
    const { formatId, endDeviceTemplate } = await parse(QR_TEXT);
    expect(formatId).toBe('tr005');
    expect(endDeviceTemplate?.endDevice?.claimAuthenticationCode?.value).toBe('A1B2C3');
    expect(endDeviceTemplate?.fieldMask?.paths).toEqual(['ids', 'claim_authentication_code']);
    expect((await parse('0004a30b001c0530')).formatId).toBe('dev_eui');
    expect(await refusalOf(parse('LW:D0:nothing'))).toBe(
      'pkg/qrcodegenerator/qrcode/enddevices:unknown_format 3',
    );
    expect(await refusalOf(parse(QR_TEXT, 'no-such'))).toBe(
      'pkg/qrcodegenerator/qrcode/enddevices:unknown_format 3',
    );
    expect(await refusalOf(parse(QR_TEXT, 'tr005draft2'))).toBe(
      'pkg/qrcodegenerator/qrcode/enddevices:format 3',
    );
    expect(await refusalOf(parse('short'))).toBe('pkg/errors:validation 3');
  });

  test('QR codes need credentials, good ones', async () => {
    const anonymous = clientOver(program, carrier, EndDeviceQRCodeGenerator, {});
    expect(await refusalOf(anonymous.listFormats({}))).toBe('pkg/rpcmetadata:unauthenticated 16');
    const stranger = clientOver(program, carrier, EndDeviceQRCodeGenerator, {
      authorization: 'Bearer NNSXS.NOBODY.SECRET',
    });
    expect(await refusalOf(stranger.listFormats({}))).toBe(
      'pkg/identityserver:api_key_not_found 16',
    );
  });
});

describe('over REST', () => {
  const ids = {
    device_id: 'meter-1',
    application_ids: { application_id: 'lab' },
    dev_eui: '0004A30B001C0530',
    join_eui: '70B3D57ED0000001',
  };
  const convert = (file: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`http://${program.addresses.http}/api/v3/edtc/convert`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ format_id: 'the-things-stack-csv', data: base64(file) }),
    });

  test('file formats are plain JSON', async () => {
    const { json } = await rest(program, 'GET', '/edtc/formats', undefined, {});
    expect(json).toMatchObject({
      formats: { 'the-things-stack': { file_extensions: ['.json'] } },
    });
  });

  test('templates come line by line, or as the JavaScript SDK wants them', async () => {
    const lines = (await (await convert(CSV)).text()).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        result: {
          end_device: { ids: { device_id: 'meter-1', dev_eui: '0004A30B001C0530' } },
          field_mask: { paths: ['ids.device_id', 'ids.dev_eui', 'ids.join_eui'] },
        },
      },
      { result: { end_device: { ids: { device_id: 'meter-2' } } } },
    ]);
    const events = await convert(CSV, {
      accept: 'text/event-stream',
      'content-type': 'text/plain;charset=UTF-8',
    });
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect((await events.text()).split('\n\n').filter((part) => part !== '')).toHaveLength(2);
  });

  test('errors of files have the status and identity of The Things Stack', async () => {
    const unknown = await rest(program, 'POST', '/edtc/convert', { format_id: 'no-such-format' });
    const [detail] = ((unknown.json.error as Record<string, unknown>).details ?? []) as object[];
    expect(unknown.status).toBe(404);
    expect(detail).toMatchObject({
      namespace: 'pkg/devicetemplateconverter',
      name: 'converter',
      attributes: { id: 'no-such-format' },
    });
    const response = await convert(BAD_CELL);
    const last = JSON.parse((await response.text()).trim().split('\n').at(-1) ?? '') as object;
    expect(last).toMatchObject({
      error: {
        code: 3,
        details: [
          {
            namespace: 'pkg/devicetemplates',
            name: 'parse_csv_field',
            attributes: { line: 3, column: 2 },
            cause: { attributes: { name: 'dev_eui' } },
          },
        ],
      },
    });
  });

  test('QR code formats: one text of paths in the list, a mask alone', async () => {
    const { json } = await rest(program, 'GET', '/qr-codes/end-devices/formats');
    expect(json).toMatchObject({
      formats: {
        tr005: { field_mask: 'claimAuthenticationCode.value,ids.devEui,ids.joinEui' },
        dev_eui: { field_mask: 'ids.devEui' },
      },
    });
    const one = await rest(program, 'GET', '/qr-codes/end-devices/formats/tr005');
    expect(one.json).toMatchObject({
      field_mask: { paths: ['claim_authentication_code.value', 'ids.dev_eui', 'ids.join_eui'] },
    });
    const unknown = await rest(program, 'GET', '/qr-codes/end-devices/formats/no-such');
    expect(restRefusal(unknown)).toBe('pkg/qrcodegenerator:format_not_found 5 404');
  });

  test('QR codes are generated and read', async () => {
    const generated = await rest(program, 'POST', '/qr-codes/end-devices', {
      format_id: 'tr005',
      end_device: { ids, claim_authentication_code: { value: 'A1B2C3' } },
      image: { image_size: 100 },
    });
    expect(generated.json).toMatchObject({
      text: QR_TEXT,
      image: { embedded: { mime_type: 'image/png' } },
    });
    for (const path of ['/qr-codes/end-devices/parse', '/qr-codes/end-devices/tr005/parse']) {
      const parsed = await rest(program, 'POST', path, { qr_code: base64(QR_TEXT) });
      expect(parsed.json).toEqual({
        format_id: 'tr005',
        end_device_template: {
          end_device: {
            ids: { dev_eui: '0004A30B001C0530', join_eui: '70B3D57ED0000001' },
            claim_authentication_code: { value: 'A1B2C3' },
          },
          field_mask: { paths: ['ids', 'claim_authentication_code'] },
        },
      });
    }
    const wrong = await rest(program, 'POST', '/qr-codes/end-devices/tr005draft3/parse', {
      qr_code: base64(QR_TEXT),
    });
    expect(restRefusal(wrong)).toBe('pkg/qrcodegenerator/qrcode/enddevices:format 3 400');
    const noEuis = await rest(program, 'POST', '/qr-codes/end-devices', {
      format_id: 'tr005',
      end_device: { ids: { ...ids, join_eui: undefined } },
    });
    expect(restRefusal(noEuis)).toBe('pkg/qrcodegenerator/qrcode/enddevices:no_join_eui 9 400');
    const anonymous = await rest(program, 'GET', '/qr-codes/end-devices/formats', undefined, {});
    expect(restRefusal(anonymous)).toBe('pkg/rpcmetadata:unauthenticated 16 401');
  });
});
