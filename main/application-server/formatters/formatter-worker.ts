import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import type {
  NumberedOutcome,
  ScriptCall,
  ScriptOutcome,
  WorkerMessage,
  WorkerRequest,
  WorkerStart,
} from './formatter-protocol.ts';
import { failure } from './formatter-result.ts';
import { createSandboxCache, type SandboxCache } from './sandbox-cache.ts';
import { startScriptEngine } from './script-engine.ts';

/** Entry of the codec worker: runs one script call after the other and answers those of a message together. */

/** Outcomes wait for each other so long at most. */
const ANSWER_EVERY_MS = 5;

function run(
  sandboxes: SandboxCache,
  call: ScriptCall,
): { readonly outcome: ScriptOutcome; readonly broken: boolean } {
  try {
    return { outcome: sandboxes.run(call), broken: false };
  } catch (error) {
    // The engine shares this thread's stack, and its recursion can use it up before its own limit is reached.
    const outcome =
      error instanceof RangeError
        ? failure('script_memory', 'The script is nested too deeply.')
        : failure('worker_lost', 'The script engine failed while it ran the script.');
    return { outcome, broken: true };
  }
}

const port = parentPort;
if (port) {
  const { wasmModule, running } = workerData as WorkerStart;
  const quickjs = await startScriptEngine(wasmModule);
  const clock = systemClock();
  const sandboxes = createSandboxCache({ quickjs, clock });
  const send = (message: WorkerMessage): void => port.postMessage(message);
  port.on('message', ({ scripts, calls }: WorkerRequest) => {
    let outcomes: NumberedOutcome[] = [];
    let startedMs = clock.monotonic();
    const answer = (broken: boolean): void => {
      send({ type: 'outcomes', outcomes, ranMs: clock.monotonic() - startedMs, broken });
      outcomes = [];
      startedMs = clock.monotonic();
    };
    for (const { id, scriptIndex, ...call } of calls) {
      Atomics.store(running, 0, id);
      const { outcome, broken } = run(sandboxes, { ...call, script: scripts[scriptIndex] ?? '' });
      outcomes.push({ id, outcome });
      if (broken) {
        answer(true);
        return;
      }
      if (clock.monotonic() - startedMs >= ANSWER_EVERY_MS) answer(false);
    }
    if (outcomes.length > 0) answer(false);
  });
  send({ type: 'ready' });
}
