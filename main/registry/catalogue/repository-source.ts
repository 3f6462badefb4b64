import type { ImportLimits } from './limits.ts';

/** A line of an import's report. `code` is stable. */
export interface ImportProblem {
  /** File inside the repository. */
  readonly path: string;
  readonly code: ProblemCode;
  readonly text: string;
}

export type ProblemCode =
  | 'path'
  | 'link'
  | 'encrypted'
  | 'too_large'
  | 'unreadable'
  | 'missing'
  | 'yaml'
  | 'field'
  | 'id'
  | 'duplicate'
  | 'image_type';

export type Report = (path: string, code: ProblemCode, text: string) => void;

/** A device repository to be read. Only files below `vendor/` are in it; their names begin there, with `/` between parts. */
export interface RepositorySource {
  has(path: string): boolean;
  /** Throws a {@link FileProblem} for a file that is absent, larger than `maxBytes` or broken. */
  read(path: string, maxBytes: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface SourceOptions {
  readonly path: string;
  readonly limits: ImportLimits;
  readonly report: Report;
}

/** Why one file cannot be used; the import goes on. */
export class FileProblem extends Error {
  override readonly name = 'FileProblem';
  readonly code: ProblemCode;
  constructor(code: ProblemCode, text: string, options?: ErrorOptions) {
    super(text, options);
    this.code = code;
  }
}

export const tooLarge = (maxBytes: number): FileProblem =>
  new FileProblem('too_large', `The file is larger than ${maxBytes} bytes.`);

export const missing = (): FileProblem => new FileProblem('missing', 'There is no such file.');

/** Deepest folders of a repository. */
export const MOST_FOLDERS = 8;
/** Longest name of a file with its folders. */
export const LONGEST_PATH = 512;
