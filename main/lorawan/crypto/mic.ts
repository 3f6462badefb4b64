import { eui64ToLsb, type JoinEui } from '../identifiers.ts';
import { type AesKey, readWord } from './aes.ts';
import { cmac } from './cmac.ts';
import { implementation, type UplinkMicCandidate } from './implementation.ts';
import type { KeyTable } from './key-table.ts';

/** Bytes of a message integrity code. */
export const MIC_BYTES = 4;
/** Smallest message that carries a DevAddr at bytes 1–4. */
const MIN_DATA_MESSAGE_BYTES = 5;

/** What the MIC of a LoRaWAN 1.1 uplink depends on besides the frame (LoRaWAN 1.1 §4.4.1). */
export interface UplinkMic11Context {
  readonly sNwkSIntKey: AesKey;
  readonly fNwkSIntKey: AesKey;
  /** Counter of the confirmed downlink this frame acknowledges; 0 without ACK. */
  readonly confFCnt: number;
  /** Data rate index of the transmission. */
  readonly txDr: number;
  /** Channel index of the transmission. */
  readonly txCh: number;
}

/**
 * MIC word of a data frame over B0 or B1 ‖ message: `49 ‖ lead (4) ‖ Dir ‖ DevAddr ‖ FCnt ‖ 00 ‖ len(message)`. The
 * four lead bytes are 0 for B0 except where LoRaWAN 1.1 puts ConfFCnt, TxDr and TxCh.
 */
function dataMicWord(
  key: AesKey,
  direction: 0 | 1,
  lead: number,
  fullFCnt: number,
  bytes: Uint8Array,
  end: number,
): number {
  if (end < MIN_DATA_MESSAGE_BYTES) throw new RangeError('a data message has at least 5 bytes');
  return implementation().micWord(key, direction, lead, fullFCnt, bytes, end);
}

function bytesOfWord(word: number): Uint8Array {
  return Uint8Array.of(word, word >>> 8, word >>> 16, word >>> 24);
}

function micWordOf(phyPayload: Uint8Array): number {
  return readWord(phyPayload, phyPayload.length - MIC_BYTES);
}

function isLongEnough(phyPayload: Uint8Array): boolean {
  return phyPayload.length >= MIN_DATA_MESSAGE_BYTES + MIC_BYTES;
}

function uplinkWord11(
  context: UplinkMic11Context,
  fullFCnt: number,
  bytes: Uint8Array,
  end: number,
): number {
  const lead =
    (context.confFCnt & 0xffff) | ((context.txDr & 0xff) << 16) | ((context.txCh & 0xff) << 24);
  const serving = dataMicWord(context.sNwkSIntKey, 0, lead, fullFCnt, bytes, end);
  const forwarding = dataMicWord(context.fNwkSIntKey, 0, 0, fullFCnt, bytes, end);
  return (serving & 0xffff) | (forwarding << 16);
}

/** MIC of a 1.0.x data uplink; `message` is MHDR to the end of FRMPayload as on air (TS001-1.0.4 §4.4). */
export function micUplink10(nwkSKey: AesKey, fullFCnt: number, message: Uint8Array): Uint8Array {
  return bytesOfWord(dataMicWord(nwkSKey, 0, 0, fullFCnt, message, message.length));
}

/** MIC of a 1.0.x data downlink (TS001-1.0.4 §4.4). */
export function micDownlink10(nwkSKey: AesKey, fullFCnt: number, message: Uint8Array): Uint8Array {
  return bytesOfWord(dataMicWord(nwkSKey, 1, 0, fullFCnt, message, message.length));
}

/** MIC of a 1.1 data uplink (LoRaWAN 1.1 §4.4.1): two bytes of the serving, then two of the forwarding network. */
export function micUplink11(
  context: UplinkMic11Context,
  fullFCnt: number,
  message: Uint8Array,
): Uint8Array {
  return bytesOfWord(uplinkWord11(context, fullFCnt, message, message.length));
}

/**
 * MIC of a 1.1 data downlink (LoRaWAN 1.1 §4.4.2).
 *
 * @param confFCnt counter of the confirmed uplink this frame acknowledges; 0 without ACK
 */
export function micDownlink11(
  sNwkSIntKey: AesKey,
  confFCnt: number,
  fullFCnt: number,
  message: Uint8Array,
): Uint8Array {
  const lead = confFCnt & 0xffff;
  return bytesOfWord(dataMicWord(sNwkSIntKey, 1, lead, fullFCnt, message, message.length));
}

/** Whether the MIC of a whole 1.0.x data uplink is right. */
export function verifyUplinkMic10(
  nwkSKey: AesKey,
  fullFCnt: number,
  phyPayload: Uint8Array,
): boolean {
  if (!isLongEnough(phyPayload)) return false;
  const end = phyPayload.length - MIC_BYTES;
  return dataMicWord(nwkSKey, 0, 0, fullFCnt, phyPayload, end) === micWordOf(phyPayload);
}

