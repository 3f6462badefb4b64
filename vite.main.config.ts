import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type EnvironmentOptions } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Left in `node_modules`: what the runtime provides, and packages with native code. */
const EXTERNAL = [
  /^electron(\/|$)/,
  /^better-sqlite3(\/|$)/,
  /^serialport$/,
  /^@serialport\//,
  /^node:/,
  ...builtinModules,
];

/** One bundle for the server side. Its files are emptied by no one but the first. */
function bundle(options: {
  readonly entries: Readonly<Record<string, string>>;
  readonly outDir: string;
  readonly format: 'es' | 'cjs';
  readonly extension: string;
  readonly empty: boolean;
  /** Entries may share files; else each bundle is exactly one. */
  readonly split: boolean;
}): EnvironmentOptions {
  const { outDir, format, extension } = options;
  return {
    consumer: 'server',
    resolve: { noExternal: true, conditions: ['node', 'import', 'module', 'default'] },
    build: {
      outDir,
      emptyOutDir: options.empty,
      copyPublicDir: false,
      target: 'node24',
      minify: false,
      sourcemap: false,
      reportCompressedSize: false,
      assetsInlineLimit: 0,
      rolldownOptions: {
        input: { ...options.entries },
        external: EXTERNAL,
        platform: 'node',
        output: {
          format,
          codeSplitting: options.split,
          entryFileNames: `[name].${extension}`,
          chunkFileNames: `[name]-[hash].${extension}`,
        },
      },
    },
  };
}

/**
 * Bundles of the main process. The shells share code; each worker is one self-contained file, so that it can lie outside
 * the archive; the preload script is one CommonJS file, which is all a sandboxed page accepts.
 */
const environments = {
  shells: bundle({
    entries: { desktop: 'main/desktop/main.ts', headless: 'main/headless/main.ts' },
    outDir: 'dist/main',
    format: 'es',
    extension: 'js',
    empty: true,
    split: true,
  }),
  storeWorker: bundle({
    entries: { 'store-worker': 'main/store/store-worker.ts' },
    outDir: 'dist/main',
    format: 'es',
    extension: 'js',
    empty: false,
    split: false,
  }),
  catalogueWorker: bundle({
    entries: { 'catalogue-worker': 'main/registry/catalogue/catalogue-worker.ts' },
    outDir: 'dist/main',
    format: 'es',
    extension: 'js',
    empty: false,
    split: false,
  }),
  formatterWorker: bundle({
    entries: { 'formatter-worker': 'main/application-server/formatters/formatter-worker.ts' },
    outDir: 'dist/main',
    format: 'es',
    extension: 'js',
    empty: false,
    split: false,
  }),
  preload: bundle({
    entries: { preload: 'preload/preload.ts' },
    outDir: 'dist/preload',
    format: 'cjs',
    extension: 'cjs',
    empty: true,
    split: false,
  }),
};

/** Files beside the bundles. */
function copyAssets(): void {
  mkdirSync(join(root, 'dist/main'), { recursive: true });
  for (const [from, to] of [
    [
      'node_modules/@jitl/quickjs-wasmfile-release-sync/dist/emscripten-module.wasm',
      'quickjs.wasm',
    ],
    ['resources/icons/256x256.png', 'icon.png'],
  ] as const) {
    copyFileSync(join(root, from), join(root, 'dist/main', to));
  }
  copyAddons();
}

/** The native addons that were compiled here; without one the program does the same more slowly. */
function copyAddons(): void {
  const folder = join(root, '.cache/native');
  const addons = existsSync(folder) ? readdirSync(folder) : [];
  mkdirSync(join(root, 'dist/main/native'), { recursive: true });
  for (const addon of addons.filter((file) => file.endsWith('.node')))
    copyFileSync(join(folder, addon), join(root, 'dist/main/native', addon));
}

export default defineConfig({
  root,
  publicDir: false,
  environments,
  builder: {
    async buildApp(builder) {
      for (const name of Object.keys(environments)) {
        const environment = builder.environments[name];
        if (environment) await builder.build(environment);
      }
      copyAssets();
    },
  },
});
