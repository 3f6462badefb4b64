import { Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { defineError, errorText, type StatusName } from '../../base/errors.ts';
import {
  CANCEL,
  type CatalogueTask,
  type CatalogueWorkerData,
  type CatalogueWorkerMessage,
  type ImportProgress,
  type TaskFailure,
} from './catalogue-tasks.ts';
import { importCancelled, importFailed, importRunning } from './errors.ts';

export interface RunOptions {
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Ends an import; what it stored is taken back. */
  readonly signal?: AbortSignal;
}

/** Runs tasks of the catalogue's worker, one at a time. */
export interface TaskRunner {
  readonly isBusy: boolean;
  run(task: CatalogueTask, options?: RunOptions): Promise<void>;
  /** Ends what is running. */
  close(): Promise<void>;
}

const thrownAgain = ({ code, status, messageFormat, attributes }: TaskFailure): Error =>
  defineError(code, status as StatusName, messageFormat)(attributes);

function outcomeOf(worker: Worker, { onProgress }: RunOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: CatalogueWorkerMessage) => {
      if (message.type === 'progress') onProgress?.(message.progress);
      else if (message.type === 'done') resolve();
      else reject(thrownAgain(message.failure));
    });
    worker.on('error', (error) =>
      reject(importFailed({ reason: errorText(error) }, { cause: error })),
    );
    worker.on('exit', () => reject(importCancelled()));
  });
}

/** Creates the runner. */
export function createTaskRunner(options: {
  readonly cataloguePath: string;
  /** Script of the worker. */
  readonly workerUrl: URL;
  readonly clock: Clock;
}): TaskRunner {
  const { cataloguePath, workerUrl, clock } = options;
  let running: Worker | undefined;
  return {
    get isBusy() {
      return running !== undefined;
    },
    async run(task, runOptions = {}) {
      if (running) throw importRunning();
      const data: CatalogueWorkerData = { cataloguePath, nowMs: clock.now(), task };
      const worker = new Worker(workerUrl, { workerData: data });
      running = worker;
      const cancel = (): void => worker.postMessage(CANCEL);
      const { signal } = runOptions;
      signal?.addEventListener('abort', cancel, { once: true });
      if (signal?.aborted) cancel();
      try {
        await outcomeOf(worker, runOptions);
      } finally {
        signal?.removeEventListener('abort', cancel);
        await worker.terminate();
        running = undefined;
      }
    },
    async close() {
      await running?.terminate();
    },
  };
}
