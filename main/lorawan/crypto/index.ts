export { type AesKey, aesDecryptBlock, aesEncryptBlock } from './aes.ts';
export { cmac } from './cmac.ts';
export { expandKey } from './expand-key.ts';
export type { UplinkMicCandidate } from './implementation.ts';
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
export { KeyTable } from './key-table.ts';
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
  verifyDownlinkMic10,
  verifyDownlinkMic11,
  verifyJoinRequestMic,
  verifyRejoinRequestMic,
  verifyUplinkMic10,
  verifyUplinkMic11,
  verifyUplinkMics,
} from './mic.ts';
export { openUplinks } from './open-uplinks.ts';
export { cryptFOpts, cryptFrmPayload, type FOptsKind } from './payload.ts';
export { nextPingSlotMs, pingOffset } from './ping-slot.ts';
export { type CryptoReport, selfTestCrypto } from './self-test.ts';
export { UPLINK, UPLINK_RESULT, UPLINK_WORDS, type UplinkBatch } from './uplink-batch.ts';
