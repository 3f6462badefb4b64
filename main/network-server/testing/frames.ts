/** Frames as a device makes and reads them. All of them come from lora-packet. */
import { create } from '@bufbuild/protobuf';
import LoraPacket from 'lora-packet';
import { ApplicationDownlinkSchema } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { parseHex } from '../../lorawan/index.ts';

export const hex = (text: string): Uint8Array => parseHex(text) ?? new Uint8Array();
const buffer = (text: string): Buffer => Buffer.from(text, 'hex');

export const APP_KEY = '2B7E151628AED2A6ABF7158809CF4F3C';
export const NWK_S_KEY = '44024241ED4CE9A68C6A8BC055233FD3';
export const APP_S_KEY = 'EC925802AE430CA77FD3DD73CB2CC588';
export const DEV_EUI = '0004A30B001C0530';
export const JOIN_EUI = '0000000000000001';
export const ABP_ADDR = '02ABCDEF';

/** A join-request as lora-packet makes it. */
export function joinRequest(
  devNonce: number,
  appKey = APP_KEY,
  euis: { readonly joinEui?: string; readonly devEui?: string } = {},
): Uint8Array {
  const packet = LoraPacket.fromFields(
    {
      MType: 'Join Request',
      AppEUI: buffer(euis.joinEui ?? JOIN_EUI),
      DevEUI: buffer(euis.devEui ?? DEV_EUI),
      DevNonce: buffer(devNonce.toString(16).padStart(4, '0')),
    },
    undefined,
    undefined,
    buffer(appKey),
  );
  return new Uint8Array(packet.getPHYPayload() ?? []);
}

export interface DeviceKeys {
  readonly devAddr: string;
  readonly nwkSKey: string;
  readonly appSKey: string;
}

export const ABP_KEYS: DeviceKeys = { devAddr: ABP_ADDR, nwkSKey: NWK_S_KEY, appSKey: APP_S_KEY };

/** A data uplink as lora-packet makes it. */
export function uplink(
  keys: DeviceKeys,
  fullFCnt: number,
  options: {
    readonly confirmed?: boolean;
    readonly fCtrl?: {
      readonly ADR?: boolean;
      readonly ACK?: boolean;
      readonly ADRACKReq?: boolean;
    };
    readonly fOpts?: string;
    readonly payload?: string;
    readonly fPort?: number;
  } = {},
): Uint8Array {
  const high = Buffer.of((fullFCnt >>> 16) & 0xff, fullFCnt >>> 24);
  const packet = LoraPacket.fromFields(
    {
      MType: options.confirmed ? 'Confirmed Data Up' : 'Unconfirmed Data Up',
      DevAddr: buffer(keys.devAddr),
      FCtrl: { ADR: false, ACK: false, ADRACKReq: false, FPending: false, ...options.fCtrl },
      FCnt: Buffer.of((fullFCnt >>> 8) & 0xff, fullFCnt & 0xff),
      FOpts: options.fOpts ?? '',
      FPort: options.fPort ?? 1,
      payload: options.payload ?? 'hello',
    },
    buffer(keys.appSKey),
    buffer(keys.nwkSKey),
    undefined,
    high,
  );
  const { MHDR, MACPayload } = packet;
  const head = Buffer.concat([MHDR ?? Buffer.alloc(0), MACPayload ?? Buffer.alloc(0)]);
  const unsigned = LoraPacket.fromWire(Buffer.concat([head, Buffer.alloc(4)]));
  const mic = LoraPacket.calculateMIC(unsigned, buffer(keys.nwkSKey), undefined, high);
  return new Uint8Array(Buffer.concat([head, mic]));
}

/** Session keys and address from a join-accept, as a device finds them. */
export function openJoin(
  joinAccept: Uint8Array,
  devNonce: number,
): DeviceKeys & { readonly rxDelay: number; readonly cfList: string; readonly joinNonce: string } {
  const key = buffer(APP_KEY);
  const plain = LoraPacket.decryptJoinAccept(LoraPacket.fromWire(Buffer.from(joinAccept)), key);
  const accept = LoraPacket.fromWire(Buffer.concat([Buffer.of(0x20), plain.subarray(1)]));
  if (!LoraPacket.verifyMIC(accept, undefined, key)) throw new Error('join-accept with wrong MIC');
  const { AppNonce, NetID, DevAddr, RxDelay, CFList } = accept;
  if (!AppNonce || !NetID || !DevAddr) throw new Error('no join-accept');
  const nonce = buffer(devNonce.toString(16).padStart(4, '0'));
  const keys = LoraPacket.generateSessionKeys10(key, NetID, AppNonce, nonce);
  const upper = (bytes: Buffer): string => bytes.toString('hex').toUpperCase();
  return {
    devAddr: upper(DevAddr),
    nwkSKey: upper(keys.NwkSKey),
    appSKey: upper(keys.AppSKey),
    rxDelay: RxDelay?.[0] ?? 0,
    cfList: upper(CFList ?? Buffer.alloc(0)),
    joinNonce: upper(AppNonce),
  };
}

/** A downlink as a device reads it. */
export function readDownlink(phyPayload: Uint8Array, keys: DeviceKeys) {
  const packet = LoraPacket.fromWire(Buffer.from(phyPayload));
  const payload = packet.FRMPayload?.length
    ? LoraPacket.decrypt(packet, buffer(keys.appSKey), buffer(keys.nwkSKey)).toString('hex')
    : '';
  return {
    micValid: LoraPacket.verifyMIC(packet, buffer(keys.nwkSKey)),
    fCnt: packet.getFCnt(),
    fPort: packet.getFPort(),
    ack: packet.getFCtrlACK(),
    fPending: packet.getFCtrlFPending(),
    confirmed: packet.isConfirmed(),
    fOpts: packet.FOpts?.toString('hex') ?? '',
    payload,
  };
}

/** An application downlink, encrypted by lora-packet's rules through its own frame. */
export function encryptedDownlink(
  keys: DeviceKeys,
  fCnt: number,
  payloadHex: string,
  sessionKeyId: Uint8Array,
  rest: { readonly confirmed?: boolean; readonly fPort?: number; readonly priority?: number } = {},
) {
  const packet = LoraPacket.fromFields(
    {
      MType: 'Unconfirmed Data Down',
      DevAddr: buffer(keys.devAddr),
      FCnt: fCnt,
      FPort: rest.fPort ?? 2,
      payload: buffer(payloadHex),
    },
    buffer(keys.appSKey),
    buffer(keys.nwkSKey),
  );
  return create(ApplicationDownlinkSchema, {
    sessionKeyId,
    fPort: 2,
    fCnt,
    priority: 3,
    frmPayload: new Uint8Array(packet.FRMPayload ?? []),
    ...rest,
  });
}
