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
}

/** Main thread to worker. */
export interface WorkerRequest {
  readonly id: number;
  readonly call: ScriptCall;
}

/** Worker to main thread. */
export type WorkerMessage =
  | { readonly type: 'ready' }
  | {
      readonly type: 'outcome';
      readonly id: number;
      readonly outcome: ScriptOutcome;
      /** The engine was left in an unknown state; this worker must not be used again. */
      readonly broken: boolean;
    };
