export { type AesKey, aesDecryptBlock, aesEncryptBlock, expandKey } from './aes.ts';
export { cmac } from './cmac.ts';
export {
  decryptJoinAccept,
  deriveJoinServerKeys,
  deriveRootWorSKey,
  deriveSessionKeys10,
  deriveSessionKeys11,
  deriveWorSessionKeys,
  encryptJoinAccept,
  type SessionKeys10,
  type SessionKeys11,
} from './join.ts';
export {
  type JoinReqType,
  MIC_BYTES,
  micDownlink10,
  micDownlink11,
  micJoinAccept10,
  micJoinAccept11,
  micJoinRequest,
  micRejoinRequest,
  micUplink10,
  micUplink11,
  type UplinkMic11Context,
  type UplinkMicCandidate,
  verifyDownlinkMic10,
  verifyDownlinkMic11,
  verifyJoinRequestMic,
  verifyUplinkMic10,
  verifyUplinkMic11,
  verifyUplinkMics,
} from './mic.ts';
export { cryptFOpts, cryptFrmPayload, type FOptsKind } from './payload.ts';
export { nextPingSlotMs, pingOffset } from './ping-slot.ts';
export { selfTestCrypto } from './self-test.ts';
