import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Build of the user interface. No inlined assets or scripts: the content security policy allows none. */
export default defineConfig({
  root: 'renderer',
  base: '/',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    // Every one of them knows light-dark(); a rewritten form would not follow the page's colour scheme.
    target: ['chrome123', 'edge123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
});
