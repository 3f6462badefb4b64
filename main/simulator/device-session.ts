import { type AesKey, type DevAddr, expandKey, type NetId } from '../lorawan/index.ts';
import type { SessionKeys10 } from './device-crypto.ts';
import type { DeviceSessionKeys } from './device-crypto-11.ts';
import type { DeviceMacVersion } from './device-radio-settings.ts';

export type RejoinType = 0 | 1 | 2;

/** What the keys of a joined session follow from, besides the root keys. */
export interface JoinNonces {
  readonly joinNonce: number;
  readonly netId: NetId;
  /** DevNonce, or RJcount of the rejoin-request. */
  readonly devNonce: number;
  /** The network speaks LoRaWAN 1.1 in this session. */
  readonly optNeg?: boolean;
}

/** What a device of LoRaWAN 1.1 says in every uplink until the network confirms it. LoRaWAN 1.1 §5.1 and §5.10. */
export type Indication = 'rekey' | 'reset';

/** An active session. Counters are full 32-bit values. */
export interface DeviceSession {
  readonly devAddr: DevAddr;
  /** Absent when activated by personalization. */
  readonly join: JoinNonces | undefined;
  /** Minor version that device and network speak in it. */
  readonly minor: 0 | 1;
  readonly fNwkSIntKey: AesKey;
  readonly sNwkSIntKey: AesKey;
  readonly nwkSEncKey: AesKey;
  readonly appSKey: AesKey;
  /** Counter of the next uplink. */
  nextFCntUp: number;
  /** Counter of the last downlink that was accepted; in LoRaWAN 1.1 of those the network counts (NFCntDown). */
  lastFCntDown: number | undefined;
  /** Counter of the last downlink with FPort above 0 (AFCntDown); LoRaWAN 1.1 only. */
  lastAFCntDown: number | undefined;
  /** Uplinks since the last downlink (ADR_ACK_CNT). */
  adrAckCount: number;
  indication: Indication | undefined;
  /** A device of class C still has to tell a network of LoRaWAN 1.1 so. */
  modeDue: boolean;
  /** RJcount0 of the next rejoin-request of type 0 or 2. */
  nextRjCount0: number;
}

/** The keys of LoRaWAN 1.0.x, where one key of the network serves for three. */
export function keysOf10({ nwkSKey, appSKey }: SessionKeys10): DeviceSessionKeys {
  return { fNwkSIntKey: nwkSKey, sNwkSIntKey: nwkSKey, nwkSEncKey: nwkSKey, appSKey };
}

/** Begins a session with counters at 0. */
export function createSession(
  devAddr: DevAddr,
  keys: DeviceSessionKeys,
  minor: 0 | 1,
  join?: JoinNonces,
): DeviceSession {
  return {
    devAddr,
    join,
    minor,
    fNwkSIntKey: expandKey(keys.fNwkSIntKey),
    sNwkSIntKey: expandKey(keys.sNwkSIntKey),
    nwkSEncKey: expandKey(keys.nwkSEncKey),
    appSKey: expandKey(keys.appSKey),
    nextFCntUp: 0,
    lastFCntDown: undefined,
    lastAFCntDown: undefined,
    adrAckCount: 0,
    indication: minor === 0 ? undefined : join ? 'rekey' : 'reset',
    modeDue: false,
    nextRjCount0: 0,
  };
}

const MAX_F_CNT_GAP = 16_384;

/** Versions whose devices refuse a jump of the downlink counter; later ones leave it to the MIC. */
function limitsGap(version: DeviceMacVersion): boolean {
  return version === '1.0.2' || version === '1.0.3';
}

/**
 * Full counter of a downlink from its low 16 bits, or undefined when it repeats the last one or, before 1.0.4, jumps
 * further than MAX_FCNT_GAP. TS001-1.0.3 §4.3.1.5, TS001-1.0.4 §4.3.1.5.
 */
export function fullDownlinkCounter(
  last: number | undefined,
  fCnt16: number,
  version: DeviceMacVersion,
): number | undefined {
  const previous = last ?? -1;
  const step = (fCnt16 - previous) & 0xffff;
  if (step === 0 || (limitsGap(version) && step > MAX_F_CNT_GAP)) return undefined;
  return previous + step;
}
