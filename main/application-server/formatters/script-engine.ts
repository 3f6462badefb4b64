import variant from '@jitl/quickjs-wasmfile-release-sync';
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSWASMModule,
} from 'quickjs-emscripten-core';

const PAGES_PER_MEBIBYTE = 16;

/** The engine asks for this much at start. */
const START_PAGES = 16 * PAGES_PER_MEBIBYTE;

/**
 * All the memory of an engine: its own, that of idle contexts and that of the running script. The limit the engine
 * offers per context is checked against single requests only, as this build does not add up what it has given out; the
 * size of its WebAssembly memory is the bound that holds.
 */
const MOST_PAGES = 32 * PAGES_PER_MEBIBYTE;

/** Starts a script engine from its compiled module. */
export function startScriptEngine(wasmModule: WebAssembly.Module): Promise<QuickJSWASMModule> {
  const wasmMemory = new WebAssembly.Memory({ initial: START_PAGES, maximum: MOST_PAGES });
  return newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmModule, wasmMemory }));
}
