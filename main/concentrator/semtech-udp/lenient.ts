/** A JSON object of foreign origin. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A finite number, also when it came as text; some forwarders quote their numbers. */
export function lenientNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.length > 40) return undefined;
  const text = value.trim();
  if (text === '') return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** A number within bounds; what no instrument could measure counts as not measured. */
export function lenientMeasurement(value: unknown, lowest: number, highest: number) {
  const number = lenientNumber(value);
  return number !== undefined && number >= lowest && number <= highest ? number : undefined;
}

/** An integer within bounds; fractions are cut off. */
export function lenientInteger(value: unknown, lowest: number, highest: number) {
  const number = lenientNumber(value);
  if (number === undefined) return undefined;
  const integer = Math.trunc(number);
  return integer >= lowest && integer <= highest ? integer : undefined;
}

const BASE64_TEXT = /^[A-Za-z0-9+/_-]*={0,3}$/;

/** Base64 with either alphabet, padded or not; undefined for anything else. */
export function lenientBase64(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (!BASE64_TEXT.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64');
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x3d) end -= 1;
  if (end % 4 === 1) return undefined;
  // A copy of its own: a decoded Buffer would keep a shared pool of several kilobytes alive.
  return new Uint8Array(decoded);
}

const TIME_TEXT =
  /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d):?(\d\d)(\.\d{1,9})?\s*(?:Z|GMT|UTC|([+-])(\d\d):?(\d\d))?$/;

/** Times from there on cannot be written as text with a year of four digits. */
const YEAR_10000_MS = 253_402_300_800_000;

/**
 * Milliseconds since 1970 of an ISO 8601 time, expanded or compact, or of the form statistics use
 * (`2014-01-12 08:59:28 GMT`). A time without a zone counts as UTC; times before 1970 or
 * after 9999 count as none.
 */
export function lenientTimeMs(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length > 64) return undefined;
  const match = TIME_TEXT.exec(value.trim());
  if (!match) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [month, day, hour, minute, second] = [part(2), part(3), part(4), part(5), part(6)];
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const sign = match[8] === '-' ? -1 : 1;
  const offsetMs = sign * (part(9) * 60 + part(10)) * 60_000;
  const timeMs =
    Date.UTC(part(1), month - 1, day, hour, minute, second) +
    Math.round(part(7) * 1_000_000) / 1_000 -
    offsetMs;
  return timeMs >= 0 && timeMs < YEAR_10000_MS ? timeMs : undefined;
}

/**
 * A short text for messages: what came instead of what was expected. Objects and arrays are only named: writing them out
 * would follow their nesting, which is as deep as a sender likes and ends the stack.
 */
export function excerpt(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (isObject(value)) return 'an object';
  const text = typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
