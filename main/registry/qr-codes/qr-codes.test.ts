import { crc32, inflateSync } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import jsQR from 'jsqr';
import { describe, expect, test } from 'vitest';
import { EndDeviceSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { GatehouseError } from '../../base/errors.ts';
import { formatHex } from '../../lorawan/index.ts';
import { LABEL_FORMATS, labelFormat, labelText, parseLabel, qrPicture } from './index.ts';

const JOIN_EUI = '1122334455667788';
const DEV_EUI = 'AABBCCDDEEFF0011';
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    const { code, status } = error as GatehouseError;
    return `${code} ${status}`;
  }
};
const device = (code?: string) =>
  create(EndDeviceSchema, {
    ids: {
      joinEui: Buffer.from(JOIN_EUI, 'hex'),
      devEui: Buffer.from(DEV_EUI, 'hex'),
    },
    ...(code !== undefined && { claimAuthenticationCode: { value: code } }),
  });

function read(text: string, formatId = '') {
  const found = parseLabel(formatId, text);
  const { endDevice, fieldMask } = found.template;
  return {
    format: found.formatId,
    joinEui: formatHex(endDevice?.ids?.joinEui ?? new Uint8Array()),
    devEui: formatHex(endDevice?.ids?.devEui ?? new Uint8Array()),
    code: endDevice?.claimAuthenticationCode?.value,
    serial: endDevice?.serialNumber,
    vendor: endDevice?.loraAllianceProfileIds?.vendorId,
    profile: endDevice?.loraAllianceProfileIds?.vendorProfileId,
    paths: fieldMask?.paths,
  };
}

const said = {
  joinEui: JOIN_EUI,
  devEui: DEV_EUI,
  vendor: 0xaabb,
  profile: 0x1122,
  paths: ['ids', 'claim_authentication_code'],
};

describe('texts', () => {
  // The first is the example of TR005 §3.4; the others say the same in the forms of its drafts.
  test.each([
    [
      'tr005',
      'LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C',
      { code: 'AABBCCDDEEFF', serial: 'YYWWNNNNNN' },
    ],
    ['tr005', 'LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122', { code: undefined, serial: '' }],
    [
      'tr005',
      'LW:D0:1122334455667788:aabbccddeeff0011:aabb1122:Sä 1:O:X9:Ok1',
      { code: 'k1', serial: 'ä 1' },
    ],
    [
      'tr005',
      'LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:O:S1:P',
      { code: undefined, serial: '1' },
    ],
    [
      'tr005draft2',
      'URN:LW:DP:1122334455667788:AABBCCDDEEFF0011:AABB1122:%V0102%SA$B*C+D-E.F/1%PX',
      { code: '0102', serial: 'A$B*C+D-E.F/1' },
    ],
    [
      'tr005draft2',
      'URN:LW:DP:1122334455667788:AABBCCDDEEFF0011:AABB1122:%25SABC%25V0102',
      { code: '0102', serial: 'ABC' },
    ],
    [
      'tr005draft3',
      'URN:DEV:LW:1122334455667788_AABBCCDDEEFF0011_AABB1122_V0102_SABC_PX',
      { code: '0102', serial: 'ABC' },
    ],
  ])('%s: %s', (format, text, more) => {
    expect(read(text)).toEqual({ format, ...said, ...more });
    expect(read(text, format)).toEqual({ format, ...said, ...more });
  });

  test('a bare DevEUI is found, and only its path is named', () => {
    expect(read('aabbccddeeff0011')).toMatchObject({
      format: 'dev_eui',
      devEui: DEV_EUI,
      joinEui: '',
      paths: ['ids.dev_eui'],
    });
  });

  test.each([
    ['tr005', `LW:D0:${JOIN_EUI}:${DEV_EUI}:00000000:Oaz9`],
    ['tr005draft2', `URN:LW:DP:${JOIN_EUI}:${DEV_EUI}:00000000:%VAZ9`],
    ['tr005draft3', `URN:DEV:LW:${JOIN_EUI}_${DEV_EUI}_00000000_VAZ9`],
  ])('a device is written as %s', (id, text) => {
    const code = id === 'tr005' ? 'az9' : 'AZ9';
    expect(labelText(labelFormat(id), device(code))).toBe(text);
    const short = text.replace(/[:_%]+[OV]az9$/i, '');
    expect(labelText(labelFormat(id), device())).toBe(short);
    expect(read(text)).toMatchObject({ format: id, code, joinEui: JOIN_EUI, devEui: DEV_EUI });
  });

  test('what a code cannot hold is named', () => {
    const text = (id: string, one = device()) => codeOf(() => labelText(labelFormat(id), one));
    const errors = 'pkg/qrcodegenerator/qrcode/enddevices';
    expect(text('nothing')).toBe('pkg/qrcodegenerator:format_not_found NOT_FOUND');
    for (const { id } of LABEL_FORMATS) {
      const noJoinEui = device();
      if (noJoinEui.ids) noJoinEui.ids.joinEui = new Uint8Array();
      expect(text(id, noJoinEui)).toBe(`${errors}:no_join_eui FAILED_PRECONDITION`);
      const noDevEui = device();
      if (noDevEui.ids) noDevEui.ids.devEui = new Uint8Array();
      expect(text(id, noDevEui)).toBe(`${errors}:no_dev_eui FAILED_PRECONDITION`);
    }
    expect(text('tr005draft2', device('abc'))).toBe(`${errors}:character INVALID_ARGUMENT`);
    expect(text('tr005draft3', device('A-B'))).toBe(`${errors}:character INVALID_ARGUMENT`);
  });

  test('what is no code is named', () => {
    const parse = (id: string, text: string) => codeOf(() => parseLabel(id, text).formatId);
    const errors = 'pkg/qrcodegenerator/qrcode/enddevices';
    expect(parse('', 'https://example.com/')).toBe(`${errors}:unknown_format INVALID_ARGUMENT`);
    expect(parse('nothing', DEV_EUI)).toBe(`${errors}:unknown_format INVALID_ARGUMENT`);
    expect(parse('tr005', `URN:LW:DP:${JOIN_EUI}:${DEV_EUI}:00000000`)).toBe(
      `${errors}:format INVALID_ARGUMENT`,
    );
    expect(parse('tr005', `LW:D0:${JOIN_EUI}:${DEV_EUI}`)).toBe(
      `${errors}:format INVALID_ARGUMENT`,
    );
    expect(parse('tr005', `LW:D0:${JOIN_EUI}:AABB:00000000`)).toBe(
      'pkg/types:invalid_eui INVALID_ARGUMENT',
    );
    expect(parse('tr005draft3', `URN:DEV:LW:${JOIN_EUI}_${DEV_EUI}_00000000_Vabc`)).toBe(
      `${errors}:character INVALID_ARGUMENT`,
    );
  });
});

