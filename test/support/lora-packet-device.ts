import loraPacket from 'lora-packet';

export interface LoraPacketDeviceOptions {
  /** 16 hex digits. */
  readonly devEui: string;
  readonly joinEui: string;
  readonly appKey: Buffer;
}

/** A downlink as the device understood it. */
export interface ReadDownlink {
  readonly fCnt: number;
  readonly fPort: number | null;
  readonly payload: Buffer;
}

/** A LoRaWAN 1.0.3 device over the air whose every byte is made and checked by the library `lora-packet`. */
export interface LoraPacketDevice {
  /** A join-request with the next DevNonce. */
  joinRequest(): Buffer;
  /** Decrypts a join-accept and takes its session. Throws when its MIC is wrong. */
  acceptJoin(phyPayload: Buffer): { readonly rx1DelaySeconds: number | null };
  /** An unconfirmed uplink with the next counter. */
  uplink(fPort: number, payload: Buffer): Buffer;
  /** Reads a downlink for this device. Throws when its MIC is wrong. */
  readDownlink(phyPayload: Buffer): ReadDownlink;
}

interface Session {
  readonly devAddr: Buffer;
  readonly nwkSKey: Buffer;
  readonly appSKey: Buffer;
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`The frame has no ${what}.`);
  return value;
}

/** Creates a device that has not joined yet. */
export function createLoraPacketDevice(options: LoraPacketDeviceOptions): LoraPacketDevice {
  const { appKey, devEui, joinEui } = options;
  let devNonce = Buffer.from('0000', 'hex');
  let session: Session | undefined;
  let nextFCnt = 0;
  const joined = (): Session => {
    if (!session) throw new Error('The device has not joined.');
    return session;
  };
  return {
    joinRequest() {
      devNonce = Buffer.from([0, devNonce.readUInt16BE() + 1]);
      const fields = {
        MType: 'Join Request',
        AppEUI: Buffer.from(joinEui, 'hex'),
        DevEUI: Buffer.from(devEui, 'hex'),
        DevNonce: devNonce,
      };
      return loraPacket.fromFields(fields, undefined, undefined, appKey).getPHYPayload() as Buffer;
    },
    acceptJoin(phyPayload) {
      const plain = loraPacket.decryptJoinAccept(loraPacket.fromWire(phyPayload), appKey);
      const accept = loraPacket.fromWire(plain);
      if (!loraPacket.verifyMIC(accept, undefined, appKey)) throw new Error('The MIC is wrong.');
      const keys = loraPacket.generateSessionKeys10(
        appKey,
        need(accept.NetID, 'NetID'),
        need(accept.AppNonce, 'JoinNonce'),
        devNonce,
      );
      session = {
        devAddr: need(accept.DevAddr, 'DevAddr'),
        nwkSKey: keys.NwkSKey,
        appSKey: keys.AppSKey,
      };
      nextFCnt = 0;
      return { rx1DelaySeconds: accept.getRxDelayDel() };
    },
    uplink(fPort, payload) {
      const { devAddr, appSKey, nwkSKey } = joined();
      const fields = {
        MType: 'Unconfirmed Data Up',
        DevAddr: devAddr,
        FCnt: nextFCnt,
        FPort: fPort,
        payload,
      };
      nextFCnt += 1;
      return loraPacket.fromFields(fields, appSKey, nwkSKey).getPHYPayload() as Buffer;
    },
    readDownlink(phyPayload) {
      const { devAddr, appSKey, nwkSKey } = joined();
      const packet = loraPacket.fromWire(phyPayload);
      if (!packet.DevAddr?.equals(devAddr)) throw new Error('The downlink is for another device.');
      if (!loraPacket.verifyMIC(packet, nwkSKey)) throw new Error('The MIC is wrong.');
      return {
        fCnt: packet.getFCnt() ?? -1,
        fPort: packet.getFPort(),
        payload: loraPacket.decrypt(packet, appSKey, nwkSKey),
      };
    },
  };
}
