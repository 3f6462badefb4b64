import type {
  QuickJSContext,
  QuickJSHandle,
  QuickJSRuntime,
  QuickJSWASMModule,
} from 'quickjs-emscripten-core';
import type { Clock } from '../../base/clock.ts';
import type { ScriptCall, ScriptOutcome } from './formatter-protocol.ts';
import { type FormatterErrorCode, type FormatterFailure, failure } from './formatter-result.ts';
import {
  MAX_OUTPUT_LENGTH,
  needsOwnContext,
  SANDBOX_PRELUDE,
  SCRIPT_FILE,
} from './sandbox-prelude.ts';

export interface SandboxLimits {
  /** Run time of one call, loading of the script included. */
  readonly timeLimitMs: number;
  /** Of a single request; the sum is bounded by the engine's memory (`script-engine.ts`). */
  readonly memoryLimitBytes: number;
  readonly stackLimitBytes: number;
}

export const SANDBOX_LIMITS: SandboxLimits = {
  timeLimitMs: 100,
  memoryLimitBytes: 16 * 1024 * 1024,
  stackLimitBytes: 128 * 1024,
};

const FUNCTIONS = [
  'decodeUplink',
  'normalizeUplink',
  'encodeDownlink',
  'decodeDownlink',
  'Decoder',
  'Encoder',
];

/**
 * The script as the body of a function, so that its top level runs anew for each call. It starts on the first line, so
 * line numbers are those of the user. An arrow function has no `arguments` and leaves `this` the global object.
 */
function wrap(script: string): string {
  const found = FUNCTIONS.map(
    (name) => `${name}: typeof ${name} === 'function' ? ${name} : undefined`,
  );
  return `(() => {${script}\n;return { __proto__: null, ${found.join(', ')} };})`;
}

const FRAME_LINE = new RegExp(`${SCRIPT_FILE.replace('.', '\\.')}:(\\d+)`);
const MAX_MESSAGE_LENGTH = 1000;
const OUT_OF_MEMORY = 'The script needs more memory than it may use.';

/** First line of the user's script in a stack trace, at most the script's last one. */
function lineOf(stack: unknown, lineCount: number): number | undefined {
  const match = typeof stack === 'string' ? FRAME_LINE.exec(stack) : null;
  return match ? Math.min(Number(match[1]), lineCount) : undefined;
}

function scriptFailure(
  code: FormatterErrorCode,
  message: string,
  line: number | undefined,
  errors?: readonly string[],
): FormatterFailure {
  const short =
    message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
  return failure(code, short, {
    ...(line === undefined ? {} : { line }),
    ...(errors === undefined ? {} : { errors }),
  });
}

interface Described {
  readonly code: FormatterErrorCode;
  /** Left out where there was no memory to say it. */
  readonly message?: string;
  readonly stack?: string;
  readonly errors?: readonly string[];
}

type Envelope =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Described };

/** An error that left the sandbox: one of the compiler, or one so grave that the prelude could not describe it. */
function escaped(
  context: QuickJSContext,
  handle: QuickJSHandle,
  lineCount: number,
): FormatterFailure {
  const error: unknown = context.dump(handle);
  handle.dispose();
  if (typeof error !== 'object' || error === null || !('message' in error)) {
    return failure('script_memory', OUT_OF_MEMORY);
  }
  const { name, message, stack } = error as { name?: unknown; message: unknown; stack?: unknown };
  const line = lineOf(stack, lineCount);
  if (message === 'out of memory' || message === '') return failure('script_memory', OUT_OF_MEMORY);
  if (message === 'stack overflow') {
    return scriptFailure('script_memory', 'The script is nested too deeply.', line);
  }
  return scriptFailure('script_error', `${String(name)}: ${String(message)}`, line);
}

interface Compiled {
  readonly run: QuickJSHandle;
  readonly sweep: QuickJSHandle;
  readonly factory: QuickJSHandle;
}

/**
 * One compiled script in an engine context of its own. An exception that leaves it means that the engine itself failed
 * and must not be used again.
 */
export class ScriptSandbox {
  readonly #runtime: QuickJSRuntime;
  readonly #context: QuickJSContext;
  readonly #compiled: Compiled;
  readonly #lineCount: number;
  readonly #watch: Stopwatch;
  #reusable = false;

  constructor(
    runtime: QuickJSRuntime,
    context: QuickJSContext,
    compiled: Compiled,
    lineCount: number,
    watch: Stopwatch,
  ) {
    this.#runtime = runtime;
    this.#context = context;
    this.#compiled = compiled;
    this.#lineCount = lineCount;
    this.#watch = watch;
  }

  /** Whether the last call left the context as it found it; otherwise it must be disposed. */
  get reusable(): boolean {
    return this.#reusable;
  }

  /**
   * How often the engine looked at the clock during the last call: once in some ten thousand turns of loops and calls,
   * however long they take, and never inside a function of its own.
   */
  get looks(): number {
    return this.#watch.looks;
  }

  run(call: Pick<ScriptCall, 'kind' | 'input'>): ScriptOutcome {
    this.#watch.start();
    const outcome = this.#call(call);
    const ruined =
      !outcome.ok && (outcome.code === 'script_memory' || outcome.code === 'script_timeout');
    this.#reusable = !ruined && this.#sweep();
    this.#watch.stop();
    return outcome;
  }

