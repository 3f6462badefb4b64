import { createContextKey } from '@connectrpc/connect';

/** Who calls. The shell decides it; nothing in a request can claim to be `desktop` or `session`. */
export type Caller =
  /** Our own window. */
  | { readonly kind: 'desktop' }
  /** The browser interface, after its one-time link. */
  | { readonly kind: 'session' }
  | ApiKeyCaller
  | { readonly kind: 'anonymous' }
  /** Credentials were given and are not good; every method that asks for any answers with this. */
  | { readonly kind: 'refused'; readonly error: Error };

export interface ApiKeyCaller {
  readonly kind: 'api_key';
  readonly keyId: string;
  readonly name: string;
  /** Names of `ttn.lorawan.v3.Right` values. */
  readonly rights: ReadonlySet<string>;
  /** Everything is allowed. */
  readonly admin: boolean;
  /** The only application the key is for; absent for keys that are not bound to one. */
  readonly applicationId?: string;
  /** The only gateway the key is for; absent for keys that are not bound to one. */
  readonly gatewayId?: string;
  /** When the key was made, changed, and ends; absent for a key that is stored nowhere. */
  readonly createdAtMs?: number;
  readonly updatedAtMs?: number;
  readonly expiresAtMs?: number;
}

/** One call of a method, besides its request. */
export interface Call {
  readonly caller: Caller;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Number of matches before paging, for lists. */
  setTotalCount(count: number): void;
  /** Where the next request goes on, for long answers. Before the first message of a stream. */
  setContinuationToken(token: string): void;
  /** Something the client should know although the call succeeded. */
  warn(text: string): void;
}

export const callerKey = createContextKey<Caller>({ kind: 'anonymous' }, { description: 'caller' });

/** Whether the caller may do everything. */
export function isAdmin(caller: Caller): boolean {
  return (
    caller.kind === 'desktop' ||
    caller.kind === 'session' ||
    (caller.kind === 'api_key' && caller.admin)
  );
}
