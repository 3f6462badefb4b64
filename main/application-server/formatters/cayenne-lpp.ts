import {
  type DecodeDownlinkResult,
  type EncodedDownlink,
  type FormatterFailure,
  failure,
  type JsonObject,
  type JsonValue,
} from './formatter-result.ts';

/** One CayenneLPP data type. Data is big-endian; `size` counts the bytes after channel and type. */
interface LppType {
  readonly key: string;
  readonly size: number;
  readonly read: (view: DataView, offset: number) => JsonValue;
}

function signed24(view: DataView, offset: number): number {
  return view.getInt16(offset) * 256 + view.getUint8(offset + 2);
}

function axes(divisor: number): LppType['read'] {
  return (view, offset) => ({
    x: view.getInt16(offset) / divisor,
    y: view.getInt16(offset + 2) / divisor,
    z: view.getInt16(offset + 4) / divisor,
  });
}

const unsigned8: LppType['read'] = (view, offset) => view.getUint8(offset);
const hundredths: LppType['read'] = (view, offset) => view.getInt16(offset) / 100;
const tenths: LppType['read'] = (view, offset) => view.getInt16(offset) / 10;

const TYPES: ReadonlyMap<number, LppType> = new Map<number, LppType>([
  [0x00, { key: 'digital_in', size: 1, read: unsigned8 }],
  [0x01, { key: 'digital_out', size: 1, read: unsigned8 }],
  [0x02, { key: 'analog_in', size: 2, read: hundredths }],
  [0x03, { key: 'analog_out', size: 2, read: hundredths }],
  [0x65, { key: 'luminosity', size: 2, read: (view, offset) => view.getUint16(offset) }],
  [0x66, { key: 'presence', size: 1, read: unsigned8 }],
  [0x67, { key: 'temperature', size: 2, read: tenths }],
  [0x68, { key: 'relative_humidity', size: 1, read: (view, offset) => view.getUint8(offset) / 2 }],
  [0x71, { key: 'accelerometer', size: 6, read: axes(1000) }],
  [0x73, { key: 'barometric_pressure', size: 2, read: tenths }],
  [0x86, { key: 'gyrometer', size: 6, read: axes(100) }],
  [
    0x88,
    {
      key: 'gps',
      size: 9,
      read: (view, offset) => ({
        latitude: signed24(view, offset) / 10_000,
        longitude: signed24(view, offset + 3) / 10_000,
        altitude: signed24(view, offset + 6) / 100,
      }),
    },
  ],
]);

/** In a downlink, ends the list of values. */
const END_OF_VALUES = 0xff;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function truncated(what: string, offset: number): FormatterFailure {
  return failure(
    'input',
    `CayenneLPP: the payload ends inside ${what} that starts at byte ${offset}.`,
  );
}

export type LppUplink = { readonly ok: true; readonly data: JsonObject } | FormatterFailure;

/** Decodes an uplink; an unknown type or missing bytes fail the whole payload, as its rest cannot be located. */
export function decodeLppUplink(bytes: Uint8Array): LppUplink {
  const view = viewOf(bytes);
  const data: Record<string, JsonValue> = {};
  let offset = 0;
  while (offset < bytes.length) {
    const channel = view.getUint8(offset);
    if (offset + 2 > bytes.length) return truncated('a field', offset);
    const code = view.getUint8(offset + 1);
    const type = TYPES.get(code);
    if (!type) {
      const hex = code.toString(16).toUpperCase().padStart(2, '0');
      return failure('input', `CayenneLPP: unknown type 0x${hex} at byte ${offset + 1}.`);
    }
    const start = offset + 2;
    if (start + type.size > bytes.length) return truncated(`a ${type.key} field`, offset);
    data[`${type.key}_${channel}`] = type.read(view, start);
    offset = start + type.size;
  }
  return { ok: true, data };
}

/** Decodes a downlink: triples of channel and signed 16-bit hundredths, up to the end or a channel byte of 0xFF. */
export function decodeLppDownlink(bytes: Uint8Array): DecodeDownlinkResult {
  const view = viewOf(bytes);
  const data: Record<string, JsonValue> = {};
  for (let offset = 0; offset < bytes.length; offset += 3) {
    const channel = view.getUint8(offset);
    if (channel === END_OF_VALUES) break;
    if (offset + 3 > bytes.length) return truncated('a value', offset);
    data[`value_${channel}`] = view.getInt16(offset + 1) / 100;
  }
  return { ok: true, data, warnings: [] };
}

const VALUE_NAME = /^value_(0|[1-9]\d{0,2})$/;

/**
 * Encodes the numeric `value_<channel>` fields of `data` (channel 0..255), in the order of their channels; other fields
 * are ignored. The port is the caller's: CayenneLPP has no default one.
 */
export function encodeLppDownlink(
  data: JsonObject,
  fPort: number,
): EncodedDownlink | FormatterFailure {
  const values: { channel: number; raw: number }[] = [];
  for (const [name, value] of Object.entries(data)) {
    const channel = Number(VALUE_NAME.exec(name)?.[1] ?? Number.NaN);
    if (!(channel <= 255) || typeof value !== 'number') continue;
    const raw = Math.trunc(value * 100);
    if (!(raw >= -0x8000 && raw <= 0x7fff)) {
      return failure('input', `CayenneLPP: ${name} must lie between -327.68 and 327.67.`);
    }
    values.push({ channel, raw });
  }
  values.sort((a, b) => a.channel - b.channel);
  const bytes = new Uint8Array(values.length * 3);
  const view = viewOf(bytes);
  for (const [index, { channel, raw }] of values.entries()) {
    view.setUint8(index * 3, channel);
    view.setInt16(index * 3 + 1, raw);
  }
  return { ok: true, bytes, fPort, warnings: [] };
}
