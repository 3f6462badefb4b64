import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** Milliseconds since 1970, with fractions; undefined for an absent or empty time. */
export function timestampMs(time: Timestamp | undefined): number | undefined {
  if (time === undefined || (time.seconds === 0n && time.nanos === 0)) return undefined;
  return Number(time.seconds) * 1000 + time.nanos / 1e6;
}

function pad(value: number, length = 2): string {
  return String(value).padStart(length, '0');
}

/** Local time with milliseconds: `14:03:09.042`. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

/** Local date and time: `2026-03-02 14:03:09`. */
export function dateTime(ms: number): string {
  const date = new Date(ms);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clockTime(ms).slice(0, 8)}`;
}

/** For tooltips: local, UTC and relative. */
export function timeTooltip(ms: number, nowMs: number): string {
  return `${dateTime(ms)} local\n${new Date(ms).toISOString()}\n${ago(ms, nowMs)}`;
}

/** `3 s`, `4 min`, `5 h`, `6 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function ago(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  return age < 1000 ? 'just now' : `${duration(age)} ago`;
}

/** `3 s ago`, or `never`. */
export function agoOrNever(ms: number | undefined, nowMs: number): string {
  return ms === undefined ? 'never' : ago(ms, nowMs);
}
