/** A process of its own that stores units as fast as it can and prints those that were acknowledged. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { createStore } from '../store.ts';
import { sampleFrame, sampleReception } from './samples.ts';

const [directory = '', start = '0'] = process.argv.slice(2);
const store = await createStore({ directory, clock: systemClock(), logger: silentLogger() });
writeSync(1, 'open\n');

for (let number = Number(start); ; number += 10) {
  const units = Array.from({ length: 10 }, async (_, index) => {
    const id = number + index;
    const reception = store.frames.addReception(sampleReception());
    await store.unit(() => store.settings.put(`unit.${id}`, String(id)));
    store.frames.addFrame(sampleFrame(`device-${id}`), [reception]);
    writeSync(1, `${id}\n`);
  });
  await Promise.all(units);
}
