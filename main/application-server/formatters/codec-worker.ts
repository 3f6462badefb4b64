import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { createFairQueue } from './fair-queue.ts';
import type {
  NumberedCall,
  NumberedOutcome,
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
  maxPending: 8_192,
  maxPendingPerScope: 2_048,
};

/** Most calls the worker has at a time, and how long those that are like the last ones may take together. */
const MOST_AT_ONCE = 32;
const AT_ONCE_MS = 10;

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

/** What the worker is to run, with each script once. */
function requestOf(sent: ReadonlyMap<number, Pending>): WorkerRequest {
  const indices = new Map<string, number>();
  const calls = [...sent].map(([id, { call }]): NumberedCall => {
    const { script, ...rest } = call;
    const scriptIndex = indices.get(script) ?? indices.size;
    indices.set(script, scriptIndex);
    return { ...rest, id, scriptIndex };
  });
  return { scripts: [...indices.keys()], calls };
}

/**
 * The main thread's side of the codec worker. The worker gets some calls at a time and says in shared memory which one it
 * runs, so that a script that gets it stuck costs only its own call; the others go to the replacement.
 */
export class CodecWorker {
  readonly #options: CodecWorkerOptions;
  readonly #queue;
  #worker: Worker | undefined;
  #ready = false;
  #starting = false;
  #closed = false;
  #isPumpPlanned = false;
  /** What the worker has and has not answered, by id, in the order in which it runs them. */
  #sent = new Map<number, Pending>();
  /** Slow scripts are sent one by one, so that applications take turns; fast ones many at a time. */
  #atOnce = 1;
  /** The call that ran when the time limit was last looked at. */
  #watchedId = 0;
  readonly #running = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
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
      if (this.#queue.push(call.scope, { call, answer })) this.#pumpAfterTurn();
      else answer(failure('busy', 'Too many formatter calls are waiting; try again later.'));
    });
  }

  /** Answers whatever is outstanding and resolves when no thread is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { answer } of [...this.#takeSent(), ...this.#queue.drain()]) answer(CLOSED);
    this.#drop();
    await Promise.allSettled(this.#terminations);
  }

  /** Uplinks are decided many at a time: their calls go in one message. */
  #pumpAfterTurn(): void {
    if (this.#isPumpPlanned) return;
    this.#isPumpPlanned = true;
    setImmediate(() => {
      this.#isPumpPlanned = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#closed || this.#sent.size > 0 || this.#starting || this.#queue.size === 0) return;
    if (!this.#worker) {
      this.#starting = true;
      void this.#start();
      return;
    }
    this.#watchedId = this.#nextId;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      this.#sent.set(this.#nextId++, next);
      if (this.#sent.size >= this.#atOnce) break;
    }
    this.#worker.postMessage(requestOf(this.#sent));
    this.#watch();
  }

  /** Lets each call have its time: one that ran when the time began and runs when it is over is stuck. */
  #watch(): void {
    const { hardLimitMs } = this.#options.limits;
    this.#timer = this.#options.clock.setTimer(hardLimitMs, () => {
      const id = Atomics.load(this.#running, 0);
      if (id !== this.#watchedId) {
        this.#watchedId = id;
        this.#watch();
        return;
      }
      this.#lose(`The script did not stop within ${hardLimitMs} ms and was ended by force.`);
    });
  }

  async #start(): Promise<void> {
    const { clock, workerUrl, wasmUrl, limits } = this.#options;
    try {
      this.#wasmModule ??= loadWasmModule(wasmUrl);
      const workerData: WorkerStart = {
        wasmModule: await this.#wasmModule,
        running: this.#running,
      };
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
    } else {
      const { outcomes, ranMs } = message;
      const fitting = Math.floor((AT_ONCE_MS * outcomes.length) / Math.max(ranMs, 0.001));
      this.#atOnce = Math.min(MOST_AT_ONCE, Math.max(1, fitting));
      this.#settle(outcomes);
      if (message.broken) {
        this.#drop();
        this.#queue.unshift(this.#takeSent());
      }
    }
    this.#pump();
  }

  #settle(outcomes: readonly NumberedOutcome[]): void {
    for (const { id, outcome } of outcomes) {
      const pending = this.#sent.get(id);
      this.#sent.delete(id);
      pending?.answer(outcome);
    }
    if (this.#sent.size === 0) this.#timer?.cancel();
  }

  /** What the worker has not answered. */
  #takeSent(): Pending[] {
    this.#timer?.cancel();
    const sent = [...this.#sent.values()];
    this.#sent.clear();
    return sent;
  }

  /** The worker is gone or stuck. One that never came up takes all waiting calls with it, so that none waits for ever. */
  #lose(message: string, error?: unknown): void {
    const lost = failure('worker_lost', message);
    const neverReady = !this.#ready;
    const running = this.#sent.get(Atomics.load(this.#running, 0));
    this.#options.logger.warn(
      {
        ...(running && { scope: running.call.scope }),
        ...(error !== undefined && { error }),
      },
      message,
    );
    this.#drop();
    this.#queue.unshift(this.#takeSent().filter((pending) => pending !== running));
    running?.answer(lost);
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
