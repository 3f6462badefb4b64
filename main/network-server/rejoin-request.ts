import { clone } from '@bufbuild/protobuf';
import {
  MACParametersSchema,
  type MACState,
  MACStateSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import { expandKey, type RejoinRequestFrame, verifyRejoinRequestMic } from '../lorawan/index.ts';
import type { NetworkSession } from '../store/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import { profileOf } from './device-profile.ts';
import { correlationIds } from './events.ts';
import {
  cfListFor,
  type GrantedJoin,
  type JoinOptions,
  joinedState,
  newDevAddr,
  placeOf,
  type RefusedJoin,
  storeGrant,
} from './grant-join.ts';
import { current, desired, setPending } from './mac/index.ts';
import { newMacState } from './new-mac-state.ts';
import type { NetworkDevice, NetworkRegistry } from './ports.ts';
import { storedMacState } from './session-cache.ts';

/** Type 2 renews keys, DevAddr and counters only; the radio parameters stay (LoRaWAN 1.1 §6.2.4.1). */
const KEYS_ONLY = 2;

/**
 * The device a rejoin-request names. Types 0 and 2 leave out the JoinEUI: of several registrations of a DevEUI that one
 * counts whose session made the MIC.
 */
export function deviceOfRejoin(
  { store, registry }: Pick<JoinOptions, 'store'> & { readonly registry: NetworkRegistry },
  frame: RejoinRequestFrame,
): NetworkDevice | undefined {
  if (frame.rejoinType === 1) return registry.networkDeviceByEuis(frame.joinEui, frame.devEui);
  const devices = registry.networkDevicesByDevEui(frame.devEui);
  const fits = ({ row }: NetworkDevice): boolean => {
    const { current: now, pending } = store.networkSessions.byDevice(row);
    return [now, pending].some((session) => session && isMadeBy(session, frame));
  };
  return devices.length > 1 ? (devices.find(fits) ?? devices[0]) : devices[0];
}

function isMadeBy({ keys }: NetworkSession, { phyPayload }: RejoinRequestFrame): boolean {
  return verifyRejoinRequestMic(expandKey(keys.sNwkSIntKey), phyPayload);
}

interface RefusedSession {
  readonly cause: CauseCode;
  readonly evidence: readonly EvidenceData[];
  readonly isDuplicate?: boolean;
}

/** The session that protects a rejoin-request of type 0 or 2: SNwkSIntKey and RJcount0 are its own. */
function sessionOf(
  { store, settings }: JoinOptions,
  device: NetworkDevice,
  frame: RejoinRequestFrame & { readonly rejoinType: 0 | 2 },
): NetworkSession | RefusedSession {
  if (frame.netId !== settings.netId)
    return { cause: 'foreign_net_id', evidence: [fact('net_id', frame.netId)] };
  const { current: now, pending } = store.networkSessions.byDevice(device.row);
  if (!now && !pending) return { cause: 'rejoin_session', evidence: [] };
  const session = [now, pending].find((one) => one && isMadeBy(one, frame));
  if (!session) return { cause: 'mic_mismatch', evidence: [fact('mic_matches', false)] };
  const { lastRjCount0 } = session;
  if (lastRjCount0 !== undefined && frame.rjCount <= lastRjCount0) {
    const evidence = [fact('last_rj_count0', lastRjCount0)];
    return { cause: 'rj_count_too_small', evidence, isDuplicate: true };
  }
  return session;
}

function frameEvidence(frame: RejoinRequestFrame): EvidenceData[] {
  return [fact('rejoin_type', frame.rejoinType), fact('rj_count', frame.rjCount)];
}

/** What the session keeps of its parameters: everything for type 2, nothing for the others. */
function macAfter(
  device: NetworkDevice,
  frame: RejoinRequestFrame,
  session: NetworkSession | undefined,
): MACState {
  const kept = session && frame.rejoinType === KEYS_ONLY ? storedMacState(session) : undefined;
  if (!kept) return newMacState(device.message);
  const mac = clone(MACStateSchema, kept);
  setPending(mac, []);
  delete mac.pendingApplicationDownlink;
  mac.lastAdrChangeFCntUp = 0;
  return mac;
}

/** Judges a rejoin-request of a registered device and stores the new session (LoRaWAN 1.1 §6.2.4). Runs inside a unit. */
export function decideRejoin(
  options: JoinOptions,
  device: NetworkDevice,
  group: UplinkGroup,
): GrantedJoin | RefusedJoin {
  const { store, joinServer, settings } = options;
  const frame = group.frame as RejoinRequestFrame;
  const seen = frameEvidence(frame);
  const profile = profileOf(device.message);
  const refuse = (
    cause: CauseCode,
    evidence: readonly EvidenceData[] = [],
    isDuplicate = false,
  ): RefusedJoin => ({
    ok: false,
    cause,
    evidence: [...seen, ...evidence],
    ...(profile && { profile }),
    ...(isDuplicate && { isDuplicate }),
  });
  if (!profile || !device.joinEui) return refuse('device_configuration');
  if (device.message.lorawanVersion !== MACVersion.MAC_V1_1)
    return refuse('rejoin_not_supported', [fact('lorawan_version', profile.macVersion)]);
  if (!device.message.supportsJoin) return refuse('device_not_otaa');
  const session = frame.rejoinType === 1 ? undefined : sessionOf(options, device, frame);
  if (session && 'cause' in session)
    return refuse(session.cause, session.evidence, session.isDuplicate);
  const mac = macAfter(device, frame, session);
  // Until it has the join-accept, the device uses what it used before.
  const usedMac = (session && storedMacState(session)) ?? mac;
  const place = placeOf(group, profile, usedMac);
  if (typeof place === 'string')
    return refuse(place, [fact('frequency', group.first.uplink.frequencyHz, 'Hz')]);
  const isKept = frame.rejoinType === KEYS_ONLY;
  const granted = isKept ? current(mac) : desired(mac);
  const cfList = isKept ? undefined : cfListFor(profile, mac, place);
  const { current: before } = store.networkSessions.byDevice(device.row);
  const devAddr = newDevAddr(options, before?.devAddr);
  const terms = {
    devAddr,
    netId: settings.netId,
    dlSettings: {
      rx1DrOffset: granted.rx1DataRateOffset,
      rx2Dr: granted.rx2DataRateIndex,
      optNeg: true,
    },
    rxDelay: granted.rx1Delay,
    ...(cfList && { cfList }),
  };
  const asked = { ...terms, band: profile.band, version: device.message.lorawanVersion };
  const ids = correlationIds(group);
  const { joinEui } = device;
  const answer = joinServer.handleRejoin({ ...terms, frame, joinEui, correlationIds: ids });
  if (!answer.accepted)
    return {
      ...refuse(answer.cause, answer.evidence, answer.cause === 'rj_count_too_small'),
      asked,
    };
  if (session) store.networkSessions.updateCounters(session.id, { lastRjCount0: frame.rjCount });
  const result = storeGrant(options, {
    device,
    group,
    profile,
    place,
    devAddr,
    answer,
    asked,
    pendingMac: isKept ? mac : joinedState(mac, profile, cfList),
    parameters: clone(MACParametersSchema, current(usedMac)),
  });
  return { ...result, evidence: [...seen, ...result.evidence] };
}
