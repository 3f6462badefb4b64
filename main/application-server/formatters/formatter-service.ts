import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { CODEC_WORKER_LIMITS, CodecWorker, type CodecWorkerLimits } from './codec-worker.ts';
import type { ScriptCallKind, ScriptOutcome } from './formatter-protocol.ts';
import {
  type DecodeDownlinkResult,
  type DecodeUplinkResult,
  type EncodeDownlinkResult,
  failure,
  type JsonObject,
} from './formatter-result.ts';
import { decodeDownlinkResult, decodeUplinkResult, encodeDownlinkResult } from './script-result.ts';

/** Longest script that a user may set, in bytes of UTF-8. */
export const MAX_SCRIPT_BYTES = 40_960;

export interface FormatterServiceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Entry of the codec worker; by default the source beside this file. A bundle names its own. */
  readonly workerUrl?: URL;
  /** The script engine's .wasm file; see `loadWasmModule` for the default. */
  readonly wasmUrl?: URL;
  readonly limits?: Partial<CodecWorkerLimits>;
}

interface ScriptUse {
  /** Application id: scripts of different applications never share a context. */
  readonly scope: string;
  readonly script: string;
  /** Longest script; {@link MAX_SCRIPT_BYTES} if absent. */
  readonly maxScriptBytes?: number;
  /** FPort, 0..255. */
  readonly fPort: number;
}

export type DecodeInput = ScriptUse & { readonly bytes: Uint8Array };
/** `receivedAtMs`, on the wall clock, is what a script gets as `input.recvTime` (TS013); a legacy Decoder does not. */
export type DecodeUplinkInput = DecodeInput & { readonly receivedAtMs?: number };
export type EncodeInput = ScriptUse & { readonly data: JsonObject };

/** Runs users' JavaScript formatters in the codec worker. No method rejects; failures are results. */
export interface FormatterService {
  /** Runs decodeUplink (or the legacy Decoder), then normalizeUplink, and checks the measurements. */
  decodeUplink(input: DecodeUplinkInput): Promise<DecodeUplinkResult>;
  /** Runs encodeDownlink (or the legacy Encoder). */
  encodeDownlink(input: EncodeInput): Promise<EncodeDownlinkResult>;
  decodeDownlink(input: DecodeInput): Promise<DecodeDownlinkResult>;
  /** Answers outstanding calls and ends the worker. */
  close(): Promise<void>;
}

function isTooLarge(script: string, maxBytes: number): boolean {
  return script.length > maxBytes || new TextEncoder().encode(script).length > maxBytes;
}

export function createFormatterService(options: FormatterServiceOptions): FormatterService {
  const worker = new CodecWorker({
    clock: options.clock,
    logger: options.logger,
    workerUrl: options.workerUrl ?? new URL('./formatter-worker.ts', import.meta.url),
    ...(options.wasmUrl && { wasmUrl: options.wasmUrl }),
    limits: { ...CODEC_WORKER_LIMITS, ...options.limits },
  });

  const run = async (
    kind: ScriptCallKind,
    { scope, script, maxScriptBytes = MAX_SCRIPT_BYTES }: ScriptUse,
    input: JsonObject,
  ): Promise<ScriptOutcome> => {
    if (isTooLarge(script, maxScriptBytes)) {
      return failure(
        'formatter_script_too_large',
        `The script is larger than ${maxScriptBytes} bytes; shorten it or remove comments.`,
      );
    }
    return worker.run({ kind, scope, script, input: JSON.stringify(input) });
  };

  return {
    async decodeUplink(input) {
      const outcome = await run('decodeUplink', input, {
        bytes: Array.from(input.bytes),
        fPort: input.fPort,
        ...(input.receivedAtMs !== undefined && { recvTime: input.receivedAtMs }),
      });
      return outcome.ok ? decodeUplinkResult(outcome.json) : outcome;
    },
    async encodeDownlink(input) {
      const outcome = await run('encodeDownlink', input, { data: input.data, fPort: input.fPort });
      return outcome.ok ? encodeDownlinkResult(outcome.json, input.fPort) : outcome;
    },
    async decodeDownlink(input) {
      const outcome = await run('decodeDownlink', input, {
        bytes: Array.from(input.bytes),
        fPort: input.fPort,
      });
      return outcome.ok ? decodeDownlinkResult(outcome.json) : outcome;
    },
    close: () => worker.close(),
  };
}
