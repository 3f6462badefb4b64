import { type DownlinkDataFrame, decodeFrame, isDownlinkDataFrame } from '../lorawan/index.ts';
import { cryptPayload, dataFrameMic, sameBytes } from './device-crypto.ts';
import { type DeviceSession, fullDownlinkCounter } from './device-session.ts';

/** A downlink that belongs to the session, in the clear. */
export interface OpenedDownlink {
  readonly fullFCnt: number;
  readonly confirmed: boolean;
  readonly ack: boolean;
  readonly fPending: boolean;
  /** From FOpts or from FPort 0. */
  readonly macCommands: Uint8Array;
  readonly application: { readonly fPort: number; readonly payload: Uint8Array } | undefined;
}

/** Why a frame was not taken, in words; `forUs` tells a wrong frame from one for another device. */
export interface RefusedDownlink {
  readonly forUs: boolean;
  readonly reason: string;
}

const MIC_BYTES = 4;

function refusal(reason: string, forUs = true): RefusedDownlink {
  return { forUs, reason };
}

function open(session: DeviceSession, frame: DownlinkDataFrame, fullFCnt: number): OpenedDownlink {
  const payload = cryptPayload(
    frame.fPort === 0 ? session.nwkSKey : session.appSKey,
    'down',
    session.devAddr,
    fullFCnt,
    frame.frmPayload,
  );
  return {
    fullFCnt,
    confirmed: frame.fType === 'CONFIRMED_DOWN',
    ack: frame.fCtrl.ack,
    fPending: frame.fCtrl.fPending,
    macCommands: frame.fPort === 0 ? payload : frame.fOpts,
    application:
      frame.fPort === undefined || frame.fPort === 0 ? undefined : { fPort: frame.fPort, payload },
  };
}

/** Checks address, counter and MIC of a received frame and decrypts it. */
export function openDownlink(
  session: DeviceSession,
  phyPayload: Uint8Array,
): OpenedDownlink | RefusedDownlink {
  const frame = decodeFrame(phyPayload);
  if (!isDownlinkDataFrame(frame))
    return refusal('A frame that is no data downlink was heard.', false);
  if (frame.devAddr !== session.devAddr)
    return refusal(`A downlink for DevAddr ${frame.devAddr} was heard.`, false);
  const fullFCnt = fullDownlinkCounter(session.lastFCntDown, frame.fCnt);
  if (fullFCnt === undefined)
    return refusal(
      `The downlink's FCnt ${frame.fCnt} does not follow ${session.lastFCntDown ?? 'the start of the session'}.`,
    );
  const message = phyPayload.subarray(0, phyPayload.length - MIC_BYTES);
  const expected = dataFrameMic(session.nwkSKey, 'down', session.devAddr, fullFCnt, message);
  if (!sameBytes(expected, frame.mic))
    return refusal(`The downlink with FCnt ${frame.fCnt} has a wrong MIC.`);
  if (frame.fPort === 0 && frame.fOpts.length > 0)
    return refusal('The downlink carries MAC commands in FOpts and in FPort 0 at once.');
  return open(session, frame, fullFCnt);
}
