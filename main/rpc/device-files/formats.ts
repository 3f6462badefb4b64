import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeText } from './decode-text.ts';
import { converterNotFound } from './errors.ts';
import { readCsv } from './read-csv.ts';
import { readJson } from './read-json.ts';
import type { ReadOptions, TemplateRow } from './template-row.ts';

export const JSON_FORMAT = 'the-things-stack';
export const CSV_FORMAT = 'the-things-stack-csv';

export interface FileFormat {
  readonly name: string;
  readonly description: string;
  readonly fileExtensions: readonly string[];
  read(text: string, options: ReadOptions): Iterable<TemplateRow> | AsyncIterable<TemplateRow>;
}

/** Formats of files with end devices, by id. */
export const FILE_FORMATS: Readonly<Record<string, FileFormat>> = {
  [JSON_FORMAT]: {
    name: 'The Things Stack JSON',
    description: 'End devices in the JSON of The Things Stack, one after another or as a list.',
    fileExtensions: ['.json'],
    read: readJson,
  },
  [CSV_FORMAT]: {
    name: 'The Things Stack CSV',
    description: 'A table with one end device per row, separated by semicolons or commas.',
    fileExtensions: ['.csv'],
    read: readCsv,
  },
};

/** Rows read before other work of the program has its turn. */
const ROWS_PER_TURN = 50;

async function* inTurns<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    yield item;
    count += 1;
    if (count % ROWS_PER_TURN === 0) await nextTurn();
  }
}

/** The devices of a file, row by row. Throws if the format is not known or the file goes on in no known way. */
export function readDeviceFile(
  formatId: string,
  data: Uint8Array,
  options: ReadOptions,
): AsyncIterable<TemplateRow> {
  const format = Object.hasOwn(FILE_FORMATS, formatId) ? FILE_FORMATS[formatId] : undefined;
  if (!format) throw converterNotFound({ id: formatId });
  return inTurns(format.read(decodeText(data), options));
}
