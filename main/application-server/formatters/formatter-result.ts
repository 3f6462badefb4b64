import type { GatehouseError } from '../../base/errors.ts';

/** A value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

export type JsonObject = { readonly [name: string]: JsonValue };

/** Why a formatter gave no result. Stable: shown to users and used in events. */
export type FormatterErrorCode =
  | 'script_timeout'
  | 'script_memory'
  | 'script_error'
  | 'entrypoint_not_found'
  | 'no_script_output'
  | 'output'
  | 'output_encoding'
  | 'output_errors'
  | 'formatter_script_too_large'
  | 'formatter_not_configured'
  | 'catalogue'
  | 'input'
  | 'worker_lost'
  | 'busy';

/** A formatter failure is data: the message it belonged to is still forwarded. */
export interface FormatterFailure {
  readonly ok: false;
  readonly code: FormatterErrorCode;
  readonly message: string;
  /** Line of the user's script, counted from 1; for a time-out that of the loop that did not end. */
  readonly line?: number;
  /** The texts a script returned in `errors`. */
  readonly errors?: readonly string[];
  /** Why the device catalogue has no script, as its own methods say it. */
  readonly cause?: GatehouseError;
}

export interface DecodedUplink {
  readonly ok: true;
  /** `undefined` when the script returned a result without data. */
  readonly data: JsonObject | undefined;
  readonly warnings: readonly string[];
  /** Valid measurements; each becomes an uplink_normalized message of its own. */
  readonly normalized: readonly JsonObject[];
  readonly normalizedWarnings: readonly string[];
}

export interface EncodedDownlink {
  readonly ok: true;
  readonly bytes: Uint8Array;
  /** 0..255; 0 means that neither the request nor the script named a port. */
  readonly fPort: number;
  readonly warnings: readonly string[];
}

export interface DecodedDownlink {
  readonly ok: true;
  readonly data: JsonObject | undefined;
  readonly warnings: readonly string[];
}

export type DecodeUplinkResult = DecodedUplink | FormatterFailure;
export type EncodeDownlinkResult = EncodedDownlink | FormatterFailure;
export type DecodeDownlinkResult = DecodedDownlink | FormatterFailure;
export type FormatterResult = DecodeUplinkResult | EncodeDownlinkResult | DecodeDownlinkResult;

export function failure(
  code: FormatterErrorCode,
  message: string,
  extra: Pick<FormatterFailure, 'line' | 'errors' | 'cause'> = {},
): FormatterFailure {
  return { ok: false, code, message, ...extra };
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
