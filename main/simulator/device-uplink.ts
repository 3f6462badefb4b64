import { appendMic, encodeUplinkMessage } from '../lorawan/index.ts';
import { cryptPayload, dataFrameMic } from './device-crypto.ts';
import type { PendingAnswer } from './device-mac-commands.ts';
import type { DeviceSession } from './device-session.ts';

/** A deliberate mistake in the next uplink. */
export type UplinkFault =
  | { readonly kind: 'bad_mic' }
  /** The last frame once more, byte for byte. */
  | { readonly kind: 'replay' }
  /** Leaves out this many counters. */
  | { readonly kind: 'skip_counters'; readonly count: number };

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
  readonly ack: boolean;
  readonly adr: boolean;
  readonly adrAckReq: boolean;
}

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

function concatenated(answers: readonly PendingAnswer[]): Uint8Array {
  return Uint8Array.from(answers.flatMap((answer) => [...answer.bytes]));
}

/** Encrypts and signs a data uplink with the session's next counter. Does not change the session. */
export function buildUplink(session: DeviceSession, parts: UplinkParts): Uint8Array {
  const { request } = parts;
  const fullFCnt = session.nextFCntUp;
  const message = encodeUplinkMessage({
    confirmed: request?.confirmed ?? false,
    devAddr: session.devAddr,
    fCtrl: { adr: parts.adr, adrAckReq: parts.adrAckReq, ack: parts.ack },
    fCnt: fullFCnt,
    fOpts: concatenated(parts.answers),
    ...(request && {
      fPort: request.fPort,
      frmPayload: cryptPayload(
        request.fPort === 0 ? session.nwkSKey : session.appSKey,
        'up',
        session.devAddr,
        fullFCnt,
        request.payload,
      ),
    }),
  });
  const mic = dataFrameMic(session.nwkSKey, 'up', session.devAddr, fullFCnt, message);
  if (request?.fault?.kind === 'bad_mic') mic[0] = (mic[0] ?? 0) ^ 0xff;
  return appendMic(message, mic);
}
