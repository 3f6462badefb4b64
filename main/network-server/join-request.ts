import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { fact } from '../base/causes.ts';
import type { JoinRequestFrame } from '../lorawan/index.ts';
import type { UplinkGroup } from './deduplication.ts';
import { profileOf } from './device-profile.ts';
import { correlationIds } from './events.ts';
import {
  cfListFor,
  followJoinChannel,
  type GrantedJoin,
  type JoinOptions,
  joinAcceptParameters,
  joinedState,
  newDevAddr,
  placeOf,
  type RefusedJoin,
  storeGrant,
} from './grant-join.ts';
import { desired } from './mac/index.ts';
import { newMacState } from './new-mac-state.ts';
import type { NetworkDevice } from './ports.ts';

/** Judges a join-request of a registered device and stores the new session. Runs inside a unit. */
export function decideJoin(
  options: JoinOptions,
  device: NetworkDevice,
  group: UplinkGroup,
): GrantedJoin | RefusedJoin {
  const { store, joinServer, settings } = options;
  const frame = group.frame as JoinRequestFrame;
  const profile = profileOf(device.message);
  if (!profile) return { ok: false, cause: 'device_configuration', evidence: [] };
  if (!device.message.supportsJoin)
    return { ok: false, cause: 'device_not_otaa', evidence: [], profile };
  const mac = newMacState(device.message);
  const place = placeOf(group, profile, mac);
  if (typeof place === 'string') {
    const evidence = [fact('frequency', group.first.uplink.frequencyHz, 'Hz')];
    return { ok: false, cause: place, evidence, profile };
  }
  const { frequencyHz } = group.first.uplink;
  followJoinChannel(mac, profile, device.message.macSettings, frequencyHz);
  const before = store.networkSessions.byDevice(device.row);
  const devAddr = newDevAddr(options, before.current?.devAddr);
  const wanted = desired(mac);
  const cfList = cfListFor(profile, mac, place);
  const { macVersion, band } = profile;
  const terms = {
    devAddr,
    netId: settings.netId,
    dlSettings: {
      rx1DrOffset: wanted.rx1DataRateOffset,
      rx2Dr: wanted.rx2DataRateIndex,
      optNeg: device.message.lorawanVersion === MACVersion.MAC_V1_1,
    },
    rxDelay: wanted.rx1Delay,
    ...(cfList && { cfList }),
  };
  const asked = { ...terms, band, version: device.message.lorawanVersion };
  const ids = correlationIds(group);
  const answer = joinServer.handleJoin({ ...terms, frame, macVersion, correlationIds: ids });
  if (!answer.accepted)
    return { ok: false, cause: answer.cause, evidence: answer.evidence, profile, asked };
  return storeGrant(options, {
    device,
    group,
    profile,
    place,
    devAddr,
    answer,
    asked,
    pendingMac: joinedState(mac, profile, cfList),
    parameters: joinAcceptParameters(mac, profile, place, frequencyHz),
  });
}
