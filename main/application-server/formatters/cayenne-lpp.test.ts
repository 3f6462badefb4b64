import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLppDownlink, decodeLppUplink, encodeLppDownlink } from './cayenne-lpp.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('CayenneLPP uplink', () => {
  it.each([
    ['00 00 01', { digital_in_0: 1 }],
    ['01 01 FF', { digital_out_1: 255 }],
    ['02 02 FF 9C', { analog_in_2: -1 }],
    ['03 03 04 D2', { analog_out_3: 12.34 }],
    ['04 65 FF FF', { luminosity_4: 65535 }],
    ['05 66 01', { presence_5: 1 }],
    ['01 67 00 E6', { temperature_1: 23 }],
    ['01 67 FF D7', { temperature_1: -4.1 }],
    ['07 68 61', { relative_humidity_7: 48.5 }],
    ['06 71 04 D2 FB 2E 00 00', { accelerometer_6: { x: 1.234, y: -1.234, z: 0 } }],
    ['09 73 27 94', { barometric_pressure_9: 1013.2 }],
    ['0A 86 00 64 FF 9C 7F FF', { gyrometer_10: { x: 1, y: -1, z: 327.67 } }],
    [
      '01 88 06 76 5F F2 96 0A 00 03 E8',
      { gps_1: { latitude: 42.3519, longitude: -87.9094, altitude: 10 } },
    ],
    ['03 67 01 10 05 67 00 FF', { temperature_3: 27.2, temperature_5: 25.5 }],
    ['', {}],
  ])('decodes %s', (hex, data) => {
    expect(decodeLppUplink(bytes(hex))).toEqual({ ok: true, data });
  });

  it('fails as a whole on an unknown type', () => {
    expect(decodeLppUplink(bytes('01 67 00 E6 02 42 00'))).toEqual({
      ok: false,
      code: 'input',
      message: 'CayenneLPP: unknown type 0x42 at byte 5.',
    });
  });

  it.each(['01', '01 67', '01 67 00', '01 67 00 E6 01'])(
    'fails as a whole when cut short: %s',
    (hex) => {
      expect(decodeLppUplink(bytes(hex))).toMatchObject({ ok: false, code: 'input' });
    },
  );

  it('never throws, whatever the bytes are, and respects the window of a larger buffer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (payload) => {
        const framed = new Uint8Array([0xaa, ...payload, 0xbb]).subarray(1, payload.length + 1);
        expect(decodeLppUplink(framed)).toEqual(decodeLppUplink(payload));
        decodeLppDownlink(payload);
      }),
    );
  });
});

describe('CayenneLPP downlink', () => {
  it('encodes numeric values in the order of their channels and ignores the rest', () => {
    const data = {
      value_2: -50.51,
      name: 'x',
      value_256: 1,
      value_1: 1,
      value_3: 'x',
      value_01: 1,
    };
    expect(encodeLppDownlink(data, 7)).toEqual({
      ok: true,
      bytes: bytes('01 00 64 02 EC 45'),
      fPort: 7,
      warnings: [],
    });
  });

  it('refuses a value that does not fit', () => {
    expect(encodeLppDownlink({ value_1: 327.68 }, 7)).toMatchObject({ ok: false, code: 'input' });
    expect(encodeLppDownlink({ value_1: -327.68 }, 7)).toMatchObject({ bytes: bytes('01 80 00') });
  });

  it('decodes up to the end or to a channel byte of 0xFF', () => {
    expect(decodeLppDownlink(bytes('02 EC 45 01 00 64'))).toEqual({
      ok: true,
      data: { value_2: -50.51, value_1: 1 },
      warnings: [],
    });
    expect(decodeLppDownlink(bytes('02 EC 45 FF 00'))).toMatchObject({ data: { value_2: -50.51 } });
    expect(decodeLppDownlink(bytes('02 EC'))).toMatchObject({ ok: false, code: 'input' });
  });
});
