import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { NativeAddon } from './native.ts';

/** Set to 0, the addon is not looked for. */
const SWITCH = 'GATEHOUSE_NATIVE';
const FILE = `${process.platform}-${process.arch}.node`;

/**
 * Where the addon is: `native/<platform>-<architecture>.node` beside the bundles, outside the archive of a package;
 * `.cache/native` when running from the sources.
 */
export function addonFile(): string {
  const isBundle = !import.meta.url.endsWith('.ts');
  const url = new URL(
    isBundle ? `./native/${FILE}` : `../../../.cache/native/${FILE}`,
    import.meta.url,
  );
  return fileURLToPath(url.href.replace('/app.asar/', '/app.asar.unpacked/'));
}

/** Loads the addon; a sentence why there is none. */
export function loadAddon(file = addonFile()): NativeAddon | { readonly absent: string } {
  if (process.env[SWITCH] === '0') return { absent: `${SWITCH} is 0` };
  if (!existsSync(file)) return { absent: `no addon for ${process.platform}-${process.arch}` };
  try {
    return createRequire(import.meta.url)(file) as NativeAddon;
  } catch (error) {
    return { absent: `the addon does not load: ${(error as Error).message}` };
  }
}
