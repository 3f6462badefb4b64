/** `npm run simulate`: plays days of simulated devices and says what became of their frames. */
import { parseArgs } from 'node:util';
import { playDays } from './play-days.ts';

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '100' },
    days: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    plan: { type: 'string', default: 'EU_863_870' },
  },
});
const options = {
  devices: Number(values.devices),
  days: Number(values.days),
  seed: Number(values.seed),
  planId: values.plan,
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const result = await playDays(options);
const seconds = result.runMs / 1000;
const percent = ((100 * result.delivered) / Math.max(1, result.uplinks)).toFixed(2);
say(`${options.devices} devices, ${options.days} days, seed ${options.seed}, ${options.planId}`);
say(`  joins        ${result.joins}; ${result.joined} devices have a session`);
say(`  transmitted  ${result.transmitted} frames, join-requests and repetitions included`);
say(`  delivered    ${result.delivered} of ${result.uplinks} uplinks (${percent} %)`);
for (const [cause, count] of Object.entries(result.drops)) say(`  refused      ${count} ${cause}`);
say(`  set-up       ${(result.setUpMs / 1000).toFixed(1)} s`);
say(
  `  run          ${seconds.toFixed(1)} s: ${Math.round((options.days * 86_400) / seconds)} simulated s/s, ${Math.round(result.delivered / seconds)} uplinks/s`,
);
