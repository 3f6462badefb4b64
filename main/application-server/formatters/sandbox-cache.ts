import type { QuickJSWASMModule } from 'quickjs-emscripten-core';
import type { Clock } from '../../base/clock.ts';
import type { ScriptCall, ScriptOutcome } from './formatter-protocol.ts';
import {
  openScriptSandbox,
  SANDBOX_LIMITS,
  type SandboxLimits,
  ScriptSandbox,
} from './script-sandbox.ts';

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
  const attempt = (call: ScriptCall): ScriptOutcome => {
    const key = JSON.stringify([call.scope, call.script]);
    const sandbox = kept.get(key) ?? openScriptSandbox(quickjs, clock, call.script, limits);
    if (!(sandbox instanceof ScriptSandbox)) return sandbox;
    kept.delete(key);
    const outcome = sandbox.run(call);
    if (sandbox.reusable) kept.set(key, sandbox);
    else sandbox.dispose();
    return outcome;
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
