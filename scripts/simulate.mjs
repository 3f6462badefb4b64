/** `npm run simulate -- --devices N --days D --seed S --plan P`: sets up what is missing; see `test/simulation/run.ts`. */
import { join } from 'node:path';
import { nodeBinary, root, run, setUp, toolEnvironment } from './tool-chain.mjs';

await setUp();
const code = await run(
  nodeBinary(),
  [join(root, 'test/simulation/run.ts'), ...process.argv.slice(2)],
  { env: toolEnvironment() },
);
process.exit(code);
