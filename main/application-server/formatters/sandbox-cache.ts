import type { QuickJSWASMModule } from 'quickjs-emscripten-core';
import type { Clock } from '../../base/clock.ts';
import { createBoundedCache } from '../../store/bounded-cache.ts';
import type { ScriptCall, ScriptOutcome } from './formatter-protocol.ts';
import type { FormatterFailure } from './formatter-result.ts';
import { LOOP_LINE, LOOP_TURNS, withLoopMarks } from './loop-marks.ts';
import {
  openScriptSandbox,
  SANDBOX_LIMITS,
  type SandboxLimits,
  ScriptSandbox,
} from './script-sandbox.ts';

/** A script whose time passes with fewer looks at the clock spends it in functions of the engine. */
const LOOKS_OF_A_LOOP = 10;
/** A script that does not end after so many turns is in a loop that it does not leave. */
const MANY_TURNS = 1_000;
/** Loops whose lines are remembered. */
const KEPT_LINES = 200;

export interface SandboxCache {
  run(call: ScriptCall): ScriptOutcome;
  /** Contexts kept for the next call. */
  readonly size: number;
}

/** Keeps one context per script and application, the most recently used ones up to `capacity`. */
export function createSandboxCache(options: {
  readonly quickjs: QuickJSWASMModule;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly capacity?: number;
  readonly limits?: SandboxLimits;
}): SandboxCache {
  const { quickjs, clock, capacity = 32, limits = SANDBOX_LIMITS } = options;
  const kept = new Map<string, ScriptSandbox>();
  /** Of the last call; see `ScriptSandbox.looks`. */
  let looks = 0;
  const attempt = (call: ScriptCall): ScriptOutcome => {
    const key = JSON.stringify([call.scope, call.script]);
    const sandbox = kept.get(key) ?? openScriptSandbox(quickjs, clock, call.script, limits);
    if (!(sandbox instanceof ScriptSandbox)) return sandbox;
    kept.delete(key);
    const outcome = sandbox.run(call);
    looks = sandbox.looks;
    if (sandbox.reusable) kept.set(key, sandbox);
    else sandbox.dispose();
    return outcome;
  };
  /** Lines of loops by script and the line the engine named; looking for one takes as long as the loop was given. */
  const loopLines = createBoundedCache<string, number>(KEPT_LINES);
  /** The line of the loop that ran out of time, as far as it can be known. */
  const withLoopLine = (call: ScriptCall, outcome: FormatterFailure): FormatterFailure => {
    const key = JSON.stringify([call.script, outcome.line ?? 0]);
    const known = loopLines.get(key);
    if (known !== undefined) return { ...outcome, line: known };
    const marked = withLoopMarks(call.script);
    const sandbox = marked && openScriptSandbox(quickjs, clock, marked, limits);
    if (!(sandbox instanceof ScriptSandbox)) return outcome;
    const again = sandbox.run(call);
    const turns = sandbox.globalNumber(LOOP_TURNS) ?? 0;
    const line = sandbox.globalNumber(LOOP_LINE);
    sandbox.dispose();
    const isEndless = !again.ok && again.code === 'script_timeout' && turns >= MANY_TURNS;
    if (!isEndless || line === undefined) return outcome;
    loopLines.set(key, line);
    return { ...outcome, line };
  };
  const shrink = (size: number): void => {
    for (const [key, sandbox] of kept) {
      if (kept.size <= size) return;
      kept.delete(key);
      sandbox.dispose();
    }
  };
  return {
    run(call) {
      const outcome = attempt(call);
      shrink(capacity);
      if (!outcome.ok && outcome.code === 'script_timeout')
        return looks < LOOKS_OF_A_LOOP ? outcome : withLoopLine(call, outcome);
      if (outcome.ok || outcome.code !== 'script_memory' || kept.size === 0) return outcome;
      // Contexts share the engine's memory: a script that ran out of it may have been crowded out by others.
      shrink(0);
      return attempt(call);
    },
    get size() {
      return kept.size;
    },
  };
}
