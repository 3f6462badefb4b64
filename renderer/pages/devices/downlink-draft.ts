import type { JsonObject } from '@bufbuild/protobuf';
import { parseBase64, parseHex } from '../../formats/bytes.ts';

export type PayloadForm = 'hex' | 'base64' | 'text' | 'json';

/** What a typed downlink payload means. */
export type PayloadReading =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'decoded'; readonly payload: JsonObject }
  | { readonly kind: 'error'; readonly message: string };

/** The longest FRMPayload of any band; the data rate may allow less. */
const LONGEST_BYTES = 242;

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readJson(text: string): PayloadReading {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return { kind: 'decoded', payload: value };
    return { kind: 'error', message: 'A JSON object is needed, such as {"led": true}' };
  } catch (error) {
    return { kind: 'error', message: error instanceof Error ? error.message : 'Not JSON' };
  }
}

function readBytes(text: string, form: 'hex' | 'base64' | 'text') {
  switch (form) {
    case 'hex':
      return parseHex(text);
    case 'base64':
      return parseBase64(text);
    case 'text':
      return new TextEncoder().encode(text);
  }
}

export function readPayload(text: string, form: PayloadForm): PayloadReading {
  if (form === 'json') return readJson(text);
  const bytes = readBytes(text, form);
  if (bytes === undefined) {
    const wanted = form === 'hex' ? 'pairs of hex digits' : 'base64';
    return { kind: 'error', message: `This is not ${wanted}` };
  }
  if (bytes.length > LONGEST_BYTES) {
    return {
      kind: 'error',
      message: `${bytes.length} bytes; no frame carries more than ${LONGEST_BYTES}`,
    };
  }
  return { kind: 'bytes', bytes };
}
