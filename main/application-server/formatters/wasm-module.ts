import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** File name of the script engine when it lies beside the bundle. */
const WASM_FILE = 'quickjs.wasm';
const WASM_PACKAGE = '@jitl/quickjs-wasmfile-release-sync/wasm';

async function readFirst(urls: readonly URL[]): Promise<Uint8Array<ArrayBuffer>> {
  let missing: unknown;
  for (const url of urls) {
    try {
      return new Uint8Array(await readFile(url));
    } catch (error) {
      missing ??= error;
    }
  }
  throw missing;
}

/**
 * Loads and compiles the script engine. It is looked for at `wasmUrl` if given, else as `quickjs.wasm` beside this module
 * (a bundled package) and then in the installed dependency. Compiled here, the module is shared with each worker.
 */
export async function loadWasmModule(wasmUrl?: URL): Promise<WebAssembly.Module> {
  const urls = wasmUrl ? [wasmUrl] : [new URL(WASM_FILE, import.meta.url), ...installed()];
  return WebAssembly.compile(await readFirst(urls));
}

function installed(): URL[] {
  try {
    return [pathToFileURL(createRequire(import.meta.url).resolve(WASM_PACKAGE))];
  } catch {
    return [];
  }
}
