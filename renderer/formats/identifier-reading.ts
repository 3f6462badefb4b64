import { toHex } from './bytes.ts';

/** How a typed or pasted EUI, DevAddr or key was understood. */
export type IdentifierReading =
  | { readonly kind: 'empty' }
  | { readonly kind: 'error'; readonly message: string }
  | {
      readonly kind: 'ok';
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** Upper case, most significant byte first if the text was. */
      readonly hex: string;
      readonly notation: 'digits' | 'separated digits' | 'list of bytes';
      /** The bytes look as if they stood in the order they are transmitted in. */
      readonly looksLsb: boolean;
    };

/** First three bytes of EUIs that many LoRaWAN devices carry, as printed on them. */
const COMMON_PREFIXES = new Set([
  '70B3D5',
  '0004A3',
  '0080E1',
  '24E124',
  '2CF7F1',
  '60C5A8',
  'A81758',
  'A84041',
  'AC1F09',
]);

const LIST_OF_BYTES = /0x|\\x|[,;]/i;

function bytesOfList(text: string): readonly number[] | string {
  const tokens = text
    .replace(/\\x/gi, ' ')
    .split(/[\s,;{}[\]()"']+/)
    .filter((token) => token !== '');
  const bytes: number[] = [];
  for (const token of tokens) {
    const digits = token.replace(/^0x/i, '').replace(/u?l{0,2}$/i, '');
    if (digits === '' || /[^0-9a-f]/i.test(digits)) return `“${token}” is not a hex byte`;
    const even = digits.length % 2 === 0 ? digits : `0${digits}`;
    for (let index = 0; index < even.length; index += 2) {
      bytes.push(Number.parseInt(even.slice(index, index + 2), 16));
    }
  }
  return bytes;
}

/** Whether the last three bytes, turned round, begin a well-known block while the first three do not. */
export function looksLsbFirst(bytes: Uint8Array): boolean {
  if (bytes.length !== 8) return false;
  const first = toHex(bytes.slice(0, 3));
  const last = toHex(bytes.slice(5).reverse());
  return !COMMON_PREFIXES.has(first) && COMMON_PREFIXES.has(last);
}

function reading(
  bytes: Uint8Array<ArrayBuffer>,
  notation: 'digits' | 'separated digits' | 'list of bytes',
): IdentifierReading {
  return { kind: 'ok', bytes, hex: toHex(bytes), notation, looksLsb: looksLsbFirst(bytes) };
}

function readList(text: string, lengthBytes: number): IdentifierReading {
  const bytes = bytesOfList(text);
  if (typeof bytes === 'string') return { kind: 'error', message: bytes };
  if (bytes.length !== lengthBytes) {
    return { kind: 'error', message: `${bytes.length} of ${lengthBytes} bytes` };
  }
  return reading(Uint8Array.from(bytes), 'list of bytes');
}

/**
 * Reads an identifier or key in any notation found on labels and in firmware: plain digits, digits with separators, lists
 * of `0x` bytes, C arrays. The order of the bytes is kept; turning them round is the user's decision.
 */
export function readIdentifier(text: string, lengthBytes: number): IdentifierReading {
  const trimmed = text.trim();
  if (trimmed === '') return { kind: 'empty' };
  const body = trimmed.includes('{') ? trimmed.slice(trimmed.indexOf('{')) : trimmed;
  if (LIST_OF_BYTES.test(body)) return readList(body, lengthBytes);
  const digits = body.replace(/[\s:.\-_"'{}]/g, '');
  const stranger = /[^0-9a-f]/i.exec(digits)?.[0];
  if (stranger !== undefined) {
    return { kind: 'error', message: `“${stranger}” is not a hex digit` };
  }
  if (digits.length !== lengthBytes * 2) {
    return { kind: 'error', message: `${digits.length} of ${lengthBytes * 2} hex digits` };
  }
  const bytes = Uint8Array.from({ length: lengthBytes }, (_, index) =>
    Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16),
  );
  return reading(bytes, digits === body ? 'digits' : 'separated digits');
}

/** The same bytes in the other order, as text. */
export function reversedHex(bytes: Uint8Array): string {
  return toHex(Uint8Array.from(bytes).reverse());
}
