const NUL_SHARE_OF_UTF16 = 0.3;
/** Bytes looked at to tell UTF-16 without a mark from other text. */
const SAMPLE_BYTES = 1_024;

function encodingOf(data: Uint8Array): string {
  const [first, second, third] = data;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const sample = data.subarray(0, SAMPLE_BYTES);
  const nuls = [0, 0];
  for (const [at, byte] of sample.entries()) {
    if (byte === 0) nuls[at % 2] = (nuls[at % 2] ?? 0) + 1;
  }
  const [even = 0, odd = 0] = nuls;
  // The letters of keys, ids and column names have a zero half in UTF-16.
  if (Math.max(even, odd) > (sample.length / 2) * NUL_SHARE_OF_UTF16) {
    return odd > even ? 'utf-16le' : 'utf-16be';
  }
  return 'utf-8';
}

/**
 * Text of a file of unknown character set: UTF-8 or UTF-16, with or without a mark, which is left out; else Windows-1252,
 * in which spreadsheets of western Europe and America save.
 */
export function decodeText(data: Uint8Array): string {
  const encoding = encodingOf(data);
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(data);
  } catch {
    return new TextDecoder(encoding === 'utf-8' ? 'windows-1252' : encoding).decode(data);
  }
}
