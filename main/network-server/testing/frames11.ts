/** Frames of a LoRaWAN 1.1 device as it makes and reads them. All of them come from lora-packet. */
import LoraPacket from 'lora-packet';
import { APP_KEY, DEV_EUI, JOIN_EUI } from './frames.ts';

const buffer = (text: string): Buffer => Buffer.from(text, 'hex');
const upper = (bytes: Buffer): string => bytes.toString('hex').toUpperCase();

export const NWK_KEY = 'A0A1A2A3A4A5A6A7A8A9AAABACADAEAF';

export interface DeviceKeys11 {
  readonly devAddr: string;
  readonly fNwkSIntKey: string;
  readonly sNwkSIntKey: string;
  readonly nwkSEncKey: string;
  readonly appSKey: string;
}

/** Session keys and address from a join-accept with OptNeg, as a device finds them (LoRaWAN 1.1 §6.2.5). */
export function openJoin11(
  joinAccept: Uint8Array,
  /** DevNonce, or RJcount of the rejoin-request. */
  devNonce: number,
  /** Type of the rejoin-request that is answered. */
  rejoinType?: 0 | 1 | 2,
): DeviceKeys11 & {
  readonly optNeg: boolean | null;
  readonly rxDelay: number;
  readonly joinNonce: number;
  readonly dlSettings: number;
  readonly hasCfList: boolean;
} {
  const nwkKey = buffer(NWK_KEY);
  const { JSIntKey, JSEncKey } = LoraPacket.generateJSKeys(nwkKey, buffer(DEV_EUI));
  const encryptionKey = rejoinType === undefined ? nwkKey : JSEncKey;
  const sealed = LoraPacket.fromWire(Buffer.from(joinAccept));
  const plain = LoraPacket.decryptJoinAccept(sealed, encryptionKey);
  const accept = LoraPacket.fromWire(Buffer.concat([Buffer.of(0x20), plain.subarray(1)]));
  const nonce = buffer(devNonce.toString(16).padStart(4, '0'));
  accept.JoinReqType = Buffer.of(rejoinType ?? 0xff);
  accept.JoinEUI = buffer(JOIN_EUI);
  accept.DevNonce = nonce;
  if (!LoraPacket.verifyMIC(accept, JSIntKey)) throw new Error('join-accept with wrong MIC');
  const { JoinNonce, DevAddr, DLSettings, RxDelay } = accept;
  if (!DevAddr) throw new Error('no join-accept');
  const keys = LoraPacket.generateSessionKeys11(
    buffer(APP_KEY),
    nwkKey,
    buffer(JOIN_EUI),
    JoinNonce,
    nonce,
  );
  return {
    devAddr: upper(DevAddr),
    fNwkSIntKey: upper(keys.FNwkSIntKey),
    sNwkSIntKey: upper(keys.SNwkSIntKey),
    nwkSEncKey: upper(keys.NwkSEncKey),
    appSKey: upper(keys.AppSKey),
    optNeg: accept.getDLSettingsOptNeg(),
    rxDelay: RxDelay?.[0] ?? 0,
    joinNonce: JoinNonce?.readUIntBE(0, 3) ?? 0,
    dlSettings: DLSettings?.[0] ?? 0,
    hasCfList: joinAccept.length > 17,
  };
}

const reversed = (text: string): Buffer => Buffer.from(buffer(text)).reverse();

