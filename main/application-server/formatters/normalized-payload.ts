import { isJsonObject, type JsonObject, type JsonValue } from './formatter-result.ts';

/** Range of a number; `below` is an exclusive upper limit. */
interface Range {
  readonly min: number;
  readonly max?: number;
  readonly below?: number;
}

type Field = { readonly [name: string]: Range } | 'time';

const AT_LEAST_ZERO: Range = { min: 0 };
const PERCENT: Range = { min: 0, max: 100 };
const CELSIUS: Range = { min: -273.15 };
const PARTS_PER_MILLION: Range = { min: 0, max: 1_000_000 };

/** Fields of a measurement. Units: °C, %, hPa, ppm, lux, m/s, °, cm, dS/m. */
const FIELDS: { readonly [name: string]: Field } = {
  time: 'time',
  air: {
    temperature: CELSIUS,
    relativeHumidity: PERCENT,
    pressure: { min: 900, max: 1100 },
    co2: PARTS_PER_MILLION,
    lightIntensity: AT_LEAST_ZERO,
  },
  wind: { speed: AT_LEAST_ZERO, direction: { min: 0, below: 360 } },
  soil: {
    depth: AT_LEAST_ZERO,
    moisture: PERCENT,
    temperature: CELSIUS,
    ec: { min: 0, max: 621 },
    pH: { min: 0, max: 14 },
    n: PARTS_PER_MILLION,
    p: PARTS_PER_MILLION,
    k: PARTS_PER_MILLION,
  },
};

export type NormalizedPayload =
  | {
      readonly ok: true;
      /** Measurements with their valid fields; empty ones are left out. */
      readonly measurements: readonly JsonObject[];
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly message: string };

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:Z|[+-](\d{2}):(\d{2}))$/;

function isRfc3339(text: string): boolean {
  const match = RFC_3339.exec(text);
  if (!match) return false;
  const [year, month, day, hour, minute, second, zoneHour, zoneMinute] = match
    .slice(1)
    .map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  if (days === undefined || day < 1 || day > days) return false;
  return hour < 24 && minute < 60 && second < 60 && zoneHour < 24 && zoneMinute < 60;
}

function outOfRange(path: string, value: number, range: Range): string | undefined {
  if (value < range.min) return `${path} is ${value}, less than ${range.min}`;
  if (range.max !== undefined && value > range.max) {
    return `${path} is ${value}, more than ${range.max}`;
  }
  if (range.below !== undefined && value >= range.below) {
    return `${path} is ${value}, not below ${range.below}`;
  }
  return undefined;
}

/** The valid part of a value, or why it is no measurement: most payloads are none, so this is no exception. */
type Checked = { readonly valid: JsonObject } | { readonly problem: string };

/** Looks a field up among own names only, so that `constructor` is an unknown field. */
function own<T>(table: { readonly [name: string]: T }, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function group(
  name: string,
  value: JsonValue,
  fields: { readonly [name: string]: Range },
  warn: (text: string) => void,
): Checked {
  if (!isJsonObject(value)) return { problem: `${name} is not an object` };
  const valid: [string, JsonValue][] = [];
  for (const [key, item] of Object.entries(value)) {
    const path = `${name}.${key}`;
    const range = own(fields, key);
    if (!range) return { problem: `${path} is not a field of a measurement` };
    if (typeof item !== 'number') return { problem: `${path} is not a number` };
    const problem = outOfRange(path, item, range);
    if (problem) warn(problem);
    else valid.push([key, item]);
  }
  return { valid: Object.fromEntries(valid) };
}

function measurement(value: JsonValue, warn: (text: string) => void): Checked {
  if (!isJsonObject(value)) return { problem: 'it is not an object' };
  const valid: [string, JsonValue][] = [];
  for (const [name, item] of Object.entries(value)) {
    const field = own(FIELDS, name);
    if (!field) return { problem: `${name} is not a field of a measurement` };
    if (field === 'time') {
      if (typeof item !== 'string' || !isRfc3339(item)) {
        return { problem: `${name} is not an RFC 3339 time` };
      }
      valid.push([name, item]);
      continue;
    }
    const children = group(name, item, field, warn);
    if ('problem' in children) return children;
    if (Object.keys(children.valid).length > 0) valid.push([name, children.valid]);
  }
  return { valid: Object.fromEntries(valid) };
}

/**
 * Checks measurements against the normalized payload schema. A value out of range costs that field and adds a warning;
 * an unknown field, a wrong type or an unreadable time makes the whole input something else than measurements.
 */
export function parseNormalizedPayload(input: readonly JsonValue[]): NormalizedPayload {
  const measurements: JsonObject[] = [];
  const warnings: string[] = [];
  for (const [index, item] of input.entries()) {
    const label = `measurement ${index + 1}: `;
    const checked = measurement(item, (text) => warnings.push(label + text));
    if ('problem' in checked) return { ok: false, message: label + checked.problem };
    if (Object.keys(checked.valid).length > 0) measurements.push(checked.valid);
  }
  return { ok: true, measurements, warnings };
}
