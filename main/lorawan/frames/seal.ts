import {
  type AesKey,
  cryptFOpts,
  cryptFrmPayload,
  encryptJoinAccept,
  type JoinReqType,
  micDownlink10,
  micDownlink11,
  micJoinAccept10,
  micJoinAccept11,
  micJoinRequest,
  micUplink10,
  micUplink11,
} from '../crypto/index.ts';
import type { DevAddr, Direction, JoinEui } from '../identifiers.ts';
import {
  appendMic,
  type DownlinkFields,
  encodeDownlinkMessage,
  encodeJoinRequestMessage,
  encodeUplinkMessage,
  type JoinRequestFields,
  type UplinkFields,
} from './encode.ts';
import { encodeJoinAcceptMessage, type JoinAcceptFields } from './join-accept.ts';
import type { DataFrame } from './types.ts';

/** Keys of a session, expanded. In 1.0.x the NwkSKey stands in all three network places. */
export interface SessionAesKeys {
  readonly fNwkSIntKey: AesKey;
  readonly sNwkSIntKey: AesKey;
  readonly nwkSEncKey: AesKey;
  /** Not everyone who handles a session has it. */
  readonly appSKey?: AesKey | undefined;
}

/** How data frames of a session are protected. */
export interface SealOptions {
  readonly keys: SessionAesKeys;
  /** The complete counter; its low 16 bits go on air. */
  readonly fullFCnt: number;
  readonly lorawan11: boolean;
  /** LoRaWAN 1.1: counter of the confirmed frame that is acknowledged. It counts only if the frame carries ACK. */
  readonly confFCnt?: number;
}

/** What the MIC of a LoRaWAN 1.1 uplink covers besides. */
export interface UplinkSealOptions extends SealOptions {
  readonly txDr?: number;
  readonly txCh?: number;
}

/** Relay frames are protected with the network key like MAC commands (TS011). */
const RELAY_F_PORT = 226;

function payloadKey(keys: SessionAesKeys, fPort: number | undefined): AesKey | undefined {
  return fPort === 0 || fPort === RELAY_F_PORT ? keys.nwkSEncKey : keys.appSKey;
}

interface Contents {
  readonly devAddr: DevAddr;
  readonly fPort?: number | undefined;
  readonly fOpts?: Uint8Array | undefined;
  readonly frmPayload?: Uint8Array | undefined;
}

/** Encrypts or decrypts FOpts and FRMPayload; a payload whose key is absent becomes undefined. */
function crypt(
  contents: Contents,
  direction: Direction,
  options: SealOptions,
): { readonly fOpts: Uint8Array; readonly frmPayload: Uint8Array | undefined } {
  const { keys, fullFCnt, lorawan11 } = options;
  const { devAddr, fPort } = contents;
  let fOpts = contents.fOpts ?? new Uint8Array(0);
  if (lorawan11 && fOpts.length > 0) {
    const kind = direction === 'up' ? 'up' : fPort ? 'aFCntDown' : 'nFCntDown';
    fOpts = cryptFOpts(keys.nwkSEncKey, devAddr, kind, fullFCnt, fOpts);
  }
  const bytes = contents.frmPayload ?? new Uint8Array(0);
  const key = payloadKey(keys, fPort);
  if (bytes.length === 0) return { fOpts, frmPayload: bytes };
  const frmPayload = key && cryptFrmPayload(key, devAddr, direction, fullFCnt, bytes);
  return { fOpts, frmPayload };
}

function sealedContents(
  fields: Contents,
  direction: Direction,
  options: SealOptions,
): { readonly fOpts: Uint8Array; readonly frmPayload: Uint8Array; readonly fCnt: number } {
  const { fOpts, frmPayload } = crypt(fields, direction, options);
  if (frmPayload === undefined) throw new RangeError('an application payload needs the AppSKey');
  return { fOpts, frmPayload, fCnt: options.fullFCnt & 0xffff };
}

/** Encrypts and signs a data uplink: what a device does. */
export function sealUplink(
  fields: Omit<UplinkFields, 'fCnt'>,
  options: UplinkSealOptions,
): Uint8Array {
  const message = encodeUplinkMessage({ ...fields, ...sealedContents(fields, 'up', options) });
  const { keys, fullFCnt, txDr = 0, txCh = 0 } = options;
  const confFCnt = fields.fCtrl?.ack ? (options.confFCnt ?? 0) : 0;
  const mic = options.lorawan11
    ? micUplink11({ ...keys, confFCnt, txDr, txCh }, fullFCnt, message)
    : micUplink10(keys.fNwkSIntKey, fullFCnt, message);
  return appendMic(message, mic);
}

/** Encrypts and signs a data downlink: what a network does. */
export function sealDownlink(
  fields: Omit<DownlinkFields, 'fCnt'>,
  options: SealOptions,
): Uint8Array {
  const message = encodeDownlinkMessage({ ...fields, ...sealedContents(fields, 'down', options) });
  const { keys, fullFCnt } = options;
  const confFCnt = fields.fCtrl?.ack ? (options.confFCnt ?? 0) : 0;
  const mic = options.lorawan11
    ? micDownlink11(keys.sNwkSIntKey, confFCnt, fullFCnt, message)
    : micDownlink10(keys.sNwkSIntKey, fullFCnt, message);
  return appendMic(message, mic);
}

/** Decrypts a data frame; the MIC is not looked at. `frmPayload` is undefined when its key is not there. */
export function openDataFrame(
  frame: DataFrame,
  options: Omit<SealOptions, 'confFCnt'>,
): { readonly fOpts: Uint8Array; readonly frmPayload: Uint8Array | undefined } {
  return crypt(frame, frame.direction, options);
}

/** Signs a join-request with the network root key. */
export function sealJoinRequest(fields: JoinRequestFields, rootKey: AesKey): Uint8Array {
  const message = encodeJoinRequestMessage(fields);
  return appendMic(message, micJoinRequest(rootKey, message));
}

/** Keys that protect a join-accept. `lorawan11` is present for devices of LoRaWAN 1.1. */
export interface JoinAcceptProtection {
  /** NwkKey or AppKey; JSEncKey for the answer to a rejoin-request. */
  readonly encryptionKey: AesKey;
  /** The root key in 1.0.x, JSIntKey in 1.1. */
  readonly integrityKey: AesKey;
  readonly lorawan11?: {
    readonly joinReqType: JoinReqType;
    readonly joinEui: JoinEui;
    /** DevNonce, or RJcount of the rejoin-request. */
    readonly devNonce: number;
  };
}

/** Signs and encrypts a join-accept. */
export function sealJoinAccept(
  fields: JoinAcceptFields,
  protection: JoinAcceptProtection,
): Uint8Array {
  const { encryptionKey, integrityKey, lorawan11 } = protection;
  const message = encodeJoinAcceptMessage(fields);
  const mic = lorawan11
    ? micJoinAccept11(
        integrityKey,
        lorawan11.joinReqType,
        lorawan11.joinEui,
        lorawan11.devNonce,
        message,
      )
    : micJoinAccept10(integrityKey, message);
  const plain = appendMic(message, mic);
  plain.set(encryptJoinAccept(encryptionKey, plain.slice(1)), 1);
  return plain;
}
