import type { AesKey } from '../crypto/index.ts';
import { decryptJoinAccept, MIC_BYTES } from '../crypto/index.ts';
import {
  type DevAddr,
  devAddrFromLsb,
  devAddrToLsb,
  type NetId,
  netIdFromLsb,
  netIdToLsb,
} from '../identifiers.ts';

const BODY_BYTES = 13;
const CF_LIST_BYTES = 16;

/** Radio parameters a join-accept sets. */
export interface DlSettings {
  readonly rx1DrOffset: number;
  readonly rx2Dr: number;
  /** LoRaWAN 1.1 is used; false means 1.0.x. */
  readonly optNeg: boolean;
}

/** Content of a join-accept (TS001-1.0.4 §6.2.3). */
export interface JoinAcceptFields {
  readonly joinNonce: number;
  readonly netId: NetId;
  readonly devAddr: DevAddr;
  readonly dlSettings: DlSettings;
  /** RX1 delay in seconds; 0 means 1. */
  readonly rxDelay: number;
  /** 16 bytes. */
  readonly cfList?: Uint8Array | undefined;
}

/** A join-accept in the clear without MIC. */
export function encodeJoinAcceptMessage(fields: JoinAcceptFields): Uint8Array {
  const { joinNonce, netId, devAddr, dlSettings, rxDelay, cfList } = fields;
  if (cfList && cfList.length !== CF_LIST_BYTES) {
    throw new RangeError(`a CFList has 16 bytes, not ${cfList.length}`);
  }
  return Uint8Array.of(
    0x20,
    joinNonce,
    joinNonce >>> 8,
    joinNonce >>> 16,
    ...netIdToLsb(netId),
    ...devAddrToLsb(devAddr),
    (dlSettings.optNeg ? 0x80 : 0) |
      ((dlSettings.rx1DrOffset & 0x07) << 4) |
      (dlSettings.rx2Dr & 0x0f),
    rxDelay,
    ...(cfList ?? []),
  );
}

/** A join-accept read in the clear, and the bytes its MIC covers. */
export interface OpenedJoinAccept extends JoinAcceptFields {
  /** MHDR to CFList. */
  readonly message: Uint8Array;
  readonly mic: Uint8Array;
}

/**
 * Reads a join-accept in the clear, MHDR and MIC included.
 *
 * @returns undefined if it has neither 17 nor 33 bytes
 */
export function decodeJoinAcceptBody(plain: Uint8Array): OpenedJoinAccept | undefined {
  const micStart = plain.length - MIC_BYTES;
  if (micStart !== BODY_BYTES && micStart !== BODY_BYTES + CF_LIST_BYTES) return undefined;
  const settings = plain[11]!;
  return {
    joinNonce: plain[1]! | (plain[2]! << 8) | (plain[3]! << 16),
    netId: netIdFromLsb(plain, 4),
    devAddr: devAddrFromLsb(plain, 7),
    dlSettings: {
      rx1DrOffset: (settings >> 4) & 0x07,
      rx2Dr: settings & 0x0f,
      optNeg: (settings & 0x80) !== 0,
    },
    rxDelay: plain[12]! & 0x0f,
    cfList: micStart > BODY_BYTES ? plain.subarray(BODY_BYTES, micStart) : undefined,
    message: plain.subarray(0, micStart),
    mic: plain.subarray(micStart),
  };
}

/**
 * Decrypts and reads a join-accept as on air. Whether the key was right shows its MIC only.
 *
 * @param key NwkKey or AppKey; JSEncKey for the answer to a rejoin-request
 */
export function openJoinAccept(phyPayload: Uint8Array, key: AesKey): OpenedJoinAccept | undefined {
  if (phyPayload.length !== 17 && phyPayload.length !== 33) return undefined;
  const plain = new Uint8Array(phyPayload.length);
  plain[0] = phyPayload[0]!;
  plain.set(decryptJoinAccept(key, phyPayload.subarray(1)), 1);
  return decodeJoinAcceptBody(plain);
}
