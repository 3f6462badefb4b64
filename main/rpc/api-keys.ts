import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { defineError } from '../base/errors.ts';
import type { Caller } from './call.ts';

const badToken = defineError(
  'pkg/auth:token',
  'INVALID_ARGUMENT',
  'The token is malformed. API keys look like NNSXS.<id>.<secret>.',
);
const unsupportedAuthorization = defineError(
  'pkg/identityserver:unsupported_authorization',
  'UNAUTHENTICATED',
  'Only "Authorization: Bearer" is supported.',
);
const apiKeyNotFound = defineError(
  'pkg/identityserver:api_key_not_found',
  'UNAUTHENTICATED',
  'There is no API key {api_key_id}.',
);
const invalidAuthorization = defineError(
  'pkg/identityserver:invalid_authorization',
  'UNAUTHENTICATED',
  'The secret of the API key is wrong.',
);
const apiKeyExpired = defineError(
  'pkg/identityserver:api_key_expired',
  'UNAUTHENTICATED',
  'The API key has expired.',
);

/** What is known about an API key; of the secret only its SHA-256. */
export interface KnownApiKey {
  readonly id: string;
  readonly name: string;
  readonly secretHash: Uint8Array;
  readonly rights: readonly string[];
  readonly admin: boolean;
  readonly applicationId?: string;
  readonly gatewayId?: string;
  readonly createdAtMs?: number;
  readonly updatedAtMs?: number;
  readonly expiresAtMs?: number;
}

const TOKEN_PART = /^[A-Z2-7]+$/;
const TOKEN_TYPES = ['NNSXS', 'MFRWG', 'OJSWM', 'MF2XI', 'ONZW4'];

/** Splits `NNSXS.<id>.<secret>`; undefined if the text is no token. */
export function parseToken(text: string): { type: string; id: string; secret: string } | undefined {
  const [type = '', id = '', secret = '', ...rest] = text.split('.');
  const isToken =
    rest.length === 0 &&
    TOKEN_TYPES.includes(type) &&
    TOKEN_PART.test(id) &&
    TOKEN_PART.test(secret);
  return isToken ? { type, id, secret } : undefined;
}

/** The hash under which a secret is kept. */
export function hashSecret(secret: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ID_LETTERS = 39;
const SECRET_LETTERS = 52;

/** Random text of base32 letters, five bits each. */
function randomLetters(count: number): string {
  return [...randomBytes(count)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** A new API key: what to store of it, and the token, which nobody can read again later. */
export function newApiKey(): {
  readonly id: string;
  readonly secretHash: Uint8Array;
  readonly token: string;
} {
  const id = randomLetters(ID_LETTERS);
  const secret = randomLetters(SECRET_LETTERS);
  return { id, secretHash: hashSecret(secret), token: `NNSXS.${id}.${secret}` };
}

const refused = (error: Error): Caller => ({ kind: 'refused', error });

function callerOfToken(
  token: string,
  find: (id: string) => KnownApiKey | undefined,
  nowMs: number,
): Caller {
  const parsed = parseToken(token);
  if (!parsed) return refused(badToken());
  const key = parsed.type === 'NNSXS' ? find(parsed.id) : undefined;
  if (!key) return refused(apiKeyNotFound({ api_key_id: parsed.id }));
  const given = hashSecret(parsed.secret);
  if (given.length !== key.secretHash.length || !timingSafeEqual(given, key.secretHash)) {
    return refused(invalidAuthorization());
  }
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) return refused(apiKeyExpired());
  const { id, secretHash, rights, ...rest } = key;
  return { ...rest, kind: 'api_key', keyId: id, rights: new Set(rights) };
}

/** Who an `Authorization` header says is calling. */
export function callerOfHeader(
  header: string | null | undefined,
  find: (id: string) => KnownApiKey | undefined,
  nowMs: number,
): Caller {
  if (!header) return { kind: 'anonymous' };
  const match = /^(\S+)\s+(\S+)$/.exec(header.trim());
  if (!match?.[2]) return refused(badToken());
  if (match[1]?.toLowerCase() !== 'bearer') return refused(unsupportedAuthorization());
  return callerOfToken(match[2], find, nowMs);
}
