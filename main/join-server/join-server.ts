import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import type { Clock } from '../base/clock.ts';
import type { EntityRef, EventBus } from '../events/index.ts';
import {
  type AesKey,
  type DevEui,
  deriveJoinServerKeys,
  deriveSessionKeys10,
  deriveSessionKeys11,
  expandKey,
  type JoinAcceptProtection,
  type JoinEui,
  type JoinRequestFrame,
  reverseEui64,
  type SessionKeys11,
  sealJoinAccept,
  verifyJoinRequestMic,
} from '../lorawan/index.ts';
import type { AcceptedJoin, JoinPort, JoinQuestion, RejectedJoin } from '../seams/joining.ts';
import type { Store } from '../store/index.ts';
import { nextJoinState } from './nonces.ts';
import { joinKeys, type RootKeys } from './root-keys.ts';
import { newSessionKeyId } from './session-key-id.ts';

/** A device as the join registry holds it. */
export interface JoinDevice {
  readonly row: number;
  readonly applicationId: string;
  readonly deviceId: string;
  readonly message: Pick<EndDevice, 'resetsJoinNonces'>;
  readonly rootKeys: RootKeys;
  readonly rootKeyId?: string | undefined;
}

/** What the join server needs of the registry; synchronous. */
export interface JoinRegistry {
  joinDeviceByEuis(joinEui: JoinEui, devEui: DevEui): JoinDevice | undefined;
}

export interface JoinServerOptions {
  readonly store: Pick<Store, 'joinState'>;
  readonly registry: JoinRegistry;
  readonly clock: Clock;
  readonly events: Pick<EventBus, 'publish'>;
  readonly random: (count: number) => Uint8Array;
}

const ZERO_EUI = '0000000000000000';

function rejected(cause: CauseCode, evidence: readonly EvidenceData[]): RejectedJoin {
  return { accepted: false, cause, evidence };
}

function requestEvidence({ joinEui, devEui, devNonce }: JoinRequestFrame): EvidenceData[] {
  return [fact('join_eui', joinEui), fact('dev_eui', devEui), fact('dev_nonce', devNonce)];
}

/** Keys of the new session (TS001-1.0.4 §6.2.3, LoRaWAN 1.1 §6.2.5). */
function sessionKeys(
  request: JoinQuestion,
  joinNonce: number,
  roots: { readonly networkRoot: AesKey; readonly applicationRoot: AesKey },
): SessionKeys11 {
  const { frame, netId, dlSettings } = request;
  const { joinEui, devNonce } = frame;
  if (dlSettings.optNeg) {
    return deriveSessionKeys11(roots.networkRoot, roots.applicationRoot, {
      joinNonce,
      joinEui,
      devNonce,
    });
  }
  const { nwkSKey, appSKey } = deriveSessionKeys10(roots.networkRoot, roots.applicationRoot, {
    joinNonce,
    netId,
    devNonce,
  });
  return { fNwkSIntKey: nwkSKey, sNwkSIntKey: nwkSKey, nwkSEncKey: nwkSKey, appSKey };
}

function protection(request: JoinQuestion, networkRoot: AesKey): JoinAcceptProtection {
  const { joinEui, devEui, devNonce } = request.frame;
  if (request.macVersion !== '1.1.0')
    return { encryptionKey: networkRoot, integrityKey: networkRoot };
  return {
    encryptionKey: networkRoot,
    integrityKey: expandKey(deriveJoinServerKeys(networkRoot, devEui).jsIntKey),
    lorawan11: { joinReqType: 0xff, joinEui, devNonce },
  };
}

/** Creates the join server. */
export function createJoinServer(options: JoinServerOptions): JoinPort {
  const { store, registry, clock, events, random } = options;

  const publish = (
    name: string,
    request: JoinQuestion,
    device: JoinDevice | undefined,
    causeCode?: string,
  ): void => {
    if (!device) return;
    const { joinEui, devEui } = request.frame;
    const { applicationId, deviceId } = device;
    const entity: EntityRef = { kind: 'device', applicationId, deviceId, devEui, joinEui };
    events.publish({
      name,
      identifiers: [entity],
      correlationIds: request.correlationIds,
      ...(causeCode !== undefined && { causeCode }),
    });
  };

  const explainUnknownDevice = (frame: JoinRequestFrame): RejectedJoin => {
    const { joinEui, devEui } = frame;
    const evidence = requestEvidence(frame);
    if (devEui === ZERO_EUI) return rejected('no_dev_eui', evidence);
    const reversedJoin = reverseEui64(joinEui);
    const reversedDev = reverseEui64(devEui);
    if (reversedDev !== devEui) {
      const withDev = [...evidence, fact('registered_dev_eui', reversedDev)];
      if (registry.joinDeviceByEuis(joinEui, reversedDev))
        return rejected('dev_eui_byte_order', withDev);
      if (registry.joinDeviceByEuis(reversedJoin, reversedDev))
        return rejected('dev_eui_byte_order', [
          ...withDev,
          fact('registered_join_eui', reversedJoin),
        ]);
    }
    if (reversedJoin !== joinEui && registry.joinDeviceByEuis(reversedJoin, devEui))
      return rejected('join_eui_byte_order', [
        ...evidence,
        fact('registered_join_eui', reversedJoin),
      ]);
    return rejected('device_not_found', evidence);
  };

  const judge = (request: JoinQuestion, device: JoinDevice): AcceptedJoin | RejectedJoin => {
    const { frame, macVersion } = request;
    const before = store.joinState.get(device.row);
    const evidence: EvidenceData[] = requestEvidence(frame);
    if (before.lastDevNonce !== undefined)
      evidence.push(fact('last_dev_nonce', before.lastDevNonce));
    const roots = joinKeys(device.rootKeys, device.rootKeyId, macVersion);
    const isAuthentic = roots.ok && verifyJoinRequestMic(roots.keys.networkRoot, frame.phyPayload);
    const next = nextJoinState(before, frame.devNonce, {
      macVersion,
      resetsJoinNonces: device.message.resetsJoinNonces,
    });
    if (!roots.ok) return rejected(roots.cause, evidence);
    evidence.push(fact('mic_matches', isAuthentic));
    if (!isAuthentic) return rejected('mic_mismatch', evidence);
    if (!next.ok) return rejected(next.cause, evidence);
    const { joinNonce } = next;
    const joinAccept = sealJoinAccept(
      {
        joinNonce,
        netId: request.netId,
        devAddr: request.devAddr,
        dlSettings: request.dlSettings,
        rxDelay: request.rxDelay,
        ...(request.cfList && { cfList: request.cfList }),
      },
      protection(request, roots.keys.networkRoot),
    );
    const keys = sessionKeys(request, joinNonce, roots.keys);
    const sessionKeyId = newSessionKeyId(clock.now(), random);
    store.joinState.put(device.row, next.state);
    evidence.push(fact('join_nonce', joinNonce), fact('session_key_id', sessionKeyId));
    return { accepted: true, joinAccept, sessionKeyId, keys, joinNonce, evidence };
  };

  return {
    explainUnknownDevice,
    handleJoin(request) {
      const { joinEui, devEui } = request.frame;
      const device = devEui === ZERO_EUI ? undefined : registry.joinDeviceByEuis(joinEui, devEui);
      const answer = device ? judge(request, device) : explainUnknownDevice(request.frame);
      if (answer.accepted) publish('js.join.accept', request, device);
      else publish('js.join.reject', request, device, answer.cause);
      return answer;
    },
  };
}
