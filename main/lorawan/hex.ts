const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, value) =>
  value.toString(16).toUpperCase().padStart(2, '0'),
);

/** Two upper-case hex digits of the byte at `index`; bytes outside the array read as `00`. */
export function hexOfByte(bytes: Uint8Array, index: number): string {
  return HEX_OF_BYTE[bytes[index] ?? 0] ?? '00';
}

/** Upper-case hex digits of the bytes in their order, with an optional separator between them. */
export function formatHex(bytes: Uint8Array, separator = ''): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    if (i > 0) text += separator;
    text += HEX_OF_BYTE[bytes[i]!];
  }
  return text;
}

/** Tokens of a list such as `0x70, 0xB3` or `\x70\xB3` as bare hex digits, each padded to whole bytes. */
function digitsOfPrefixedList(text: string): string | undefined {
  const tokens = text
    .replace(/\\x/gi, ' 0x')
    .split(/[\s,;]+/)
    .filter((token) => token !== '');
  let digits = '';
  for (const token of tokens) {
    const match = /^(?:0x)?([0-9a-f]+)$/i.exec(token);
    if (!match) return undefined;
    const bare = match[1]!;
    digits += bare.length % 2 === 0 ? bare : `0${bare}`;
  }
  return digits;
}

/**
 * Reads bytes from any common notation: plain digits, pairs separated by `:` `-` `.` `,` or spaces, `0x` lists,
 * `\x` escapes and C arrays (`{ 0x70, 0xB3 }`, also with the declaration in front), in either case.
 *
 * @returns undefined when the text is no whole number of bytes in hex
 */
export function parseHex(text: string): Uint8Array | undefined {
  const braces = /[{[]([^{}[\]=]*)[}\]]\s*;?\s*$/.exec(text);
  const content = (braces?.[1] ?? text).trim();
  const digits = /0x|\\x/i.test(content)
    ? digitsOfPrefixedList(content)
    : content.replace(/[\s:\-.,]/g, '');
  if (digits === undefined || digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    return undefined;
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
