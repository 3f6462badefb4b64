/** Says what became of the frames of simulated days, in lines of text. */
import type { Balance, Counts } from './frame-account.ts';
import type { DaysOptions, DaysResult } from './play-days.ts';

const total = (counts: Counts): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
const percent = (share: number): string => `${(100 * share).toFixed(3)} %`;
const mhz = (frequencyHz: number): string => (frequencyHz / 1e6).toFixed(2);

function list(counts: Counts): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function balanceLines({ lostOnAir, refused, unaccounted }: Balance): string[] {
  return [
    `  lost on air    ${list(lostOnAir)}`,
    `  refused        ${list(refused)}`,
    `  unaccounted    ${unaccounted}`,
  ];
}

function joinLines({ downlinks, joined, joinRequests }: DaysResult, devices: number): string[] {
  const { joinAccepts, joinAcceptsFailed } = downlinks;
  const missed = total(joinAccepts) - joined;
  return [
    `joins            ${joined} of ${devices} devices have a session; ${joinRequests.sent} join-requests, ${joinRequests.sent - joined} more than needed`,
    `  accepted       ${joinRequests.delivered} by the network`,
    ...balanceLines(joinRequests),
    `  join-accepts   ${list(joinAccepts)}; not sent: ${list(joinAcceptsFailed)}; sent and missed by the device: ${missed}`,
  ];
}

function airTimeLines({ airTime }: DaysResult): string[] {
  return airTime.map((use) => {
    const range = `${mhz(use.minFrequencyHz)}–${mhz(use.maxFrequencyHz)} MHz`;
    const gateway = `gateway ${percent(use.gateway)}, busiest hour ${percent(use.gatewayBusiestHour)}`;
    const devices = `devices ${percent(use.devices)} in the mean, busiest hour of one ${percent(use.deviceBusiestHour)}`;
    return `  ${range} (limit ${percent(use.limit)}): ${gateway}; ${devices}`;
  });
}

/** The report of `npm run simulate`; all but its last lines is the same in every run with the same options. */
export function reportLines(options: DaysOptions, result: DaysResult): string[] {
  const { digest, downlinks, recorded, runMs, setUpMs, transmissions, uplinks } = result;
  const seconds = runMs / 1000;
  const speed = Math.round((options.days * 86_400) / seconds);
  return [
    `${options.devices} devices, ${options.days} days, seed ${options.seed}, ${options.planId}`,
    ...joinLines(result, options.devices),
    `uplinks          ${uplinks.delivered} of ${uplinks.sent} delivered (${percent(uplinks.delivered / Math.max(1, uplinks.sent))}), ${result.deliveredTwice} of them twice`,
    ...balanceLines(uplinks),
    `  transmissions  ${transmissions.sent}; repetitions refused: ${list(transmissions.refused)}`,
    `downlinks        ${list(downlinks.data)}; not sent: ${list(downlinks.dataFailed)}; unacknowledged: ${downlinks.unacknowledged}`,
    'duty cycle',
    ...airTimeLines(result),
    `recorder         ${recorded} frames, SHA-256 ${digest.slice(0, 16)}`,
    `set-up           ${(setUpMs / 1000).toFixed(1)} s`,
    `run              ${seconds.toFixed(1)} s: ${speed} times as fast as the clock, ${Math.round(uplinks.delivered / seconds)} uplinks/s`,
  ];
}
