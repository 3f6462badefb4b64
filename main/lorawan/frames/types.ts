import type { DevAddr, DevEui, JoinEui, NetId } from '../identifiers.ts';
import type { Issue } from '../issue.ts';

/** Frame types by the number in the upper three bits of MHDR (TS001-1.0.4 §4.2.1). */
export const F_TYPES = [
  'JOIN_REQUEST',
  'JOIN_ACCEPT',
  'UNCONFIRMED_UP',
  'UNCONFIRMED_DOWN',
  'CONFIRMED_UP',
  'CONFIRMED_DOWN',
  'REJOIN_REQUEST',
  'PROPRIETARY',
] as const;

/** Type of a frame. */
export type FType = (typeof F_TYPES)[number];

interface FrameBase {
  /** The bytes the frame was decoded from; not copied. */
  readonly phyPayload: Uint8Array;
  /** Two bits of MHDR; 0 is LoRaWAN R1. */
  readonly major: number;
  readonly issues: readonly Issue[];
}

/** FCtrl of an uplink. */
export interface UplinkFCtrl {
  readonly adr: boolean;
  readonly adrAckReq: boolean;
  readonly ack: boolean;
  readonly classB: boolean;
}

/** FCtrl of a downlink. */
export interface DownlinkFCtrl {
  readonly adr: boolean;
  readonly ack: boolean;
  readonly fPending: boolean;
}

interface DataFrameBase extends FrameBase {
  readonly devAddr: DevAddr;
  /** The 16 bits on air. */
  readonly fCnt: number;
  /** As on air: encrypted in LoRaWAN 1.1. */
  readonly fOpts: Uint8Array;
  /** Absent when the frame ends behind FOpts. */
  readonly fPort: number | undefined;
  /** As on air: encrypted. */
  readonly frmPayload: Uint8Array;
  /** Four bytes in the order of transmission. */
  readonly mic: Uint8Array;
}

/** Data frame from a device. */
export interface UplinkDataFrame extends DataFrameBase {
  readonly fType: 'UNCONFIRMED_UP' | 'CONFIRMED_UP';
  readonly direction: 'up';
  readonly fCtrl: UplinkFCtrl;
}

/** Data frame to a device. */
export interface DownlinkDataFrame extends DataFrameBase {
  readonly fType: 'UNCONFIRMED_DOWN' | 'CONFIRMED_DOWN';
  readonly direction: 'down';
  readonly fCtrl: DownlinkFCtrl;
}

/** Data frame of either direction. */
export type DataFrame = UplinkDataFrame | DownlinkDataFrame;

/** Request of a device to join (TS001-1.0.4 §6.2.2). */
export interface JoinRequestFrame extends FrameBase {
  readonly fType: 'JOIN_REQUEST';
  readonly joinEui: JoinEui;
  readonly devEui: DevEui;
  readonly devNonce: number;
  readonly mic: Uint8Array;
}

/** Answer to a join- or rejoin-request. All behind MHDR is encrypted. */
export interface JoinAcceptFrame extends FrameBase {
  readonly fType: 'JOIN_ACCEPT';
  readonly encrypted: Uint8Array;
}

/** Rejoin-request of type 0 or 2 (LoRaWAN 1.1 §6.2.4). */
export interface RejoinRequest02Frame extends FrameBase {
  readonly fType: 'REJOIN_REQUEST';
  readonly rejoinType: 0 | 2;
  readonly netId: NetId;
  readonly devEui: DevEui;
  /** RJcount0. */
  readonly rjCount: number;
  readonly mic: Uint8Array;
}

/** Rejoin-request of type 1 (LoRaWAN 1.1 §6.2.4). */
export interface RejoinRequest1Frame extends FrameBase {
  readonly fType: 'REJOIN_REQUEST';
  readonly rejoinType: 1;
  readonly joinEui: JoinEui;
  readonly devEui: DevEui;
  /** RJcount1. */
  readonly rjCount: number;
  readonly mic: Uint8Array;
}

export type RejoinRequestFrame = RejoinRequest02Frame | RejoinRequest1Frame;

/** A frame whose content only its vendor knows. */
export interface ProprietaryFrame extends FrameBase {
  readonly fType: 'PROPRIETARY';
  /** All bytes behind MHDR. */
  readonly payload: Uint8Array;
}

/** Bytes that are no LoRaWAN frame, or one that was cut short. The issues say why. */
export interface InvalidFrame extends FrameBase {
  readonly fType: 'INVALID';
  /** What MHDR claims; undefined without MHDR. */
  readonly declaredFType: FType | undefined;
}

export type DecodedFrame =
  | UplinkDataFrame
  | DownlinkDataFrame
  | JoinRequestFrame
  | JoinAcceptFrame
  | RejoinRequestFrame
  | ProprietaryFrame
  | InvalidFrame;

export function isUplinkDataFrame(frame: DecodedFrame): frame is UplinkDataFrame {
  return frame.fType === 'UNCONFIRMED_UP' || frame.fType === 'CONFIRMED_UP';
}

export function isDownlinkDataFrame(frame: DecodedFrame): frame is DownlinkDataFrame {
  return frame.fType === 'UNCONFIRMED_DOWN' || frame.fType === 'CONFIRMED_DOWN';
}

export function isDataFrame(frame: DecodedFrame): frame is DataFrame {
  return isUplinkDataFrame(frame) || isDownlinkDataFrame(frame);
}
