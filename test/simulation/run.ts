/** `npm run simulate`: plays days of simulated devices and says what became of their frames. */
import { parseArgs } from 'node:util';
import { playDays } from './play-days.ts';
import { reportLines } from './report.ts';

const HELP = `npm run simulate -- [--devices 100] [--days 1] [--seed 1] [--plan EU_863_870]

Plays days of simulated devices, 24 uplinks each on every day, through the whole program in virtual
time: registries, gateway, network, join and application server, frame recorder, event bus. One
virtual gateway stands among them. Left out are sockets, and payload formatters of users, which run
in a thread of their own. The same options give the same report, but for its speed.
`;

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '100' },
    days: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    plan: { type: 'string', default: 'EU_863_870' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
} else {
  const options = {
    devices: Number(values.devices),
    days: Number(values.days),
    seed: Number(values.seed),
    planId: values.plan,
  };
  const result = await playDays(options);
  process.stdout.write(`${reportLines(options, result).join('\n')}\n`);
}
