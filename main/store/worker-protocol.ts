/** Messages between the store and its worker. */
import type { CatalogueQuery, CatalogueRows } from './catalogue-queries.ts';
import type { DeviceSearch, FoundDevices } from './device-search.ts';

export type DatabaseName = 'registry' | 'frames';

export interface FrameQuery {
  /** Frames below this id, newest first. */
  readonly beforeId?: number;
  /** Frames above this id, oldest first; not together with `beforeId`. */
  readonly afterId?: number;
  readonly limit: number;
  /** Text that has to occur. */
  readonly filter?: string;
  readonly applicationId?: string;
  readonly deviceId?: string;
}

export interface FrameRows {
  readonly rows: { readonly id: number; readonly message: Uint8Array }[];
  readonly more: boolean;
  /** The search stopped at its time limit after this id; it can go on from there. */
  readonly stoppedAtId?: number;
}

export interface WorkerMethods {
  listFrames(query: FrameQuery): FrameRows;
  searchDevices(search: DeviceSearch): FoundDevices;
  listCatalogue(query: CatalogueQuery): CatalogueRows;
  /** Writes committed pages back into the database file; `truncate` also empties the log file. */
  checkpoint(request: { readonly database: DatabaseName; readonly truncate: boolean }): {
    readonly logBytes: number;
  };
  /** Deletes the oldest frames beyond `maxFrames`; answers how many. */
  retain(request: { readonly maxFrames: number }): number;
  backup(request: { readonly database: DatabaseName; readonly path: string }): Promise<void>;
  close(): void;
}

export type WorkerMethod = keyof WorkerMethods;

export interface WorkerRequest {
  readonly id: number;
  readonly method: WorkerMethod;
  readonly parameter: unknown;
}

export type WorkerResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string; readonly code?: string };

/** What the worker opens. */
export interface WorkerData {
  readonly registryPath: string;
  readonly framesPath: string;
  /** Opened once the catalogue is asked for. */
  readonly cataloguePath: string;
}
