export { decodeFrame } from './decode.ts';
export {
  appendMic,
  type DownlinkFields,
  type EncodableDataFrame,
  encodeDataFrame,
  encodeDownlinkMessage,
  encodeJoinRequestMessage,
  encodeRejoinRequestMessage,
  encodeUplinkMessage,
  type JoinRequestFields,
  type RejoinRequestFields,
  type UplinkFields,
} from './encode.ts';
export { uplinkFrameCounter } from './frame-counter.ts';
export {
  type DlSettings,
  decodeJoinAcceptBody,
  encodeJoinAcceptMessage,
  type JoinAcceptFields,
  type OpenedJoinAccept,
  openJoinAccept,
} from './join-accept.ts';
export { type FrameLayoutOptions, frameLayout } from './layout.ts';
export {
  type JoinAcceptProtection,
  openDataFrame,
  type SealOptions,
  type SessionAesKeys,
  sealDownlink,
  sealJoinAccept,
  sealJoinRequest,
  sealUplink,
  type UplinkSealOptions,
} from './seal.ts';
export {
  type DataFrame,
  type DecodedFrame,
  type DownlinkDataFrame,
  type DownlinkFCtrl,
  F_TYPES,
  type FType,
  type InvalidFrame,
  isDataFrame,
  isDownlinkDataFrame,
  isUplinkDataFrame,
  type JoinAcceptFrame,
  type JoinRequestFrame,
  type ProprietaryFrame,
  type RejoinRequestFrame,
  type UplinkDataFrame,
  type UplinkFCtrl,
} from './types.ts';
