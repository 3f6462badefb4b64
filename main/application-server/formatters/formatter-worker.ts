import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import type { WorkerMessage, WorkerRequest, WorkerStart } from './formatter-protocol.ts';
import { failure } from './formatter-result.ts';
import { createSandboxCache, type SandboxCache } from './sandbox-cache.ts';
import { startScriptEngine } from './script-engine.ts';

/** Entry of the codec worker: runs one script call after the other and answers each. */

function answer(sandboxes: SandboxCache, request: WorkerRequest): WorkerMessage {
  try {
    const outcome = sandboxes.run(request.call);
    return { type: 'outcome', id: request.id, outcome, broken: false };
  } catch (error) {
    // The engine shares this thread's stack, and its recursion can use it up before its own limit is reached.
    const outcome =
      error instanceof RangeError
        ? failure('script_memory', 'The script is nested too deeply.')
        : failure('worker_lost', 'The script engine failed while it ran the script.');
    return { type: 'outcome', id: request.id, outcome, broken: true };
  }
}

const port = parentPort;
if (port) {
  const { wasmModule } = workerData as WorkerStart;
  const quickjs = await startScriptEngine(wasmModule);
  const sandboxes = createSandboxCache({ quickjs, clock: systemClock() });
  const send = (message: WorkerMessage): void => port.postMessage(message);
  port.on('message', (request: WorkerRequest) => send(answer(sandboxes, request)));
  send({ type: 'ready' });
}
