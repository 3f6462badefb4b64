import { type DownlinkDataFrame, decodeFrame, isDownlinkDataFrame } from '../lorawan/index.ts';
import { cryptPayload, dataFrameMic, sameBytes } from './device-crypto.ts';
import { cryptFOpts, downlinkMic11 } from './device-crypto-11.ts';
import type { DeviceMacVersion } from './device-radio-settings.ts';
import { type DeviceSession, fullDownlinkCounter } from './device-session.ts';

/** A downlink that belongs to the session, in the clear. */
export interface OpenedDownlink {
  readonly fullFCnt: number;
  /** It was counted with AFCntDown. */
  readonly countedByApplication: boolean;
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

/** Whether the frame has a counter of its own for the application. LoRaWAN 1.1 §4.3.1.5. */
function isCountedByApplication({ minor }: DeviceSession, { fPort }: DownlinkDataFrame): boolean {
  return minor === 1 && fPort !== undefined && fPort > 0;
}

function micOf(session: DeviceSession, frame: DownlinkDataFrame, fullFCnt: number): Uint8Array {
  const { devAddr, minor, nextFCntUp, sNwkSIntKey } = session;
  const message = frame.phyPayload.subarray(0, frame.phyPayload.length - MIC_BYTES);
  if (minor === 0) return dataFrameMic(sNwkSIntKey, 'down', devAddr, fullFCnt, message);
  // Only the uplink sent last can be acknowledged.
  const confFCnt = frame.fCtrl.ack ? nextFCntUp - 1 : 0;
  return downlinkMic11(sNwkSIntKey, { devAddr, fullFCnt }, message, confFCnt);
}

function open(session: DeviceSession, frame: DownlinkDataFrame, fullFCnt: number): OpenedDownlink {
  const { appSKey, devAddr, minor, nwkSEncKey } = session;
  const countedByApplication = isCountedByApplication(session, frame);
  const key = frame.fPort === 0 ? nwkSEncKey : appSKey;
  const payload = cryptPayload(key, 'down', devAddr, fullFCnt, frame.frmPayload);
  const counted = { direction: 'down', devAddr, fullFCnt } as const;
  const fOpts =
    minor === 1 ? cryptFOpts(nwkSEncKey, counted, frame.fOpts, countedByApplication) : frame.fOpts;
  return {
    fullFCnt,
    countedByApplication,
    confirmed: frame.fType === 'CONFIRMED_DOWN',
    ack: frame.fCtrl.ack,
    fPending: frame.fCtrl.fPending,
    macCommands: frame.fPort === 0 ? payload : fOpts,
    application:
      frame.fPort === undefined || frame.fPort === 0 ? undefined : { fPort: frame.fPort, payload },
  };
}

/** Checks address, counter and MIC of a received frame and decrypts it. */
export function openDownlink(
  session: DeviceSession,
  phyPayload: Uint8Array,
  version: DeviceMacVersion,
): OpenedDownlink | RefusedDownlink {
  const frame = decodeFrame(phyPayload);
  if (!isDownlinkDataFrame(frame))
    return refusal('A frame that is no data downlink was heard.', false);
  if (frame.devAddr !== session.devAddr)
    return refusal(`A downlink for DevAddr ${frame.devAddr} was heard.`, false);
  const last = isCountedByApplication(session, frame)
    ? session.lastAFCntDown
    : session.lastFCntDown;
  const fullFCnt = fullDownlinkCounter(last, frame.fCnt, version);
  if (fullFCnt === undefined)
    return refusal(
      `The downlink's FCnt ${frame.fCnt} does not follow ${last ?? 'the start of the session'}.`,
    );
  if (!sameBytes(micOf(session, frame, fullFCnt), frame.mic))
    return refusal(`The downlink with FCnt ${frame.fCnt} has a wrong MIC.`);
  if (frame.fPort === 0 && frame.fOpts.length > 0)
    return refusal('The downlink carries MAC commands in FOpts and in FPort 0 at once.');
  return open(session, frame, fullFCnt);
}
