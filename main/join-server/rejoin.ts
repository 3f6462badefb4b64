import { type CauseCode, type EvidenceData, fact } from '../base/causes.ts';
import {
  deriveJoinServerKeys,
  deriveSessionKeys11,
  expandKey,
  sealJoinAccept,
  verifyRejoinRequestMic,
} from '../lorawan/index.ts';
import type { AcceptedJoin, RejectedJoin, RejoinQuestion } from '../seams/joining.ts';
import type { JoinDevice, JoinServerOptions } from './join-server.ts';
import { nextRejoinState } from './nonces.ts';
import { joinKeys } from './root-keys.ts';
import { newSessionKeyId, SESSION_KEY_LIMIT } from './session-key-id.ts';

/**
 * Judges a rejoin-request (LoRaWAN 1.1 §6.2.4). The join-accept is encrypted with JSEncKey, its MIC names the rejoin type,
 * and RJcount stands where a join has its DevNonce, also in the derivation of the keys. Runs inside a unit.
 */
export function judgeRejoin(
  { store, clock, random }: Pick<JoinServerOptions, 'store' | 'clock' | 'random'>,
  question: RejoinQuestion,
  device: JoinDevice,
): Omit<AcceptedJoin, 'announce'> | RejectedJoin {
  const { frame, joinEui } = question;
  const { devEui, rejoinType, rjCount } = frame;
  const evidence: EvidenceData[] = [fact('join_eui', joinEui), fact('dev_eui', devEui)];
  const reject = (cause: CauseCode): RejectedJoin => ({ accepted: false, cause, evidence });
  const roots = joinKeys(device.rootKeys, device.rootKeyId, '1.1.0');
  if (!roots.ok) return reject(roots.cause);
  const { networkRoot, applicationRoot } = roots.keys;
  const { jsIntKey, jsEncKey } = deriveJoinServerKeys(networkRoot, devEui);
  const integrityKey = expandKey(jsIntKey);
  if (rejoinType === 1) {
    const isAuthentic = verifyRejoinRequestMic(integrityKey, frame.phyPayload);
    evidence.push(fact('mic_matches', isAuthentic));
    if (!isAuthentic) return reject('mic_mismatch');
  }
  const before = store.joinState.get(device.row);
  if (rejoinType === 1 && before.lastRjCount1 !== undefined)
    evidence.push(fact('last_rj_count1', before.lastRjCount1));
  const next = nextRejoinState(before, frame, device.message);
  if (!next.ok) return reject(next.cause);
  const { joinNonce } = next;
  const { netId, devAddr, dlSettings, rxDelay, cfList } = question;
  const joinAccept = sealJoinAccept(
    { joinNonce, netId, devAddr, dlSettings, rxDelay, ...(cfList && { cfList }) },
    {
      encryptionKey: expandKey(jsEncKey),
      integrityKey,
      lorawan11: { joinReqType: rejoinType, joinEui, devNonce: rjCount },
    },
  );
  const keys = deriveSessionKeys11(networkRoot, applicationRoot, {
    joinNonce,
    joinEui,
    devNonce: rjCount,
  });
  const sessionKeyId = newSessionKeyId(clock.now(), random);
  store.joinState.put(device.row, next.state);
  store.sessionKeys.put(device.row, sessionKeyId, keys, SESSION_KEY_LIMIT);
  evidence.push(fact('join_nonce', joinNonce), fact('session_key_id', sessionKeyId));
  return { accepted: true, joinAccept, sessionKeyId, keys, joinNonce, evidence };
}