  /** A number the script left in the global object; nothing runs for that, so it is there after a time-out too. */
  globalNumber(name: string): number | undefined {
    const handle = this.#context.getProp(this.#context.global, name);
    const value: unknown = this.#context.dump(handle);
    handle.dispose();
    return typeof value === 'number' ? value : undefined;
  }

  dispose(): void {
    const { run, sweep, factory } = this.#compiled;
    for (const handle of [run, sweep, factory]) handle.dispose();
    this.#context.dispose();
    this.#runtime.dispose();
  }

  #call({ kind, input }: Pick<ScriptCall, 'kind' | 'input'>): ScriptOutcome {
    const context = this.#context;
    const { run, factory } = this.#compiled;
    const kindHandle = context.newString(kind);
    const inputHandle = context.newString(input);
    const called = context.callFunction(run, context.undefined, factory, kindHandle, inputHandle);
    kindHandle.dispose();
    inputHandle.dispose();
    if (called.error) {
      return this.#watch.expired
        ? this.#timeout(called.error)
        : escaped(context, called.error, this.#lineCount);
    }
    const text = context.getString(called.value);
    called.value.dispose();
    const envelope = JSON.parse(text) as Envelope;
    if (envelope.ok) return { ok: true, json: JSON.stringify(envelope.value) };
    const { code, message, stack, errors } = envelope.error;
    const line = lineOf(stack, this.#lineCount);
    return scriptFailure(code, message ?? OUT_OF_MEMORY, line, errors);
  }

  #timeout(handle: QuickJSHandle): FormatterFailure {
    const error = this.#context.dump(handle) as { readonly stack?: unknown } | null;
    handle.dispose();
    const message = `The script ran longer than ${this.#watch.limitMs} ms.`;
    return scriptFailure('script_timeout', message, lineOf(error?.stack, this.#lineCount));
  }

  #sweep(): boolean {
    if (this.#watch.expired || this.#runtime.hasPendingJob()) return false;
    const swept = this.#context.callFunction(this.#compiled.sweep, this.#context.undefined);
    if (swept.error) {
      swept.error.dispose();
      return false;
    }
    const clean: unknown = this.#context.dump(swept.value);
    swept.value.dispose();
    return clean === true;
  }
}

/** Time a call may take. Once it has expired it stays so until the next start, so that no script outlasts it. */
interface Stopwatch {
  readonly limitMs: number;
  readonly expired: boolean;
  readonly looks: number;
  start(): void;
  stop(): void;
}

function stopwatch(
  clock: Pick<Clock, 'monotonic'>,
  runtime: QuickJSRuntime,
  limitMs: number,
): Stopwatch {
  let deadline = Number.POSITIVE_INFINITY;
  let expired = false;
  let looks = 0;
  runtime.setInterruptHandler(() => {
    looks += 1;
    expired = expired || clock.monotonic() > deadline;
    return expired;
  });
  return {
    limitMs,
    get expired() {
      return expired;
    },
    get looks() {
      return looks;
    },
    start() {
      deadline = clock.monotonic() + limitMs;
      expired = false;
      looks = 0;
    },
    stop() {
      deadline = Number.POSITIVE_INFINITY;
    },
  };
}

/** Opens a context, loads the prelude and compiles `script`. Nothing of the host is reachable from inside. */
export function openScriptSandbox(
  quickjs: QuickJSWASMModule,
  clock: Pick<Clock, 'monotonic'>,
  script: string,
  limits: SandboxLimits = SANDBOX_LIMITS,
): ScriptSandbox | FormatterFailure {
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(limits.memoryLimitBytes);
  runtime.setMaxStackSize(limits.stackLimitBytes);
  const watch = stopwatch(clock, runtime, limits.timeLimitMs);
  const context = runtime.newContext();
  const lineCount = script.split('\n').length;
  const compiled = compile(context, script, lineCount);
  if (!('ok' in compiled)) {
    return new ScriptSandbox(runtime, context, compiled, lineCount, watch);
  }
  context.dispose();
  runtime.dispose();
  return compiled;
}

function compile(
  context: QuickJSContext,
  script: string,
  lineCount: number,
): Compiled | FormatterFailure {
  const prelude = context.unwrapResult(context.evalCode(SANDBOX_PRELUDE, 'sandbox.js'));
  const shared = needsOwnContext(script) ? context.false : context.true;
  const maxOutput = context.newNumber(MAX_OUTPUT_LENGTH);
  const entry = context.unwrapResult(
    context.callFunction(prelude, context.undefined, shared, maxOutput),
  );
  const run = context.getProp(entry, 'run');
  const sweep = context.getProp(entry, 'sweep');
  for (const handle of [prelude, maxOutput, entry]) handle.dispose();

  // Parsed once on its own: what is not a whole script must not become one through the text around it.
  const alone = context.evalCode(script, SCRIPT_FILE, { compileOnly: true });
  if (!alone.error) alone.value.dispose();
  const wrapped = alone.error ? alone : context.evalCode(wrap(script), SCRIPT_FILE);
  if (wrapped.error) {
    run.dispose();
    sweep.dispose();
    return escaped(context, wrapped.error, lineCount);
  }
  return { run, sweep, factory: wrapped.value };
}
