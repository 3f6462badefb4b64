import { fact, OUTCOME, STAGE } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import type { DownlinkScheduler } from '../base/seams.ts';
import type { UplinkGroup } from './deduplication.ts';
import { COMMIT_ALLOWANCE_MS } from './downlink-slot.ts';
import type { GrantedJoin } from './grant-join.ts';
import type { NetworkDevice } from './ports.ts';
import { downlinkPaths } from './receptions.ts';
import type { Transmitter } from './transmit.ts';
import { receiveWindows } from './windows.ts';

const HIGHEST_PRIORITY = 6;

/** Sends a join-accept at 5 s, or 6 s (TS001-1.0.4 §6.2.3), handed over as late as the gateways allow. */
export function sendJoinAccept(
  options: {
    readonly clock: Clock;
    readonly scheduler: DownlinkScheduler;
    readonly transmitter: Transmitter;
  },
  group: UplinkGroup,
  device: NetworkDevice,
  granted: GrantedJoin,
): void {
  const { clock, scheduler, transmitter } = options;
  const { join, joinAccept, parameters, place, profile } = granted;
  const { band, plan } = profile;
  const { devAddr } = join;
  const delayMs = band.joinAcceptDelay1Ms;
  const leadMs = scheduler.leadTimeMs(group.receptions) + COMMIT_ALLOWANCE_MS;
  const startMs = group.first.receivedMonotonicMs + delayMs;
  clock.setTimer(startMs - leadMs - clock.monotonic(), () => {
    transmitter.send({
      request: {
        phyPayload: joinAccept,
        paths: downlinkPaths(group.receptions),
        windows: receiveWindows(profile, parameters, place, delayMs),
        bandId: band.id,
        frequencyPlanId: plan.id,
        priority: HIGHEST_PRIORITY,
      },
      group,
      device,
      facts: { device, devAddr, bandId: band.id },
      stages: [
        { kind: STAGE.JOIN, outcome: OUTCOME.ACCEPTED, evidence: [fact('dev_addr', devAddr)] },
      ],
      eventPrefix: 'ns.down.join',
    });
  });
}
