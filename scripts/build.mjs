/** `npm run build`: everything a package is made of, ready in `dist/`. */
import { ensureBundle, setUp } from './tool-chain.mjs';

await setUp();
await ensureBundle();
