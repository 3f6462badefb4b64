import type { CauseCode } from '../base/causes.ts';
import { type AesKey, expandKey, type MacVersion } from '../lorawan/index.ts';

/** Root keys of a device as the registry hands them out, raw. */
export interface RootKeys {
  readonly appKey?: Uint8Array;
  readonly nwkKey?: Uint8Array;
}

/** Id that The Things Stack's command line gives to keys it made; its NwkKey is not in the device for 1.0.x. */
const COMMAND_LINE_KEY_ID = 'ttn-lw-cli-generated';

/** The keys for one join. */
export interface JoinKeys {
  /** Checks the join-request, protects the join-accept and derives the network keys. */
  readonly networkRoot: AesKey;
  /** Derives the AppSKey. */
  readonly applicationRoot: AesKey;
}

/** Which root key serves what: NwkKey and AppKey in 1.1; in 1.0.x one key for everything. */
export function joinKeys(
  { appKey, nwkKey }: RootKeys,
  rootKeyId: string | undefined,
  macVersion: MacVersion,
):
  | { readonly ok: true; readonly keys: JoinKeys }
  | { readonly ok: false; readonly cause: CauseCode } {
  if (macVersion === '1.1.0') {
    if (!nwkKey) return { ok: false, cause: 'no_nwk_key' };
    if (!appKey) return { ok: false, cause: 'no_app_key' };
    return {
      ok: true,
      keys: { networkRoot: expandKey(nwkKey), applicationRoot: expandKey(appKey) },
    };
  }
  const usesNwkKey = nwkKey !== undefined && rootKeyId !== COMMAND_LINE_KEY_ID;
  const root = usesNwkKey ? nwkKey : appKey;
  if (!root) return { ok: false, cause: 'no_app_key' };
  const key = expandKey(root);
  return { ok: true, keys: { networkRoot: key, applicationRoot: key } };
}
