import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { createFairQueue } from './fair-queue.ts';
import type {
  ScriptCall,
  ScriptOutcome,
  WorkerMessage,
  WorkerRequest,
  WorkerStart,
} from './formatter-protocol.ts';
import { failure } from './formatter-result.ts';
import { loadWasmModule } from './wasm-module.ts';

export interface CodecWorkerLimits {
  /** A worker that does not answer a call within this time is terminated and replaced. */
  readonly hardLimitMs: number;
  readonly startLimitMs: number;
  readonly maxPending: number;
  readonly maxPendingPerScope: number;
}

export const CODEC_WORKER_LIMITS: CodecWorkerLimits = {
  hardLimitMs: 1000,
  startLimitMs: 10_000,
  maxPending: 1024,
  maxPendingPerScope: 128,
};

export interface CodecWorkerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly workerUrl: URL;
  readonly wasmUrl?: URL;
  readonly limits: CodecWorkerLimits;
}

interface Pending {
  readonly call: ScriptCall;
  readonly answer: (outcome: ScriptOutcome) => void;
}

const CLOSED = failure('worker_lost', 'The payload formatters are shut down.');

/**
 * The main thread's side of the codec worker. The worker gets one call at a time, so that a script that gets it stuck
 * costs only its own call; the others wait here and go to the replacement.
 */
export class CodecWorker {
  readonly #options: CodecWorkerOptions;
  readonly #queue;
  #worker: Worker | undefined;
  #ready = false;
  #starting = false;
  #closed = false;
  #current: (Pending & { readonly id: number }) | undefined;
  #timer: Timer | undefined;
  #nextId = 1;
  #wasmModule: Promise<WebAssembly.Module> | undefined;
  readonly #terminations = new Set<Promise<unknown>>();

  constructor(options: CodecWorkerOptions) {
    this.#options = options;
    const { maxPending, maxPendingPerScope } = options.limits;
    this.#queue = createFairQueue<Pending>({ total: maxPending, perOwner: maxPendingPerScope });
  }

  /** Never rejects: what goes wrong is in the outcome. */
  run(call: ScriptCall): Promise<ScriptOutcome> {
    if (this.#closed) return Promise.resolve(CLOSED);
    return new Promise((answer) => {
      if (this.#queue.push(call.scope, { call, answer })) this.#pump();
      else answer(failure('busy', 'Too many formatter calls are waiting; try again later.'));
    });
  }

  /** Answers whatever is outstanding and resolves when no thread is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { answer } of this.#queue.drain()) answer(CLOSED);
    this.#settle(CLOSED);
    this.#drop();
    await Promise.allSettled(this.#terminations);
  }

  #pump(): void {
    if (this.#closed || this.#current || this.#starting || this.#queue.size === 0) return;
    if (!this.#worker) {
      this.#starting = true;
      void this.#start();
      return;
    }
    const pending = this.#queue.shift();
    if (!pending) return;
    const id = this.#nextId++;
    this.#current = { ...pending, id };
    const request: WorkerRequest = { id, call: pending.call };
    this.#worker.postMessage(request);
    const { hardLimitMs } = this.#options.limits;
    this.#timer = this.#options.clock.setTimer(hardLimitMs, () =>
      this.#lose(`The script did not stop within ${hardLimitMs} ms and was ended by force.`),
    );
  }

  async #start(): Promise<void> {
    const { clock, workerUrl, wasmUrl, limits } = this.#options;
    try {
      this.#wasmModule ??= loadWasmModule(wasmUrl);
      const workerData: WorkerStart = { wasmModule: await this.#wasmModule };
      if (this.#closed) return;
      const worker = new Worker(workerUrl, {
        name: 'codec',
        workerData,
        env: {},
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: 64, stackSizeMb: 4 },
      });
      this.#worker = worker;
      const whenCurrent = (run: () => void): void => {
        if (this.#worker === worker) run();
      };
      worker.on('message', (message: WorkerMessage) => whenCurrent(() => this.#receive(message)));
      worker.on('error', (error) =>
        whenCurrent(() => this.#lose('The script engine failed.', error)),
      );
      worker.on('exit', () => whenCurrent(() => this.#lose('The script engine ended.')));
      this.#timer = clock.setTimer(limits.startLimitMs, () =>
        this.#lose('The script engine did not start in time.'),
      );
    } catch (error) {
      this.#wasmModule = undefined;
      this.#lose('The script engine could not be loaded.', error);
    }
  }

  #receive(message: WorkerMessage): void {
    if (message.type === 'ready') {
      this.#timer?.cancel();
      this.#ready = true;
      this.#starting = false;
    } else if (message.id === this.#current?.id) {
      this.#settle(message.outcome);
      if (message.broken) this.#drop();
    }
    this.#pump();
  }

  #settle(outcome: ScriptOutcome): void {
    this.#timer?.cancel();
    const current = this.#current;
    this.#current = undefined;
    current?.answer(outcome);
  }

  /** The worker is gone or stuck. One that never came up takes all waiting calls with it, so that none waits for ever. */
  #lose(message: string, error?: unknown): void {
    const lost = failure('worker_lost', message);
    const neverReady = !this.#ready;
    this.#options.logger.warn(
      {
        ...(this.#current && { scope: this.#current.call.scope }),
        ...(error !== undefined && { error }),
      },
      message,
    );
    this.#drop();
    this.#settle(lost);
    if (neverReady) for (const { answer } of this.#queue.drain()) answer(lost);
    this.#pump();
  }

  #drop(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#ready = false;
    this.#starting = false;
    if (!worker) return;
    const ended = worker.terminate();
    this.#terminations.add(ended);
    void ended.finally(() => this.#terminations.delete(ended));
  }
}