/** Reads what {@link qrPicture} wrote by the PNG specification, and checks each chunk. */
function pixelsOf(png: Uint8Array): { size: number; rgba: Uint8ClampedArray } {
  const bytes = Buffer.from(png);
  expect([...bytes.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const content = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(content));
    chunks.set(content.toString('latin1', 0, 4), content.subarray(4));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') ?? Buffer.alloc(13);
  const size = header.readUInt32BE(0);
  expect(header.readUInt32BE(4)).toBe(size);
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const rowBytes = 1 + Math.ceil(size / 8);
  expect(rows).toHaveLength(rowBytes * size);
  const rgba = new Uint8ClampedArray(size * size * 4).fill(255);
  for (let at = 0; at < size * size; at += 1) {
    const [x, y] = [at % size, Math.floor(at / size)];
    const isLight = ((rows[y * rowBytes + 1 + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1;
    rgba.fill(isLight ? 255 : 0, at * 4, at * 4 + 3);
  }
  return { size, rgba };
}

describe('pictures', () => {
  const text = labelText(labelFormat('tr005'), device('AABBCCDDEEFF'));

  test.each([100, 200, 333, 1000])('another library reads the code of %i pixels', (wanted) => {
    const { size, rgba } = pixelsOf(qrPicture(text, wanted));
    expect(size).toBe(wanted);
    expect(jsQR(rgba, size, size)?.data).toBe(text);
  });

  test('a code that does not fit is as large as it has to be', () => {
    const { size, rgba } = pixelsOf(qrPicture(text, 10));
    expect(size).toBeGreaterThan(30);
    // Readers want more than one pixel per module.
    const zoom = 4;
    const large = new Uint8ClampedArray((size * zoom) ** 2 * 4).fill(255);
    for (let at = 0; at < (size * zoom) ** 2; at += 1) {
      const [x, y] = [at % (size * zoom), Math.floor(at / (size * zoom))];
      const from = (Math.floor(y / zoom) * size + Math.floor(x / zoom)) * 4;
      large.set(rgba.subarray(from, from + 4), at * 4);
    }
    expect(jsQR(large, size * zoom, size * zoom)?.data).toBe(text);
  });
});
