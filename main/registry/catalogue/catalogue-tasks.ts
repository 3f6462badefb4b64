/** What the worker thread of the catalogue is started for, and what it says. */
import type { CatalogueCounts } from '../../store/index.ts';
import type { ImportLimits } from './limits.ts';

export type CatalogueTask =
  /** Fills in what ships with the program, unless it is there. */
  | { readonly kind: 'built_in' }
  | {
      readonly kind: 'import';
      readonly path: string;
      readonly sourceName: string;
      readonly limits: ImportLimits;
    }
  | { readonly kind: 'activate'; readonly version: number }
  | { readonly kind: 'delete'; readonly version: number };

export interface CatalogueWorkerData {
  readonly cataloguePath: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly task: CatalogueTask;
}

export interface ImportProgress {
  readonly phase: 'listing' | 'reading' | 'activating' | 'done';
  readonly brandsDone: number;
  readonly brandsTotal: number;
  readonly brandId: string;
  readonly counts: CatalogueCounts;
}

/** Where an error of this program was thrown inside the worker, it is thrown again outside of it. */
export interface TaskFailure {
  readonly code: string;
  readonly status: string;
  readonly messageFormat: string;
  readonly attributes: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

export type CatalogueWorkerMessage =
  | { readonly type: 'progress'; readonly progress: ImportProgress }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly failure: TaskFailure };

/** Asks the worker to end an import; it takes back what it stored. */
export const CANCEL = 'cancel';
