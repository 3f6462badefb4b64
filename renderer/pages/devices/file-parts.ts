/** A piece of a file that the server takes as a file of its own. */
export interface FilePart {
  readonly data: Uint8Array<ArrayBuffer>;
  /** What has to be added to a line of the piece to have the line of the file. */
  readonly lineOffset: number;
  /** Where the piece begins and ends in the file, as parts of it from 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/** The file cannot be taken apart; says what to do. */
export class CannotSplit extends Error {}

/** The server takes no larger message. */
export const MOST_BYTES = 16 * 1024 * 1024 - 4_096;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BRACE = 0x7b;

/** End of the last whole row: behind a line break that is not inside of quotes. */
function lastRowEnd(bytes: Uint8Array): number {
  let end = 0;
  let isQuoted = false;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === QUOTE) isQuoted = !isQuoted;
    else if (bytes[at] === NEWLINE && !isQuoted) end = at + 1;
  }
  return end;
}

/** End of the last whole object of a file with one per line. */
function lastObjectEnd(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] !== NEWLINE || bytes[end] !== BRACE)) end -= 1;
  return end;
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** What the first piece says about the others: the names of the columns. Refuses what cannot be taken apart. */
function headerOf(bytes: Uint8Array, isCsv: boolean): Uint8Array {
  if (bytes.includes(0)) {
    throw new CannotSplit('A file of more than 16 MB has to be in UTF-8. Save it so.');
  }
  if (isCsv) return bytes.slice(0, bytes.indexOf(NEWLINE) + 1);
  if (bytes[0] === BRACE) return new Uint8Array();
  throw new CannotSplit(
    'A JSON file of more than 16 MB needs one device per line, without a list around them.',
  );
}

/**
 * Takes a file apart into pieces that one call can carry, at the ends of rows. What is small enough stays whole.
 *
 * @param most bytes of one piece
 */
export async function* partsOfFile(
  file: Blob,
  isCsv: boolean,
  most: number = MOST_BYTES,
): AsyncGenerator<FilePart> {
  if (file.size <= most) {
    const data = new Uint8Array(await file.arrayBuffer());
    yield { data, lineOffset: 0, from: 0, to: 1 };
    return;
  }
  let header = new Uint8Array();
  let linesBefore = 0;
  for (let at = 0; at < file.size; ) {
    const end = Math.min(at + most - header.length, file.size);
    const bytes = new Uint8Array(await file.slice(at, end).arrayBuffer());
    const isFirst = at === 0;
    const given = isFirst ? headerOf(bytes, isCsv) : header;
    const cut = end === file.size ? bytes.length : isCsv ? lastRowEnd(bytes) : lastObjectEnd(bytes);
    if (cut === 0 || cut < given.length) {
      throw new CannotSplit('A row of the file is larger than the server takes.');
    }
    const rows = bytes.slice(0, cut);
    yield {
      data: isFirst ? rows : joined(header, rows),
      lineOffset: isFirst ? 0 : linesBefore - (isCsv ? 1 : 0),
      from: at / file.size,
      to: (at + cut) / file.size,
    };
    header = new Uint8Array(given);
    linesBefore += countLines(rows);
    at += cut;
  }
}
