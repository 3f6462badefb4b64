/** What LoRaWAN 1.1 adds to the device's cryptography, again written apart from the network's. */
import {
  type AesKey,
  aesEncryptBlock,
  cmac,
  type DevAddr,
  type DevEui,
  eui64ToLsb,
  type JoinEui,
} from '../lorawan/index.ts';
import { type CountedFrame, counterBlock, cryptWithBlocks } from './device-crypto.ts';

const BLOCK_BYTES = 16;
const MIC_BYTES = 4;

/** The four keys of a session, 16 bytes each. In LoRaWAN 1.0.x the three of the network are one. */
export interface DeviceSessionKeys {
  readonly fNwkSIntKey: Uint8Array;
  readonly sNwkSIntKey: Uint8Array;
  readonly nwkSEncKey: Uint8Array;
  readonly appSKey: Uint8Array;
}

/** What the MIC of an uplink covers besides the frame. */
export interface UplinkPlace {
  readonly dataRateIndex: number;
  readonly channelIndex: number;
}

/** MIC of a data uplink: two bytes under each of the integrity keys. LoRaWAN 1.1 §4.4.1. */
export function uplinkMic11(
  keys: { readonly fNwkSIntKey: AesKey; readonly sNwkSIntKey: AesKey },
  { devAddr, fullFCnt }: { readonly devAddr: DevAddr; readonly fullFCnt: number },
  message: Uint8Array,
  /** Counter of the confirmed downlink that this frame acknowledges; 0 without. */
  confFCnt: number,
  { dataRateIndex, channelIndex }: UplinkPlace,
): Uint8Array {
  const frame = { direction: 'up', devAddr, fullFCnt } as const;
  const mic = (key: AesKey, lead: Uint8Array): Uint8Array =>
    cmac(key, counterBlock(0x49, lead, frame, message.length), message).slice(0, 2);
  const b1 = Uint8Array.of(confFCnt, confFCnt >>> 8, dataRateIndex, channelIndex);
  return Uint8Array.of(
    ...mic(keys.sNwkSIntKey, b1),
    ...mic(keys.fNwkSIntKey, Uint8Array.of(0, 0, 0, 0)),
  );
}

/** MIC of a data downlink. LoRaWAN 1.1 §4.4.2. */
export function downlinkMic11(
  sNwkSIntKey: AesKey,
  { devAddr, fullFCnt }: { readonly devAddr: DevAddr; readonly fullFCnt: number },
  message: Uint8Array,
  /** Counter of the confirmed uplink that the frame acknowledges; 0 without. */
  confFCnt: number,
): Uint8Array {
  const lead = Uint8Array.of(confFCnt, confFCnt >>> 8, 0, 0);
  const frame = { direction: 'down', devAddr, fullFCnt } as const;
  return cmac(sNwkSIntKey, counterBlock(0x49, lead, frame, message.length), message).slice(
    0,
    MIC_BYTES,
  );
}

/**
 * Encrypts or decrypts FOpts (the same operation). LoRaWAN 1.1 §4.3.1.6 with its errata.
 *
 * @param countedByApplication a downlink with FPort above 0, whose counter is AFCntDown
 */
export function cryptFOpts(
  nwkSEncKey: AesKey,
  frame: CountedFrame,
  fOpts: Uint8Array,
  countedByApplication = false,
): Uint8Array {
  const lead = Uint8Array.of(0, 0, 0, countedByApplication ? 2 : 1);
  return cryptWithBlocks(nwkSEncKey, lead, frame, fOpts);
}

/** MIC of a rejoin-request under SNwkSIntKey, or for type 1 under JSIntKey. LoRaWAN 1.1 §6.2.4. */
export function rejoinRequestMic(key: AesKey, message: Uint8Array): Uint8Array {
  return cmac(key, message).slice(0, MIC_BYTES);
}

/** What a join-accept answers: a join-request, or a rejoin-request of that type. */
export type JoinReqType = 0xff | 0 | 1 | 2;

/** MIC of a join-accept with OptNeg; `message` is MHDR to CFList in the clear. LoRaWAN 1.1 §6.2.3. */
export function joinAcceptMic11(
  jsIntKey: AesKey,
  joinReqType: JoinReqType,
  joinEui: JoinEui,
  /** DevNonce, or RJcount of the rejoin-request. */
  nonce: number,
  message: Uint8Array,
): Uint8Array {
  const lead = Uint8Array.of(joinReqType, ...eui64ToLsb(joinEui), nonce, nonce >>> 8);
  return cmac(jsIntKey, lead, message).slice(0, MIC_BYTES);
}

function derive(key: AesKey, purpose: number, ...bytes: readonly number[]): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block[0] = purpose;
  block.set(bytes, 1);
  return aesEncryptBlock(key, block);
}

/** Keys of the device's life for rejoins and join-accepts. LoRaWAN 1.1 §6.1.1.3. */
export function deriveLifetimeKeys(
  nwkKey: AesKey,
  devEui: DevEui,
): { readonly jsIntKey: Uint8Array; readonly jsEncKey: Uint8Array } {
  const eui = eui64ToLsb(devEui);
  return { jsIntKey: derive(nwkKey, 0x06, ...eui), jsEncKey: derive(nwkKey, 0x05, ...eui) };
}

/** Session keys of a join or rejoin with OptNeg. LoRaWAN 1.1 §6.2.5. */
export function deriveDeviceKeys11(
  nwkKey: AesKey,
  appKey: AesKey,
  joinNonce: number,
  joinEui: JoinEui,
  nonce: number,
): DeviceSessionKeys {
  const tail = [
    joinNonce & 0xff,
    (joinNonce >>> 8) & 0xff,
    (joinNonce >>> 16) & 0xff,
    ...eui64ToLsb(joinEui),
    nonce & 0xff,
    (nonce >>> 8) & 0xff,
  ];
  return {
    fNwkSIntKey: derive(nwkKey, 0x01, ...tail),
    appSKey: derive(appKey, 0x02, ...tail),
    sNwkSIntKey: derive(nwkKey, 0x03, ...tail),
    nwkSEncKey: derive(nwkKey, 0x04, ...tail),
  };
}
