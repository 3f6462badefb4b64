import { formatHex } from '../hex.ts';
import { type DevAddr, devAddrFromLsb, devAddrToLsb } from '../identifiers.ts';

/**
 * How the bits of a field are read: an unsigned number, two's complement, a yes or no, a frequency in units of the
 * band, a number counted from an origin, a DevAddr, or bytes as they are.
 */
export type FieldKind = 'uint' | 'int' | 'flag' | 'frequency' | 'offset' | 'devAddr' | 'bytes';

/** Value of a field of some kind. */
export type ValueOfKind<K extends FieldKind> = K extends 'flag'
  ? boolean
  : K extends 'devAddr'
    ? DevAddr
    : K extends 'bytes'
      ? Uint8Array
      : number;

export type FieldValue = ValueOfKind<FieldKind>;

/** One field of a MAC command. Bits count from the least significant bit of the first byte after the CID. */
export interface FieldSpec<N extends string = string, K extends FieldKind = FieldKind> {
  readonly name: N;
  readonly label: string;
  readonly kind: K;
  readonly bit: number;
  /** Undefined for bytes that reach to the end of the command. */
  readonly bits: number | undefined;
  readonly unit?: string;
  /** Meaning of special values. */
  readonly texts?: Readonly<Record<number, string>>;
  /** Kind `offset`: value = origin + sign × raw. */
  readonly origin?: number;
  readonly sign?: 1 | -1;
  /** Key material: the value is never turned into text. */
  readonly secret?: boolean;
}

type Details = Pick<FieldSpec, 'unit' | 'texts'>;

function field<const N extends string, const K extends FieldKind>(
  kind: K,
  name: N,
  label: string,
  bit: number,
  bits: number | undefined,
  details: Omit<Partial<FieldSpec>, 'name' | 'kind'> = {},
): FieldSpec<N, K> {
  return { name, label, kind, bit, bits, ...details };
}

export function uint<const N extends string>(
  name: N,
  label: string,
  bit: number,
  bits: number,
  details: Details = {},
): FieldSpec<N, 'uint'> {
  return field('uint', name, label, bit, bits, details);
}

export function int<const N extends string>(
  name: N,
  label: string,
  bit: number,
  bits: number,
  details: Details = {},
): FieldSpec<N, 'int'> {
  return field('int', name, label, bit, bits, details);
}

export function flag<const N extends string>(
  name: N,
  label: string,
  bit: number,
): FieldSpec<N, 'flag'> {
  return field('flag', name, label, bit, 1);
}

export function frequency<const N extends string>(
  name: N,
  label: string,
  bit: number,
  texts: Readonly<Record<number, string>> = {},
): FieldSpec<N, 'frequency'> {
  return field('frequency', name, label, bit, 24, { unit: 'Hz', texts });
}

export function offsetNumber<const N extends string>(
  name: N,
  label: string,
  bit: number,
  bits: number,
  scale: { readonly origin: number; readonly sign: 1 | -1; readonly unit: string },
): FieldSpec<N, 'offset'> {
  return field('offset', name, label, bit, bits, scale);
}

export function devAddrField(bit: number): FieldSpec<'devAddr', 'devAddr'> {
  return field('devAddr', 'devAddr', 'DevAddr', bit, 32);
}

export function bytesField<const N extends string>(
  name: N,
  label: string,
  bit: number,
  bits: number | undefined,
  secret = false,
): FieldSpec<N, 'bytes'> {
  return field('bytes', name, label, bit, bits, { secret });
}

/** First byte of a field and how many bytes it touches. */
export function byteRange(
  spec: FieldSpec,
  payloadBytes: number,
): { readonly first: number; readonly count: number } {
  const first = spec.bit >> 3;
  const end = spec.bits === undefined ? payloadBytes : (spec.bit + spec.bits + 7) >> 3;
  return { first, count: end - first };
}

function readBits(payload: Uint8Array, bit: number, bits: number): number {
  const first = bit >> 3;
  let value = 0;
  for (let i = first; 8 * i < bit + bits; i++) value += payload[i]! * 2 ** (8 * (i - first));
  return Math.floor(value / 2 ** (bit & 7)) % 2 ** bits;
}

function addBits(payload: Uint8Array, bit: number, value: number): void {
  let rest = value * 2 ** (bit & 7);
  for (let i = bit >> 3; rest > 0; i++) {
    payload[i]! |= rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
}

/** Reads a field from the bytes after the CID. */
export function readField(
  spec: FieldSpec,
  payload: Uint8Array,
  frequencyMultiplierHz: number,
): FieldValue {
  const { first, count } = byteRange(spec, payload.length);
  if (spec.kind === 'bytes') return payload.slice(first, first + count);
  if (spec.kind === 'devAddr') return devAddrFromLsb(payload, first);
  const bits = spec.bits ?? 0;
  const raw = readBits(payload, spec.bit, bits);
  switch (spec.kind) {
    case 'flag':
      return raw === 1;
    case 'frequency':
      return raw * frequencyMultiplierHz;
    case 'int':
      return raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw;
    case 'offset':
      return (spec.origin ?? 0) + (spec.sign ?? 1) * raw;
    case 'uint':
      return raw;
  }
}

/** The unsigned number on air; not an integer below 2^bits when the value does not fit. */
function rawValue(spec: FieldSpec, value: number, frequencyMultiplierHz: number): number {
  const bits = spec.bits ?? 0;
  switch (spec.kind) {
    case 'frequency':
      return Math.round(value / frequencyMultiplierHz);
    case 'int': {
      const half = 2 ** (bits - 1);
      if (value >= half) return Number.NaN;
      return value < 0 && value >= -half ? value + 2 ** bits : value;
    }
    case 'offset':
      return (value - (spec.origin ?? 0)) * (spec.sign ?? 1);
    default:
      return value;
  }
}

/** Writes a field into the bytes after the CID, whose bits are 0 before. */
export function writeField(
  spec: FieldSpec,
  payload: Uint8Array,
  value: FieldValue,
  frequencyMultiplierHz: number,
): void {
  const { first, count } = byteRange(spec, payload.length);
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? devAddrToLsb(value) : value;
    if (bytes.length !== count) {
      throw new RangeError(`${spec.name} has ${count} bytes, not ${bytes.length}`);
    }
    payload.set(bytes, first);
    return;
  }
  const raw = rawValue(spec, Number(value), frequencyMultiplierHz);
  if (!Number.isInteger(raw) || raw < 0 || raw >= 2 ** (spec.bits ?? 0)) {
    throw new RangeError(`${spec.name} ${value} does not fit its ${spec.bits} bits`);
  }
  addBits(payload, spec.bit, raw);
}

/** The value as text, with unit. */
export function formatField(spec: FieldSpec, value: FieldValue): string {
  if (value instanceof Uint8Array) return spec.secret ? '(not shown)' : formatHex(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return value;
  if (spec.kind === 'frequency') return `${(value / 1e6).toFixed(4).replace(/0$/, '')} MHz`;
  return spec.unit ? `${value} ${spec.unit}` : String(value);
}

/** What a value means, where that is more than its number. */
export function explainField(spec: FieldSpec, value: FieldValue): string | undefined {
  if (typeof value === 'boolean') {
    if (spec.name.endsWith('Ack')) return value ? 'accepted' : 'rejected';
    return value ? 'on' : 'off';
  }
  return typeof value === 'number' ? spec.texts?.[value] : undefined;
}
