import { appendMic, encodeUplinkMessage } from '../lorawan/index.ts';
import { cryptPayload, dataFrameMic } from './device-crypto.ts';
import { cryptFOpts, type UplinkPlace, uplinkMic11 } from './device-crypto-11.ts';
import type { UplinkFault } from './device-faults.ts';
import type { PendingAnswer } from './device-mac-radio.ts';
import type { DeviceSession } from './device-session.ts';

/** An application payload to send. */
export interface UplinkRequest {
  readonly fPort: number;
  readonly payload: Uint8Array;
  readonly confirmed?: boolean;
  readonly fault?: UplinkFault;
}

/** An uplink on demand; FPort and payload left out are the device's own. */
export type UplinkOrder = Partial<Pick<UplinkRequest, 'fPort' | 'payload'>> &
  Omit<UplinkRequest, 'fPort' | 'payload'>;

export interface UplinkParts {
  readonly request: UplinkRequest | undefined;
  readonly answers: readonly PendingAnswer[];
  /** Counter of the confirmed downlink that it acknowledges. */
  readonly acknowledges: number | undefined;
  readonly adr: boolean;
  readonly adrAckReq: boolean;
}

/** A frame complete but for its MIC, which in LoRaWAN 1.1 depends on where it is sent. */
export type SignableFrame = (place: UplinkPlace) => Uint8Array;

/** FHDR without FOpts. */
const FHDR_BYTES = 7;
const F_PORT_BYTES = 1;
const F_OPTS_MAX_BYTES = 15;

/** Longest application payload under a limit M for FHDR + FPort + FRMPayload. */
export function maxApplicationPayload(maxMacPayloadBytes: number): number {
  return maxMacPayloadBytes - FHDR_BYTES - F_PORT_BYTES;
}

/** The leading answers that FOpts and the data rate's limit can carry. */
export function fittingAnswers(
  answers: readonly PendingAnswer[],
  maxMacPayloadBytes: number,
): readonly PendingAnswer[] {
  const limit = Math.min(F_OPTS_MAX_BYTES, maxMacPayloadBytes - FHDR_BYTES);
  let used = 0;
  const end = answers.findIndex((answer) => {
    used += answer.bytes.length;
    return used > limit;
  });
  return end < 0 ? answers : answers.slice(0, end);
}

/** Whether the payload fits beside the answers. */
export function fitsTogether(
  request: UplinkRequest,
  answers: readonly PendingAnswer[],
  maxMacPayloadBytes: number,
): boolean {
  const fOptsBytes = answers.reduce((sum, answer) => sum + answer.bytes.length, 0);
  return FHDR_BYTES + fOptsBytes + F_PORT_BYTES + request.payload.length <= maxMacPayloadBytes;
}

function fOptsOf(session: DeviceSession, { answers, request }: UplinkParts): Uint8Array {
  const stray = request?.fault?.kind === 'unknown_mac_command' ? [request.fault.cid] : [];
  const commands = Uint8Array.from([...answers.flatMap(({ bytes }) => [...bytes]), ...stray]);
  const plain = commands.subarray(0, F_OPTS_MAX_BYTES);
  if (session.minor === 0) return plain;
  const { devAddr, nextFCntUp, nwkSEncKey } = session;
  return cryptFOpts(nwkSEncKey, { direction: 'up', devAddr, fullFCnt: nextFCntUp }, plain);
}

/** Encrypts a data uplink with the session's next counter. Does not change the session. */
export function buildUplink(session: DeviceSession, parts: UplinkParts): SignableFrame {
  const { acknowledges, adr, adrAckReq, request } = parts;
  const { appSKey, devAddr, fNwkSIntKey, minor, nextFCntUp: fullFCnt, nwkSEncKey } = session;
  const message = encodeUplinkMessage({
    confirmed: request?.confirmed ?? false,
    devAddr,
    fCtrl: { adr, adrAckReq, ack: acknowledges !== undefined },
    fCnt: fullFCnt,
    fOpts: fOptsOf(session, parts),
    ...(request && {
      fPort: request.fPort,
      frmPayload: cryptPayload(
        request.fPort === 0 ? nwkSEncKey : appSKey,
        'up',
        devAddr,
        fullFCnt,
        request.payload,
      ),
    }),
  });
  return (place) => {
    const mic =
      minor === 0
        ? dataFrameMic(fNwkSIntKey, 'up', devAddr, fullFCnt, message)
        : uplinkMic11(session, { devAddr, fullFCnt }, message, acknowledges ?? 0, place);
    if (request?.fault?.kind === 'bad_mic') mic[0] = (mic[0] ?? 0) ^ 0xff;
    return appendMic(message, mic);
  };
}
