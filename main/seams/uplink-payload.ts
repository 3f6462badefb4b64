import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type MessageSchema,
  MType,
  type RejoinRequestType,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type DecodedFrame,
  devAddrToBytes,
  eui64ToBytes,
  isUplinkDataFrame,
  netIdToBytes,
} from '../lorawan/index.ts';

/** An uplink in the API's form; undefined for frames that are none. */
export function uplinkPayload(
  frame: DecodedFrame,
): MessageInitShape<typeof MessageSchema> | undefined {
  if (isUplinkDataFrame(frame)) {
    const confirmed = frame.fType === 'CONFIRMED_UP';
    return {
      mHdr: { mType: confirmed ? MType.CONFIRMED_UP : MType.UNCONFIRMED_UP },
      mic: frame.mic,
      Payload: {
        case: 'macPayload' as const,
        value: {
          fHdr: {
            devAddr: devAddrToBytes(frame.devAddr),
            fCtrl: {
              adr: frame.fCtrl.adr,
              adrAckReq: frame.fCtrl.adrAckReq,
              ack: frame.fCtrl.ack,
              classB: frame.fCtrl.classB,
            },
            fCnt: frame.fCnt,
            fOpts: frame.fOpts,
          },
          fPort: frame.fPort ?? 0,
          frmPayload: frame.frmPayload,
        },
      },
    };
  }
  if (frame.fType === 'REJOIN_REQUEST') {
    return {
      mHdr: { mType: MType.REJOIN_REQUEST },
      mic: frame.mic,
      Payload: {
        case: 'rejoinRequestPayload' as const,
        value: {
          rejoinType: frame.rejoinType as RejoinRequestType,
          devEui: eui64ToBytes(frame.devEui),
          rejoinCnt: frame.rjCount,
          ...(frame.rejoinType === 1
            ? { joinEui: eui64ToBytes(frame.joinEui) }
            : { netId: netIdToBytes(frame.netId) }),
        },
      },
    };
  }
  if (frame.fType !== 'JOIN_REQUEST') return undefined;
  return {
    mHdr: { mType: MType.JOIN_REQUEST },
    mic: frame.mic,
    Payload: {
      case: 'joinRequestPayload' as const,
      value: {
        joinEui: eui64ToBytes(frame.joinEui),
        devEui: eui64ToBytes(frame.devEui),
        devNonce: Uint8Array.of(frame.devNonce >> 8, frame.devNonce & 0xff),
      },
    },
  };
}
