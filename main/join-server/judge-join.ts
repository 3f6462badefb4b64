import { type EvidenceData, fact } from '../base/causes.ts';
import {
  type AesKey,
  deriveJoinServerKeys,
  deriveSessionKeys10,
  deriveSessionKeys11,
  expandKey,
  type JoinAcceptProtection,
  type SessionKeys11,
  sealJoinAccept,
  verifyJoinRequestMic,
} from '../lorawan/index.ts';
import type { AcceptedJoin, JoinQuestion, RejectedJoin } from '../seams/joining.ts';
import type { JoinDevice, JoinServerOptions } from './join-server.ts';
import { nextJoinState } from './nonces.ts';
import { joinKeys } from './root-keys.ts';
import { newSessionKeyId, SESSION_KEY_LIMIT } from './session-key-id.ts';
import { rejected, requestEvidence } from './unknown-device.ts';

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

/** Judges a join-request of a registered device and derives the keys of its session. Runs inside a unit. */
export function judgeJoin(
  {
    store,
    clock,
    random,
    devNonceLimit,
  }: Pick<JoinServerOptions, 'store' | 'clock' | 'random'> & { readonly devNonceLimit: number },
  request: JoinQuestion,
  device: JoinDevice,
): Omit<AcceptedJoin, 'announce'> | RejectedJoin {
  const { frame, macVersion } = request;
  const before = store.joinState.get(device.row);
  const evidence: EvidenceData[] = requestEvidence(frame);
  if (before.lastDevNonce !== undefined) evidence.push(fact('last_dev_nonce', before.lastDevNonce));
  const roots = joinKeys(device.rootKeys, device.rootKeyId, macVersion);
  if (!roots.ok) return rejected(roots.cause, evidence);
  const isAuthentic = verifyJoinRequestMic(roots.keys.networkRoot, frame.phyPayload);
  evidence.push(fact('mic_matches', isAuthentic));
  if (!isAuthentic) return rejected('mic_mismatch', evidence);
  const { resetsJoinNonces } = device.message;
  const options = { macVersion, resetsJoinNonces, devNonceLimit };
  const next = nextJoinState(before, frame.devNonce, options);
  if (!next.ok) return rejected(next.cause, evidence);
  const { joinNonce } = next;
  const { netId, devAddr, dlSettings, rxDelay, cfList } = request;
  const joinAccept = sealJoinAccept(
    { joinNonce, netId, devAddr, dlSettings, rxDelay, ...(cfList && { cfList }) },
    protection(request, roots.keys.networkRoot),
  );
  const keys = sessionKeys(request, joinNonce, roots.keys);
  const sessionKeyId = newSessionKeyId(clock.now(), random);
  store.joinState.put(device.row, next.state);
  store.sessionKeys.put(device.row, sessionKeyId, keys, SESSION_KEY_LIMIT);
  evidence.push(fact('join_nonce', joinNonce), fact('session_key_id', sessionKeyId));
  return { accepted: true, joinAccept, sessionKeyId, keys, joinNonce, evidence };
}
