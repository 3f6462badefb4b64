import {
  type AesKey,
  appendMic,
  type DevAddr,
  decodeFrame,
  decodeJoinAcceptBody,
  encodeJoinRequestMessage,
} from '../lorawan/index.ts';
import { withCfList } from './device-channels.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import {
  type DeviceSessionKeys,
  deriveDeviceKeys,
  joinRequestMic,
  recoverJoinAccept,
} from './device-crypto.ts';
import type { RadioSettings } from './device-radio-settings.ts';
import type { DeviceRegion } from './device-region.ts';
import type { JoinNonces } from './device-session.ts';

/** What a join-accept gives a device. */
export interface JoinResult {
  readonly devAddr: DevAddr;
  readonly join: JoinNonces;
  readonly keys: DeviceSessionKeys;
  readonly settings: RadioSettings;
}

export interface JoinAttempt {
  readonly appKey: AesKey;
  readonly devNonce: number;
  /** Highest JoinNonce seen, for versions that check it. */
  readonly lastJoinNonce: number | undefined;
  /** Settings as after power-up. */
  readonly settings: RadioSettings;
}

/** Windows of a join-request open at fixed delays. Regional Parameters 1.0.3, JOIN_ACCEPT_DELAY1 and 2. */
export const JOIN_ACCEPT_DELAY_1_S = 5;
export const JOIN_ACCEPT_DELAY_2_S = 6;

/** Builds a signed join-request. */
export function buildJoinRequest(
  config: SimulatedDeviceConfig,
  appKey: AesKey,
  devNonce: number,
): Uint8Array {
  const { joinEui, devEui } = config;
  const message = encodeJoinRequestMessage({ joinEui, devEui, devNonce });
  return appendMic(message, joinRequestMic(appKey, message));
}

/**
 * Data rate of a join attempt (counted from 0): narrow and wide channels in turn in fixed-channel bands, otherwise one
 * step slower after every second attempt.
 */
export function joinDataRate(region: DeviceRegion, wanted: number, attempt: number): number {
  if (region.fixedChannels) return attempt % 2 === 0 ? 0 : 4;
  return Math.max(0, wanted - Math.floor(attempt / 2));
}

/** Verifies a join-accept; a text says why it was not taken. */
export function acceptJoin(attempt: JoinAttempt, phyPayload: Uint8Array): JoinResult | string {
  const frame = decodeFrame(phyPayload);
  if (frame.fType !== 'JOIN_ACCEPT') return 'A frame that is no join-accept was heard.';
  const plain = recoverJoinAccept(attempt.appKey, phyPayload[0] ?? 0, frame.encrypted);
  const fields = plain && decodeJoinAcceptBody(plain);
  if (!fields) return 'A join-accept with a wrong MIC was heard; the AppKeys may differ.';
  const { settings, lastJoinNonce } = attempt;
  if (
    settings.macVersion === '1.0.4' &&
    lastJoinNonce !== undefined &&
    fields.joinNonce <= lastJoinNonce
  )
    return `JoinNonce ${fields.joinNonce} is not above the last one, ${lastJoinNonce}.`;
  const { rx1DrOffset, rx2Dr } = fields.dlSettings;
  const { region } = settings;
  if (rx1DrOffset > region.maxRx1DataRateOffset || !region.dataRates.get(rx2Dr)?.downlink)
    return `The join-accept sets RX1 offset ${rx1DrOffset} and RX2 DR${rx2Dr}, which the band does not have.`;
  return {
    devAddr: fields.devAddr,
    join: { joinNonce: fields.joinNonce, netId: fields.netId, devNonce: attempt.devNonce },
    keys: deriveDeviceKeys(attempt.appKey, fields.joinNonce, fields.netId, attempt.devNonce),
    settings: {
      ...settings,
      rx1DataRateOffset: rx1DrOffset,
      rx2DataRateIndex: rx2Dr,
      rx1DelayS: Math.max(1, fields.rxDelay & 0x0f),
      channels: fields.cfList
        ? withCfList(region, settings.channels, fields.cfList)
        : settings.channels,
    },
  };
}
