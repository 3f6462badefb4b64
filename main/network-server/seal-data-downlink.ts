import {
  appendMic,
  cryptFOpts,
  cryptFrmPayload,
  encodeDownlinkMessage,
  micDownlink10,
  micDownlink11,
} from '../lorawan/index.ts';
import { isLorawan11, type LiveSession } from './session-cache.ts';

/** Contents of a data downlink. MAC commands are in the clear, an application's payload is encrypted already. */
export interface DataDownlink {
  readonly fOpts?: Uint8Array;
  readonly fPort?: number;
  readonly frmPayload?: Uint8Array;
  readonly confirmed: boolean;
  readonly adr: boolean;
  readonly ack: boolean;
  readonly fPending: boolean;
  readonly fullFCnt: number;
  /** Full counter of the uplink that is acknowledged. */
  readonly confFCnt: number;
}

/** Encrypts what is the network's and signs. */
export function sealDataDownlink(session: LiveSession, content: DataDownlink): Uint8Array {
  const { keys, devAddr } = session;
  const { fPort, fullFCnt, ack } = content;
  const lorawan11 = isLorawan11(session);
  const payload = content.frmPayload ?? new Uint8Array();
  const plainOptions = content.fOpts ?? new Uint8Array();
  const counterKind = fPort ? 'aFCntDown' : 'nFCntDown';
  const fOpts =
    lorawan11 && plainOptions.length > 0
      ? cryptFOpts(keys.nwkSEncKey, devAddr, counterKind, fullFCnt, plainOptions)
      : plainOptions;
  const frmPayload =
    fPort === 0 ? cryptFrmPayload(keys.nwkSEncKey, devAddr, 'down', fullFCnt, payload) : payload;
  const message = encodeDownlinkMessage({
    confirmed: content.confirmed,
    devAddr,
    fCtrl: { adr: content.adr, ack, fPending: content.fPending },
    fCnt: fullFCnt % 0x10000,
    fOpts,
    ...(fPort !== undefined && { fPort, frmPayload }),
  });
  const mic = lorawan11
    ? micDownlink11(keys.sNwkSIntKey, ack ? content.confFCnt : 0, fullFCnt, message)
    : micDownlink10(keys.sNwkSIntKey, fullFCnt, message);
  return appendMic(message, mic);
}
