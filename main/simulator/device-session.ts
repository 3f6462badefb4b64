import { type AesKey, type DevAddr, expandKey, type NetId } from '../lorawan/index.ts';
import type { DeviceSessionKeys } from './device-crypto.ts';

/** What the keys of a joined session follow from, besides the AppKey. */
export interface JoinNonces {
  readonly joinNonce: number;
  readonly netId: NetId;
  readonly devNonce: number;
}

/** An active session. Counters are full 32-bit values. */
export interface DeviceSession {
  readonly devAddr: DevAddr;
  /** Absent when activated by personalization. */
  readonly join: JoinNonces | undefined;
  readonly nwkSKey: AesKey;
  readonly appSKey: AesKey;
  /** Counter of the next uplink. */
  nextFCntUp: number;
  /** Counter of the last downlink that was accepted. */
  lastFCntDown: number | undefined;
  /** Uplinks since the last downlink (ADR_ACK_CNT). */
  adrAckCount: number;
}

/** Begins a session with counters at 0. */
export function createSession(
  devAddr: DevAddr,
  keys: DeviceSessionKeys,
  join?: JoinNonces,
): DeviceSession {
  return {
    devAddr,
    join,
    nwkSKey: expandKey(keys.nwkSKey),
    appSKey: expandKey(keys.appSKey),
    nextFCntUp: 0,
    lastFCntDown: undefined,
    adrAckCount: 0,
  };
}

const MAX_F_CNT_GAP = 16_384;

/**
 * Full counter of a downlink from its low 16 bits, or undefined when it repeats the last one or jumps further than
 * MAX_FCNT_GAP. TS001-1.0.3 §4.3.1.5.
 */
export function fullDownlinkCounter(last: number | undefined, fCnt16: number): number | undefined {
  const previous = last ?? -1;
  const step = (fCnt16 - previous) & 0xffff;
  return step === 0 || step > MAX_F_CNT_GAP ? undefined : previous + step;
}
