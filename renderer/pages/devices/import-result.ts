import {
  type ImportDevicesResponse,
  type ImportedRow,
  ImportOutcome,
} from '../../../main/api/gen/gatehouse/v1/device_files_pb.js';

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

/** The result after one more message of the stream. */
export function addStep(result: ImportResult, step: ImportDevicesResponse): ImportResult {
  return {
    ...result,
    progress: step.linesTotal === 0 ? 1 : step.linesRead / step.linesTotal,
    created: step.created,
    existing: step.existing,
    failed: step.failed,
    problems: withMore(result.problems, step.rows.filter(isProblem)),
    rows: withMore(result.rows, step.rows),
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

const FORMATS: Readonly<Record<string, string>> = {
  csv: 'the-things-stack-csv',
  json: 'the-things-stack',
  jsonl: 'the-things-stack',
};

/** The format of a file, by the end of its name; undefined if that tells nothing. */
export function formatOfFile(name: string): string | undefined {
  return FORMATS[name.split('.').at(-1)?.toLowerCase() ?? ''];
}