/** A rejoin-request; its MIC is lora-packet's, under the SNwkSIntKey, or for type 1 under the JSIntKey. */
export function rejoinRequest(
  rejoinType: 0 | 1 | 2,
  rjCount: number,
  options: {
    readonly sNwkSIntKey?: string;
    readonly netId?: string;
    readonly nwkKey?: string;
    readonly devEui?: string;
  } = {},
): Uint8Array {
  const { devEui = DEV_EUI, netId = '000001', nwkKey = NWK_KEY } = options;
  const home = rejoinType === 1 ? reversed(JOIN_EUI) : reversed(netId);
  const count = Buffer.alloc(2);
  count.writeUInt16LE(rjCount);
  const head = Buffer.concat([Buffer.of(0xc0, rejoinType), home, reversed(devEui), count]);
  const { JSIntKey } = LoraPacket.generateJSKeys(buffer(nwkKey), buffer(devEui));
  const mic = LoraPacket.calculateMIC(
    LoraPacket.fromWire(Buffer.concat([head, Buffer.alloc(4)])),
    buffer(options.sNwkSIntKey ?? '00'.repeat(16)),
    JSIntKey,
  );
  return new Uint8Array(Buffer.concat([head, mic]));
}

/** A data uplink: FOpts encrypted, MIC in two halves that depend on channel, rate and what is acknowledged. */
export function uplink11(
  keys: DeviceKeys11,
  fCnt: number,
  options: {
    readonly confirmed?: boolean;
    /** Counter of the confirmed downlink that is acknowledged; sets ACK. */
    readonly acknowledges?: number;
    /** In the clear. */
    readonly fOpts?: string;
    readonly payload?: string;
    /** Absent: 1. */
    readonly fPort?: number;
    readonly dataRateIndex?: number;
    readonly channelIndex?: number;
    readonly adr?: boolean;
  } = {},
): Uint8Array {
  const { acknowledges } = options;
  const packet = LoraPacket.fromFields(
    {
      MType: options.confirmed ? 'Confirmed Data Up' : 'Unconfirmed Data Up',
      DevAddr: buffer(keys.devAddr),
      FCtrl: { ACK: acknowledges !== undefined, ADR: options.adr ?? false },
      FCnt: fCnt,
      FOpts: options.fOpts ?? '',
      FPort: options.fPort ?? 1,
      payload: options.fPort === 0 ? buffer(options.payload ?? '') : (options.payload ?? 'hello'),
    },
    buffer(keys.appSKey),
    buffer(keys.nwkSEncKey),
  );
  packet.encryptFOpts(buffer(keys.nwkSEncKey));
  const { MHDR, MACPayload } = packet;
  const head = Buffer.concat([MHDR ?? Buffer.alloc(0), MACPayload ?? Buffer.alloc(0)]);
  const lead = Buffer.of(0, 0, options.dataRateIndex ?? 5, options.channelIndex ?? 0);
  lead.writeUInt16BE(acknowledges ?? 0);
  const mic = LoraPacket.calculateMIC(
    LoraPacket.fromWire(Buffer.concat([head, Buffer.alloc(4)])),
    buffer(keys.fNwkSIntKey),
    buffer(keys.sNwkSIntKey),
    undefined,
    lead,
  );
  return new Uint8Array(Buffer.concat([head, mic]));
}

/**
 * A downlink as a device reads it.
 *
 * @param confFCnt counter of the confirmed uplink the device expects to be acknowledged; 0 without
 */
export function readDownlink11(phyPayload: Uint8Array, keys: DeviceKeys11, confFCnt = 0) {
  const packet = LoraPacket.fromWire(Buffer.from(phyPayload));
  const lead = Buffer.alloc(2);
  lead.writeUInt16LE(confFCnt);
  const micValid = LoraPacket.verifyMIC(
    packet,
    undefined,
    buffer(keys.sNwkSIntKey),
    undefined,
    lead,
  );
  const payload = packet.FRMPayload?.length
    ? LoraPacket.decrypt(packet, buffer(keys.appSKey), buffer(keys.nwkSEncKey)).toString('hex')
    : '';
  const fOptsOnAir = packet.FOpts?.toString('hex') ?? '';
  return {
    micValid,
    fCnt: packet.getFCnt(),
    fPort: packet.getFPort(),
    ack: packet.getFCtrlACK(),
    confirmed: packet.isConfirmed(),
    payload,
    fOptsOnAir,
    fOpts: packet.decryptFOpts(buffer(keys.nwkSEncKey)).toString('hex'),
  };
}
