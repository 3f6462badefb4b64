/** RFC 3339 times and durations as The Things Stack writes and reads them. */

const NANOS_PER_SECOND = 1_000_000_000;

/** Fraction of 0, 3, 6 or 9 digits, with its point. */
function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  if (nanos % 1_000_000 === 0) return `.${digits.slice(0, 3)}`;
  if (nanos % 1_000 === 0) return `.${digits.slice(0, 6)}`;
  return `.${digits}`;
}

/** The second that was written last: times that are written one after the other mostly lie in the same. */
let lastSecond = { seconds: 0n, text: '1970-01-01T00:00:00' };

/** `2024-05-06T07:08:09.120Z` */
export function timestampText(seconds: bigint, nanos: number): string {
  if (seconds !== lastSecond.seconds) {
    const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
    lastSecond = { seconds, text };
  }
  return `${lastSecond.text}${fraction(nanos)}Z`;
}

/** Reads RFC 3339; undefined if the text is none. */
export function parseTimestamp(text: string): { seconds: bigint; nanos: number } | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/.exec(text);
  if (!match?.[1] || !match[3]) return undefined;
  const zone = match[3].toUpperCase();
  const ms = Date.parse(`${match[1].replace(/[t ]/, 'T').toUpperCase()}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  return { seconds: BigInt(ms / 1000), nanos: Number((match[2] ?? '').padEnd(9, '0')) };
}

/** `1.500s` */
export function durationText(seconds: bigint, nanos: number): string {
  const negative = seconds < 0n || nanos < 0;
  const whole = seconds < 0n ? -seconds : seconds;
  return `${negative ? '-' : ''}${whole}${fraction(Math.abs(nanos))}s`;
}

const UNIT_NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1_000,
  µs: 1_000,
  μs: 1_000,
  ms: 1_000_000,
  s: NANOS_PER_SECOND,
  m: 60 * NANOS_PER_SECOND,
  h: 3_600 * NANOS_PER_SECOND,
};

function unitNanos(digits: string, unit: string): bigint {
  const [whole = '0', rest = ''] = digits.split('.');
  const scale = BigInt(UNIT_NANOS[unit] ?? 0);
  const part =
    rest === ''
      ? 0n
      : (BigInt(rest.slice(0, 18)) * scale) / 10n ** BigInt(rest.slice(0, 18).length);
  return BigInt(whole || '0') * scale + part;
}

/** Reads `1.5s` and Go's form (`300ms`, `1h2m`); undefined if the text is neither. */
export function parseDuration(text: string): { seconds: bigint; nanos: number } | undefined {
  const match = /^([+-])?((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (!match) return text === '0' ? { seconds: 0n, nanos: 0 } : undefined;
  let total = 0n;
  for (const [, digits = '', unit = ''] of text.matchAll(
    /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    total += unitNanos(digits, unit);
  }
  if (match[1] === '-') total = -total;
  const second = BigInt(NANOS_PER_SECOND);
  return { seconds: total / second, nanos: Number(total % second) };
}
