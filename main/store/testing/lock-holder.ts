/** A process of its own that holds a data folder until it is ended. */
import { writeSync } from 'node:fs';
import { lockDirectory } from '../lock.ts';

const lock = lockDirectory(process.argv[2] ?? '', 1);
lock.publishUrl('http://127.0.0.1:1885');
writeSync(1, 'held\n');
setInterval(() => undefined, 1_000);
