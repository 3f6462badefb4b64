/** `npm run bench [section…]`: sets up what is missing and measures; see `test/bench/index.ts`. */
import { join } from 'node:path';
import { ensureBundle, nodeBinary, root, run, setUp, toolEnvironment } from './tool-chain.mjs';

await setUp();
await ensureBundle();
const code = await run(
  nodeBinary(),
  [join(root, 'test/bench/index.ts'), ...process.argv.slice(2)],
  { env: toolEnvironment() },
);
process.exit(code);
