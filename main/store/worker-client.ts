import { Worker } from 'node:worker_threads';
import { closed } from './errors.ts';
import type { WorkerData, WorkerMethod, WorkerMethods, WorkerResponse } from './worker-protocol.ts';

/** What a method of the worker answers. */
export type WorkerResult<M extends WorkerMethod> = Awaited<ReturnType<WorkerMethods[M]>>;

/** Calls into the store worker. */
export interface StoreWorker {
  call<M extends WorkerMethod>(
    method: M,
    ...parameter: Parameters<WorkerMethods[M]>
  ): Promise<WorkerResult<M>>;
  close(): Promise<void>;
}

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Starts the worker at its first call. It never keeps the process alive. */
export function createStoreWorker(options: {
  /** Script of the worker; the bundle passes its own. */
  readonly url: URL;
  readonly data: WorkerData;
  readonly onError: (error: unknown) => void;
}): StoreWorker {
  const pending = new Map<number, PendingCall>();
  let worker: Worker | undefined;
  let nextId = 1;
  let isClosed = false;

  const failAll = (error: unknown): void => {
    for (const call of pending.values()) call.reject(error);
    pending.clear();
  };
  const start = (): Worker => {
    const started = new Worker(options.url, { workerData: options.data });
    started.on('message', (response: WorkerResponse) => {
      const call = pending.get(response.id);
      pending.delete(response.id);
      if (pending.size === 0) started.unref();
      if ('error' in response) {
        call?.reject(Object.assign(new Error(response.error), { code: response.code }));
      } else {
        call?.resolve(response.result);
      }
    });
    started.on('error', (error) => {
      options.onError(error);
      failAll(error);
    });
    started.on('exit', () => {
      if (worker === started) worker = undefined;
      failAll(closed());
    });
    return started;
  };
  const send = (method: WorkerMethod, parameter: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker ??= start();
      const id = nextId;
      nextId += 1;
      pending.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, method, parameter });
    });

  return {
    async call<M extends WorkerMethod>(
      method: M,
      ...parameter: Parameters<WorkerMethods[M]>
    ): Promise<WorkerResult<M>> {
      if (isClosed) throw closed();
      return (await send(method, parameter[0])) as WorkerResult<M>;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      const running = worker;
      if (!running) return;
      await send('close', undefined).catch(() => undefined);
      await running.terminate();
    },
  };
}
