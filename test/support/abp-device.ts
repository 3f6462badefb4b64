import { createHash } from 'node:crypto';
import loraPacket from 'lora-packet';
import type { Api } from './program-api.ts';

/** A personalized LoRaWAN 1.0.3 device as an independent library builds its frames. */
export interface AbpDevice {
  readonly deviceId: string;
  readonly applicationId: string;
  /** 8 hex digits. */
  readonly devAddr: string;
  /** The next uplink; its counter is one higher than that of the one before. */
  uplink(options?: { readonly confirmed?: boolean; readonly payload?: Uint8Array }): Buffer;
  /** Reads a downlink: its integrity code, payload, and whether it acknowledges. Undefined if it is not of this device. */
  open(phyPayload: Buffer): { readonly payload: Buffer; readonly ack: boolean } | undefined;
}

export interface AbpDeviceOptions {
  readonly applicationId: string;
  readonly deviceId: string;
  /** 8 hex digits. */
  readonly devAddr: string;
  /** Source of `decodeUplink`; without it payloads stay bytes. */
  readonly script?: string;
  readonly supportsClassC?: boolean;
  /** That of Europe unless given. */
  readonly frequencyPlanId?: string;
}

const keyOf = (text: string): Buffer => createHash('md5').update(text).digest();

/** Registers the device in all registries, in an application that exists. */
export async function registerAbpDevice(api: Api, options: AbpDeviceOptions): Promise<AbpDevice> {
  const { applicationId, deviceId, devAddr, script, supportsClassC = false } = options;
  const nwkSKey = keyOf(`network ${deviceId}`);
  const appSKey = keyOf(`application ${deviceId}`);
  await api('POST', `/gatehouse/applications/${applicationId}/devices`, {
    end_device: {
      ids: { device_id: deviceId, application_ids: { application_id: applicationId } },
      frequency_plan_id: options.frequencyPlanId ?? 'EU_863_870',
      lorawan_version: '1.0.3',
      lorawan_phy_version: '1.0.3-a',
      supports_class_c: supportsClassC,
      session: {
        dev_addr: devAddr,
        keys: {
          f_nwk_s_int_key: { key: nwkSKey.toString('hex') },
          app_s_key: { key: appSKey.toString('hex') },
        },
      },
      ...(script !== undefined && {
        formatters: { up_formatter: 'FORMATTER_JAVASCRIPT', up_formatter_parameter: script },
      }),
    },
  });
  let fCnt = 0;
  return {
    deviceId,
    applicationId,
    devAddr,
    uplink({ confirmed = false, payload = Buffer.from('01', 'hex') } = {}) {
      const packet = loraPacket.fromFields(
        {
          MType: confirmed ? 'Confirmed Data Up' : 'Unconfirmed Data Up',
          DevAddr: Buffer.from(devAddr, 'hex'),
          FCnt: fCnt,
          FPort: 1,
          payload: Buffer.from(payload),
        },
        appSKey,
        nwkSKey,
      );
      fCnt += 1;
      return packet.getPHYPayload() as Buffer;
    },
    open(phyPayload) {
      const packet = loraPacket.fromWire(phyPayload);
      if (packet.DevAddr?.toString('hex').toUpperCase() !== devAddr.toUpperCase()) return undefined;
      if (!loraPacket.verifyMIC(packet, nwkSKey)) return undefined;
      const hasPayload = packet.FRMPayload !== undefined && packet.FRMPayload.length > 0;
      return {
        payload: hasPayload ? loraPacket.decrypt(packet, appSKey, nwkSKey) : Buffer.alloc(0),
        ack: packet.getFCtrlACK() ?? false,
      };
    },
  };
}
