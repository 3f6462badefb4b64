import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { fact, OUTCOME, STAGE } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { DownlinkScheduler } from '../base/seams.ts';
import type { UplinkGroup } from './deduplication.ts';
import { schedulesDownlinks } from './device-profile.ts';
import { COMMIT_ALLOWANCE_MS } from './downlink-slot.ts';
import type { GrantedJoin } from './grant-join.ts';
import type { NetworkDevice, NetworkStore } from './ports.ts';
import { downlinkPaths } from './receptions.ts';
import type { SessionCache } from './session-cache.ts';
import type { Transmitter } from './transmit.ts';
import { receiveWindows } from './windows.ts';

const HIGHEST_PRIORITY = 6;

export interface JoinAcceptOptions {
  readonly store: NetworkStore;
  readonly sessions: SessionCache;
  readonly clock: Clock;
  readonly scheduler: DownlinkScheduler;
  readonly transmitter: Transmitter;
  readonly logger: Logger;
}

/** The join-accept is on its way: what stays in the MAC state are its terms. */
function noteSent(
  { store, sessions }: JoinAcceptOptions,
  { row }: NetworkDevice,
  { sessionKeyId, devAddr }: GrantedJoin['join'],
): void {
  const { pending } = store.networkSessions.byDevice(row);
  if (!pending || !sameBytes(pending.sessionKeyId, sessionKeyId)) return;
  const mac = fromBinary(MACStateSchema, pending.macState);
  const { queuedJoinAccept } = mac;
  delete mac.queuedJoinAccept;
  if (queuedJoinAccept?.request) mac.pendingJoinRequest = queuedJoinAccept.request;
  store.networkSessions.updateMacState(pending.id, toBinary(MACStateSchema, mac));
  sessions.forget(devAddr);
}

/**
 * Sends a join-accept at 5 s, or 6 s (TS001-1.0.4 §6.2.3), handed over as late as the gateways allow. `onSent` is called when
 * a gateway took it.
 */
export function sendJoinAccept(
  options: JoinAcceptOptions,
  group: UplinkGroup,
  device: NetworkDevice,
  granted: GrantedJoin,
  onSent: () => void,
): void {
  const { clock, scheduler, store, transmitter } = options;
  const { join, joinAccept, parameters, place, profile } = granted;
  const { band, plan } = profile;
  const { devAddr } = join;
  const delayMs = band.joinAcceptDelay1Ms;
  const leadMs = scheduler.leadTimeMs(group.receptions) + COMMIT_ALLOWANCE_MS;
  const startMs = group.first.receivedMonotonicMs + delayMs;
  if (!schedulesDownlinks(device.message.macSettings)) return;
  clock.setTimer(startMs - leadMs - clock.monotonic(), () => {
    const taken = transmitter.send({
      request: {
        phyPayload: joinAccept,
        paths: downlinkPaths(group.receptions),
        windows: receiveWindows(profile, parameters, place, delayMs),
        bandId: band.id,
        phyVersion: band.phyVersion,
        frequencyPlanId: plan.id,
        priority: HIGHEST_PRIORITY,
      },
      group,
      device,
      facts: { device, devAddr, band },
      stages: [
        { kind: STAGE.JOIN, outcome: OUTCOME.ACCEPTED, evidence: [fact('dev_addr', devAddr)] },
      ],
      eventPrefix: 'ns.down.join',
    });
    if (!taken) return;
    onSent();
    // Only told: the session is durable already, and a device that heard the join-accept may use it in any case.
    store
      .unit(() => noteSent(options, device, join))
      .catch((error: unknown) => {
        options.logger.error({ error: errorText(error) }, 'a join-accept was not noted as sent');
      });
  });
}
