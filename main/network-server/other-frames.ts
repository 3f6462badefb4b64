import type { CauseCode } from '../base/causes.ts';
import type { DecodedFrame } from '../lorawan/index.ts';

/** MHDR, FHDR and MIC. */
const SHORTEST_FRAME_BYTES = 12;

/** Why a frame of a type that is not served is dropped. */
export function causeOfOtherFrame(frame: DecodedFrame): CauseCode {
  switch (frame.fType) {
    case 'PROPRIETARY':
      return 'proprietary_frame';
    case 'INVALID':
      if (frame.phyPayload.length < SHORTEST_FRAME_BYTES) return 'raw_payload_too_short';
      return frame.major === 0 ? 'raw_payload_invalid' : 'lorawan_major_version';
    default:
      return 'payload_type';
  }
}
