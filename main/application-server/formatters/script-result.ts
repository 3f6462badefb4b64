import {
  type DecodeDownlinkResult,
  type DecodeUplinkResult,
  type EncodeDownlinkResult,
  failure,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from './formatter-result.ts';
import { parseNormalizedPayload } from './normalized-payload.ts';

/** What a script gave is foreign: each shape is checked here, whatever the sandbox has promised. */

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.map((item) => String(item)) : [];
}

function parse(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  return isJsonObject(value) ? value : {};
}

type Data = { readonly ok: true; readonly data: JsonObject | undefined };

function dataOf(result: JsonObject, name: string): Data | ReturnType<typeof failure> {
  const { data } = result;
  if (data === undefined || data === null) return { ok: true, data: undefined };
  if (!isJsonObject(data)) return failure('output', `${name} must return data as an object.`);
  return { ok: true, data };
}

/** Measurements a normalizer returned, or decoded data that happens to be one. */
function normalize(
  data: JsonObject | undefined,
  normalized: JsonValue | undefined,
): Pick<Extract<DecodeUplinkResult, { ok: true }>, 'normalized' | 'normalizedWarnings'> | string {
  if (!isJsonObject(normalized)) {
    const parsed = data && parseNormalizedPayload([data]);
    return parsed?.ok
      ? { normalized: parsed.measurements, normalizedWarnings: parsed.warnings }
      : { normalized: [], normalizedWarnings: [] };
  }
  const warnings = texts(normalized.warnings);
  const output = normalized.data;
  if (output === undefined || output === null) {
    return { normalized: [], normalizedWarnings: [] };
  }
  const parsed = parseNormalizedPayload(Array.isArray(output) ? output : [output]);
  if (!parsed.ok)
    return `normalizeUplink returned something else than measurements: ${parsed.message}.`;
  return {
    normalized: parsed.measurements,
    normalizedWarnings: [...warnings, ...parsed.warnings],
  };
}

export function decodeUplinkResult(json: string): DecodeUplinkResult {
  const output = parse(json);
  const decoded = isJsonObject(output.decoded) ? output.decoded : {};
  const data = dataOf(decoded, 'decodeUplink');
  if (!data.ok) return data;
  const normalized = normalize(data.data, output.normalized);
  if (typeof normalized === 'string') return failure('output', normalized);
  return { ok: true, data: data.data, warnings: texts(decoded.warnings), ...normalized };
}

export function decodeDownlinkResult(json: string): DecodeDownlinkResult {
  const output = parse(json);
  const data = dataOf(output, 'decodeDownlink');
  if (!data.ok) return data;
  return { ok: true, data: data.data, warnings: texts(output.warnings) };
}

/** A fraction is cut off, as scripts compute bytes by division. */
function byteOf(value: JsonValue): number | undefined {
  const byte = typeof value === 'number' ? Math.trunc(value) : -1;
  return byte >= 0 && byte <= 255 ? byte : undefined;
}

export function encodeDownlinkResult(json: string, requestFPort: number): EncodeDownlinkResult {
  const output = parse(json);
  const { bytes, fPort } = output;
  if (bytes !== undefined && bytes !== null && !Array.isArray(bytes)) {
    return failure('output', 'encodeDownlink must return bytes as an array of numbers.');
  }
  const values: readonly JsonValue[] = Array.isArray(bytes) ? bytes : [];
  const encoded = new Uint8Array(values.length);
  for (const [index, value] of values.entries()) {
    const byte = byteOf(value);
    if (byte === undefined) {
      const shown = JSON.stringify(value).slice(0, 40);
      return failure('output', `bytes[${index}] is ${shown}; a byte is a number from 0 to 255.`);
    }
    encoded[index] = byte;
  }
  const warnings = texts(output.warnings);
  if (fPort === undefined || fPort === null) {
    return { ok: true, bytes: encoded, fPort: requestFPort || 1, warnings };
  }
  const port = byteOf(fPort);
  if (port === undefined) return failure('output', 'fPort must be a number from 0 to 255.');
  return { ok: true, bytes: encoded, fPort: port, warnings };
}
