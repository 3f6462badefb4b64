import { MIC_BYTES } from '../crypto/index.ts';
import {
  type DevAddr,
  type DevEui,
  devAddrToLsb,
  eui64ToLsb,
  type JoinEui,
  type NetId,
  netIdToLsb,
} from '../identifiers.ts';
import type { DownlinkDataFrame, DownlinkFCtrl, UplinkDataFrame, UplinkFCtrl } from './types.ts';

const MAX_F_OPTS_BYTES = 15;

interface DataFields {
  readonly confirmed: boolean;
  readonly devAddr: DevAddr;
  /** The low 16 bits go on air. */
  readonly fCnt: number;
  /** At most 15 bytes. */
  readonly fOpts?: Uint8Array | undefined;
  readonly fPort?: number | undefined;
  /** Needs `fPort`. */
  readonly frmPayload?: Uint8Array | undefined;
}

/** Content of a data uplink. Bits of FCtrl not given are 0. */
export interface UplinkFields extends DataFields {
  readonly fCtrl?: Partial<UplinkFCtrl>;
}

/** Content of a data downlink. Bits of FCtrl not given are 0. */
export interface DownlinkFields extends DataFields {
  readonly fCtrl?: Partial<DownlinkFCtrl>;
}

function dataMessage(mhdr: number, control: number, fields: DataFields): Uint8Array {
  const fOpts = fields.fOpts ?? new Uint8Array(0);
  const frmPayload = fields.frmPayload ?? new Uint8Array(0);
  if (fOpts.length > MAX_F_OPTS_BYTES) {
    throw new RangeError(`FOpts holds at most ${MAX_F_OPTS_BYTES} bytes, not ${fOpts.length}`);
  }
  if (fields.fPort === undefined && frmPayload.length > 0) {
    throw new RangeError('a FRMPayload needs an FPort');
  }
  return Uint8Array.of(
    mhdr,
    ...devAddrToLsb(fields.devAddr),
    control | fOpts.length,
    fields.fCnt,
    fields.fCnt >>> 8,
    ...fOpts,
    ...(fields.fPort === undefined ? [] : [fields.fPort]),
    ...frmPayload,
  );
}

function uplinkControl(fCtrl: Partial<UplinkFCtrl> = {}): number {
  return (
    (fCtrl.adr ? 0x80 : 0) |
    (fCtrl.adrAckReq ? 0x40 : 0) |
    (fCtrl.ack ? 0x20 : 0) |
    (fCtrl.classB ? 0x10 : 0)
  );
}

function downlinkControl(fCtrl: Partial<DownlinkFCtrl> = {}): number {
  return (fCtrl.adr ? 0x80 : 0) | (fCtrl.ack ? 0x20 : 0) | (fCtrl.fPending ? 0x10 : 0);
}

/** A data uplink without MIC; FOpts and FRMPayload are written as they are. */
export function encodeUplinkMessage(fields: UplinkFields): Uint8Array {
  return dataMessage(fields.confirmed ? 0x80 : 0x40, uplinkControl(fields.fCtrl), fields);
}

/** A data downlink without MIC; FOpts and FRMPayload are written as they are. */
export function encodeDownlinkMessage(fields: DownlinkFields): Uint8Array {
  return dataMessage(fields.confirmed ? 0xa0 : 0x60, downlinkControl(fields.fCtrl), fields);
}

/** The frame that consists of a message and its MIC. */
export function appendMic(message: Uint8Array, mic: Uint8Array): Uint8Array {
  if (mic.length !== MIC_BYTES) throw new RangeError(`a MIC has 4 bytes, not ${mic.length}`);
  const frame = new Uint8Array(message.length + MIC_BYTES);
  frame.set(message);
  frame.set(mic, message.length);
  return frame;
}

type NotEncoded = 'phyPayload' | 'issues' | 'major';

/** What of a data frame determines its bytes. */
export type EncodableDataFrame =
  | Omit<UplinkDataFrame, NotEncoded>
  | Omit<DownlinkDataFrame, NotEncoded>;

/** A data frame as on air: what {@link decodeFrame} reads, written again. */
export function encodeDataFrame(frame: EncodableDataFrame): Uint8Array {
  const { fType, devAddr, fCnt, fOpts, fPort, frmPayload, mic } = frame;
  const fields = { devAddr, fCnt, fOpts, fPort, frmPayload };
  switch (fType) {
    case 'UNCONFIRMED_UP':
    case 'CONFIRMED_UP': {
      const confirmed = fType === 'CONFIRMED_UP';
      return appendMic(encodeUplinkMessage({ ...fields, confirmed, fCtrl: frame.fCtrl }), mic);
    }
    case 'UNCONFIRMED_DOWN':
    case 'CONFIRMED_DOWN': {
      const confirmed = fType === 'CONFIRMED_DOWN';
      return appendMic(encodeDownlinkMessage({ ...fields, confirmed, fCtrl: frame.fCtrl }), mic);
    }
  }
}

/** Content of a join-request. */
export interface JoinRequestFields {
  readonly joinEui: JoinEui;
  readonly devEui: DevEui;
  readonly devNonce: number;
}

/** A join-request without MIC. */
export function encodeJoinRequestMessage(fields: JoinRequestFields): Uint8Array {
  const { joinEui, devEui, devNonce } = fields;
  return Uint8Array.of(
    0x00,
    ...eui64ToLsb(joinEui),
    ...eui64ToLsb(devEui),
    devNonce,
    devNonce >>> 8,
  );
}

/** Content of a rejoin-request. */
export type RejoinRequestFields =
  | {
      readonly rejoinType: 0 | 2;
      readonly netId: NetId;
      readonly devEui: DevEui;
      readonly rjCount: number;
    }
  | {
      readonly rejoinType: 1;
      readonly joinEui: JoinEui;
      readonly devEui: DevEui;
      readonly rjCount: number;
    };

/** A rejoin-request without MIC. */
export function encodeRejoinRequestMessage(fields: RejoinRequestFields): Uint8Array {
  const { rejoinType, devEui, rjCount } = fields;
  const home = rejoinType === 1 ? eui64ToLsb(fields.joinEui) : netIdToLsb(fields.netId);
  return Uint8Array.of(0xc0, rejoinType, ...home, ...eui64ToLsb(devEui), rjCount, rjCount >>> 8);
}
