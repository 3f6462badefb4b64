import type { FormatterFailure } from './formatter-result.ts';

/** The function of a script that a call is about. */
export type ScriptCallKind = 'decodeUplink' | 'encodeDownlink' | 'decodeDownlink';

/** One run of a user script. `input` is JSON text: nothing but text crosses into and out of the sandbox. */
export interface ScriptCall {
  readonly kind: ScriptCallKind;
  /** Application id. A context is never shared between scopes. */
  readonly scope: string;
  readonly script: string;
  readonly input: string;
}

/** What a run gave: JSON text still to be checked, or the failure. */
export type ScriptOutcome = { readonly ok: true; readonly json: string } | FormatterFailure;

/** Start data of the codec worker. */
export interface WorkerStart {
  readonly wasmModule: WebAssembly.Module;
  /** One number in shared memory: the id of the call that runs. */
  readonly running: Int32Array;
}

/** A call as it travels: its script stands once per message. */
export interface NumberedCall extends Omit<ScriptCall, 'script'> {
  readonly id: number;
  /** Place of the script in `scripts`. */
  readonly scriptIndex: number;
}

/** Main thread to worker: calls that are run in this order. */
export interface WorkerRequest {
  readonly scripts: readonly string[];
  readonly calls: readonly NumberedCall[];
}

/** What a call gave. */
export interface NumberedOutcome {
  readonly id: number;
  readonly outcome: ScriptOutcome;
}

/** Worker to main thread. */
export type WorkerMessage =
  | { readonly type: 'ready' }
  | {
      readonly type: 'outcomes';
      readonly outcomes: readonly NumberedOutcome[];
      /** How long they ran together. */
      readonly ranMs: number;
      /** The engine was left in an unknown state by the last of them; this worker runs nothing more. */
      readonly broken: boolean;
    };