/** Whether both halves of the MIC of a whole 1.1 data uplink are right. */
export function verifyUplinkMic11(
  context: UplinkMic11Context,
  fullFCnt: number,
  phyPayload: Uint8Array,
): boolean {
  if (!isLongEnough(phyPayload)) return false;
  const end = phyPayload.length - MIC_BYTES;
  return uplinkWord11(context, fullFCnt, phyPayload, end) === micWordOf(phyPayload);
}

/** Whether the MIC of a whole 1.0.x data downlink is right. */
export function verifyDownlinkMic10(
  nwkSKey: AesKey,
  fullFCnt: number,
  phyPayload: Uint8Array,
): boolean {
  return verifyDownlinkMic11(nwkSKey, 0, fullFCnt, phyPayload);
}

/** Whether the MIC of a whole 1.1 data downlink is right. */
export function verifyDownlinkMic11(
  sNwkSIntKey: AesKey,
  confFCnt: number,
  fullFCnt: number,
  phyPayload: Uint8Array,
): boolean {
  if (!isLongEnough(phyPayload)) return false;
  const end = phyPayload.length - MIC_BYTES;
  const word = dataMicWord(sNwkSIntKey, 1, confFCnt & 0xffff, fullFCnt, phyPayload, end);
  return word === micWordOf(phyPayload);
}

/**
 * Finds the session whose key made the MIC of an uplink.
 *
 * @param keys the keys that the candidates' rows mean; worth keeping as long as the sessions
 * @param from index of the first candidate to try: a caller that refuses a match goes on behind it
 * @returns index of the first candidate that matches
 */
export function verifyUplinkMics(
  phyPayload: Uint8Array,
  keys: KeyTable,
  candidates: readonly UplinkMicCandidate[],
  from = 0,
): number | undefined {
  if (!isLongEnough(phyPayload)) return undefined;
  const index = implementation().searchMics(keys, candidates, from, phyPayload);
  return index < 0 ? undefined : index;
}

/** MIC of a join-request with the network root key; `message` is its first 19 bytes (TS001-1.0.4 §6.2.2). */
export function micJoinRequest(rootKey: AesKey, message: Uint8Array): Uint8Array {
  return cmac(rootKey, message).slice(0, MIC_BYTES);
}

/** Whether the MIC of a whole join-request is right. */
export function verifyJoinRequestMic(rootKey: AesKey, phyPayload: Uint8Array): boolean {
  if (phyPayload.length <= MIC_BYTES) return false;
  const end = phyPayload.length - MIC_BYTES;
  const mic = micJoinRequest(rootKey, phyPayload.subarray(0, end));
  return mic.every((byte, index) => byte === phyPayload[end + index]);
}

/** MIC of a rejoin-request: SNwkSIntKey for types 0 and 2, JSIntKey for type 1 (LoRaWAN 1.1 §6.2.4). */
export function micRejoinRequest(integrityKey: AesKey, message: Uint8Array): Uint8Array {
  return cmac(integrityKey, message).slice(0, MIC_BYTES);
}

/** Whether a rejoin-request as heard carries the MIC of that key. */
export function verifyRejoinRequestMic(integrityKey: AesKey, phyPayload: Uint8Array): boolean {
  const end = phyPayload.length - MIC_BYTES;
  const mic = micRejoinRequest(integrityKey, phyPayload.subarray(0, end));
  return mic.every((byte, index) => byte === phyPayload[end + index]);
}

/** MIC of a 1.0.x join-accept; `message` is MHDR to CFList in the clear (TS001-1.0.4 §6.2.3). */
export function micJoinAccept10(rootKey: AesKey, message: Uint8Array): Uint8Array {
  return cmac(rootKey, message).slice(0, MIC_BYTES);
}

/** What a join-accept answers: a join-request or a rejoin-request of that type. */
export type JoinReqType = 0xff | 0 | 1 | 2;

/**
 * MIC of a 1.1 join-accept (LoRaWAN 1.1 §6.2.3).
 *
 * @param devNonce DevNonce of the join-request, or RJcount of the rejoin-request
 */
export function micJoinAccept11(
  jsIntKey: AesKey,
  joinReqType: JoinReqType,
  joinEui: JoinEui,
  devNonce: number,
  message: Uint8Array,
): Uint8Array {
  const lead = Uint8Array.of(joinReqType, ...eui64ToLsb(joinEui), devNonce, devNonce >>> 8);
  return cmac(jsIntKey, lead, message).slice(0, MIC_BYTES);
}
