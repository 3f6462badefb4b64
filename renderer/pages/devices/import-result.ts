import {
  type ImportDevicesResponse,
  type ImportedRow,
  ImportOutcome,
} from '../../../main/api/gen/gatehouse/v1/device_files_pb.js';
import type { FilePart } from './file-parts.ts';

/** Rows that are kept for showing; a file may have any number. */
export const MOST_SHOWN = 1_000;

/** How far an import is, and what became of its rows. */
export interface ImportResult {
  readonly dryRun: boolean;
  readonly done: boolean;
  /** From 0 to 1. */
  readonly progress: number;
  readonly created: number;
  readonly existing: number;
  readonly failed: number;
  /** The first rows that were not registered, and why. */
  readonly problems: readonly ImportedRow[];
  /** The first rows of all. */
  readonly rows: readonly ImportedRow[];
  /** What the pieces of the file before this one came to. */
  readonly before: Counts;
}

interface Counts {
  readonly created: number;
  readonly existing: number;
  readonly failed: number;
}

export function newResult(dryRun: boolean): ImportResult {
  return {
    dryRun,
    done: false,
    progress: 0,
    created: 0,
    existing: 0,
    failed: 0,
    problems: [],
    rows: [],
    before: { created: 0, existing: 0, failed: 0 },
  };
}

const isProblem = ({ outcome }: ImportedRow): boolean =>
  outcome === ImportOutcome.EXISTS || outcome === ImportOutcome.FAILED;

function withMore(
  shown: readonly ImportedRow[],
  more: readonly ImportedRow[],
): readonly ImportedRow[] {
  const room = MOST_SHOWN - shown.length;
  return room > 0 && more.length > 0 ? [...shown, ...more.slice(0, room)] : shown;
}

/** The result when another piece of the file begins. */
export function startPart(result: ImportResult): ImportResult {
  const { created, existing, failed } = result;
  return { ...result, before: { created, existing, failed } };
}

/** The result after one more message of the stream. */
export function addStep(
  result: ImportResult,
  step: ImportDevicesResponse,
  part: Pick<FilePart, 'lineOffset' | 'from' | 'to'> = { lineOffset: 0, from: 0, to: 1 },
): ImportResult {
  const { before } = result;
  const read = step.linesTotal === 0 ? 1 : step.linesRead / step.linesTotal;
  const rows = step.rows.map((row) => ({ ...row, line: row.line + part.lineOffset }));
  return {
    ...result,
    progress: part.from + read * (part.to - part.from),
    created: before.created + step.created,
    existing: before.existing + step.existing,
    failed: before.failed + step.failed,
    problems: withMore(result.problems, rows.filter(isProblem)),
    rows: withMore(result.rows, rows),
  };
}

export const rowCount = ({ created, existing, failed }: ImportResult): number =>
  created + existing + failed;

const number = (value: number): string => value.toLocaleString('en');
const devices = (count: number): string => `${number(count)} ${count === 1 ? 'device' : 'devices'}`;

/** The result in a sentence. */
export function resultText(result: ImportResult): string {
  const { dryRun, created, existing, failed } = result;
  const parts = [
    `${devices(created)} ${dryRun ? 'can be registered' : 'registered'}`,
    ...(existing > 0 ? [`${number(existing)} there already`] : []),
    ...(failed > 0 ? [`${number(failed)} with a problem`] : []),
  ];
  return `${parts.join(', ')}${result.done ? '.' : ' so far…'}`;
}

/** What became of a row. */
export function outcomeText({ outcome }: ImportedRow): string {
  switch (outcome) {
    case ImportOutcome.CREATED:
      return 'Registered';
    case ImportOutcome.VALID:
      return 'Can be registered';
    case ImportOutcome.EXISTS:
      return 'There already';
    default:
      return 'Not registered';
  }
}

export const CSV_FORMAT = 'the-things-stack-csv';
const FORMATS: Readonly<Record<string, string>> = {
  csv: CSV_FORMAT,
  json: 'the-things-stack',
  jsonl: 'the-things-stack',
};

/** The format of a file, by the end of its name; undefined if that tells nothing. */
export function formatOfFile(name: string): string | undefined {
  return FORMATS[name.split('.').at(-1)?.toLowerCase() ?? ''];
}
