import type { FieldSpan } from '../field-span.ts';
import { formatHex } from '../hex.ts';

/** A field of whole bytes. */
export function span(
  name: string,
  label: string,
  offset: number,
  length: number,
  value: string,
): FieldSpan {
  return { name, label, offset, length, value, children: [] };
}

/** A field of whole bytes shown in hex as on air. */
export function hexSpan(
  name: string,
  label: string,
  bytes: Uint8Array,
  offset: number,
  length: number,
): FieldSpan {
  return span(name, label, offset, length, formatHex(bytes.subarray(offset, offset + length)));
}

/** Some bits of one byte. */
export function bitSpan(
  name: string,
  label: string,
  offset: number,
  bitMask: number,
  value: string,
  text?: string,
): FieldSpan {
  const bits = { ...span(name, label, offset, 1, value), bitMask };
  return text === undefined ? bits : { ...bits, text };
}
