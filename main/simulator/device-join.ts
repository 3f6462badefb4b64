/** Join- and rejoin-requests of a device, and the join-accepts that answer them. */
import {
  type AesKey,
  appendMic,
  type DevAddr,
  decodeFrame,
  decodeJoinAcceptBody,
  encodeJoinRequestMessage,
  encodeRejoinRequestMessage,
  expandKey,
  type JoinAcceptFields,
} from '../lorawan/index.ts';
import { withCfList } from './device-channels.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { deriveDeviceKeys, joinRequestMic, recoverJoinAccept } from './device-crypto.ts';
import {
  type DeviceSessionKeys,
  deriveDeviceKeys11,
  deriveLifetimeKeys,
  joinAcceptMic11,
  rejoinRequestMic,
} from './device-crypto-11.ts';
import { countsJoins, type RadioSettings } from './device-radio-settings.ts';
import {
  type DeviceSession,
  type JoinNonces,
  keysOf10,
  type RejoinType,
} from './device-session.ts';

/** What a join-accept gives a device. */
export interface JoinResult {
  readonly devAddr: DevAddr;
  readonly join: JoinNonces;
  readonly keys: DeviceSessionKeys;
  readonly settings: RadioSettings;
}

/** Expanded root keys. Before LoRaWAN 1.1 there is one, which serves as both. */
export interface RootKeys {
  readonly nwkKey: AesKey;
  readonly appKey: AesKey;
  readonly jsIntKey: AesKey;
  readonly jsEncKey: AesKey;
}

export interface JoinAttempt {
  readonly config: SimulatedDeviceConfig;
  readonly roots: RootKeys;
  /** DevNonce, or RJcount of the rejoin-request. */
  readonly nonce: number;
  /** Absent for a join-request. */
  readonly rejoinType?: RejoinType;
  /** Highest JoinNonce seen, for versions that check it. */
  readonly lastJoinNonce: number | undefined;
  /** Settings as after power-up; for a rejoin-request of type 2 those in use, which it leaves alone. */
  readonly settings: RadioSettings;
}

/** Windows of a join-request open at fixed delays. Regional Parameters 1.0.3, JOIN_ACCEPT_DELAY1 and 2. */
export const JOIN_ACCEPT_DELAY_1_S = 5;
export const JOIN_ACCEPT_DELAY_2_S = 6;

const OPT_NEG_OFFSET = 11;
const OPT_NEG = 0x80;
/** The type that renews keys, address and counters only. LoRaWAN 1.1 §6.2.4.1. */
const KEYS_ONLY = 2;

/** The root keys of a device that joins. */
export function rootKeysOf(
  { devEui }: SimulatedDeviceConfig,
  activation: { readonly appKey: Uint8Array; readonly nwkKey?: Uint8Array },
): RootKeys {
  const nwkKey = expandKey(activation.nwkKey ?? activation.appKey);
  const { jsIntKey, jsEncKey } = deriveLifetimeKeys(nwkKey, devEui);
  return {
    nwkKey,
    appKey: expandKey(activation.appKey),
    jsIntKey: expandKey(jsIntKey),
    jsEncKey: expandKey(jsEncKey),
  };
}

/** Builds a signed join-request. */
export function buildJoinRequest(
  config: SimulatedDeviceConfig,
  nwkKey: AesKey,
  devNonce: number,
): Uint8Array {
  const { joinEui, devEui } = config;
  const message = encodeJoinRequestMessage({ joinEui, devEui, devNonce });
  return appendMic(message, joinRequestMic(nwkKey, message));
}

/** Builds a signed rejoin-request; types 0 and 2 belong to a session. */
export function buildRejoinRequest(
  { devEui, joinEui }: SimulatedDeviceConfig,
  rejoinType: RejoinType,
  rjCount: number,
  { jsIntKey }: RootKeys,
  { join, sNwkSIntKey }: DeviceSession,
): Uint8Array {
  if (!join) throw new TypeError('only a session of a join can be renewed');
  const { netId } = join;
  const message =
    rejoinType === 1
      ? encodeRejoinRequestMessage({ rejoinType, joinEui, devEui, rjCount })
      : encodeRejoinRequestMessage({ rejoinType, netId, devEui, rjCount });
  return appendMic(message, rejoinRequestMic(rejoinType === 1 ? jsIntKey : sNwkSIntKey, message));
}

/** Decrypts a join-accept and checks its MIC. */
function openJoinAccept(
  { config, nonce, rejoinType, roots, settings }: JoinAttempt,
  phyPayload: Uint8Array,
): JoinAcceptFields | undefined {
  const key = rejoinType === undefined ? roots.nwkKey : roots.jsEncKey;
  const plain = recoverJoinAccept(key, phyPayload[0] ?? 0, phyPayload.subarray(1), (message) => {
    const optNeg = ((message[OPT_NEG_OFFSET] ?? 0) & OPT_NEG) !== 0;
    return settings.macVersion === '1.1' && optNeg
      ? joinAcceptMic11(roots.jsIntKey, rejoinType ?? 0xff, config.joinEui, nonce, message)
      : joinRequestMic(roots.nwkKey, message);
  });
  return plain && decodeJoinAcceptBody(plain);
}

/** Keys of the session that a join began. A network of LoRaWAN 1.0.x gets all of them from one root key. */
export function sessionKeysOf(
  roots: RootKeys,
  { joinEui }: SimulatedDeviceConfig,
  { devNonce, joinNonce, netId, optNeg }: JoinNonces,
): DeviceSessionKeys {
  return optNeg
    ? deriveDeviceKeys11(roots.nwkKey, roots.appKey, joinNonce, joinEui, devNonce)
    : keysOf10(deriveDeviceKeys(roots.nwkKey, joinNonce, netId, devNonce));
}

/** A device of LoRaWAN 1.1 in a network of 1.0.x behaves as one of 1.0.3. LoRaWAN 1.1 §6.2.3. */
export function spokenWith(settings: RadioSettings, is11: boolean): RadioSettings {
  return settings.macVersion === '1.1' && !is11 ? { ...settings, macVersion: '1.0.3' } : settings;
}

/** Radio settings after a join-accept; a text says which of them the band does not have. */
function settingsAfter(attempt: JoinAttempt, fields: JoinAcceptFields): RadioSettings | string {
  const { settings } = attempt;
  if (attempt.rejoinType === KEYS_ONLY) return settings;
  const { region } = settings;
  const { rx1DrOffset, rx2Dr } = fields.dlSettings;
  if (rx1DrOffset > region.maxRx1DataRateOffset || !region.dataRates.get(rx2Dr)?.downlink)
    return `The join-accept sets RX1 offset ${rx1DrOffset} and RX2 DR${rx2Dr}, which the band does not have.`;
  return {
    ...settings,
    rx1DataRateOffset: rx1DrOffset,
    rx2DataRateIndex: rx2Dr,
    rx1DelayS: Math.max(1, fields.rxDelay & 0x0f),
    channels: fields.cfList
      ? withCfList(region, settings.channels, fields.cfList)
      : settings.channels,
  };
}

/** Verifies a join-accept; a text says why it was not taken. */
export function acceptJoin(attempt: JoinAttempt, phyPayload: Uint8Array): JoinResult | string {
  const { config, lastJoinNonce, nonce, rejoinType, roots } = attempt;
  if (decodeFrame(phyPayload).fType !== 'JOIN_ACCEPT')
    return 'A frame that is no join-accept was heard.';
  const fields = openJoinAccept(attempt, phyPayload);
  if (!fields) return 'A join-accept with a wrong MIC was heard; the root keys may differ.';
  const { devAddr, joinNonce, netId } = fields;
  const { optNeg } = fields.dlSettings;
  if (rejoinType !== undefined && !optNeg)
    return 'A rejoin-request was answered by a network of LoRaWAN 1.0.x.';
  const counted = countsJoins(attempt.settings.macVersion);
  if (counted && lastJoinNonce !== undefined && joinNonce <= lastJoinNonce)
    return `JoinNonce ${joinNonce} is not above the last one, ${lastJoinNonce}.`;
  const settings = settingsAfter(attempt, fields);
  if (typeof settings === 'string') return settings;
  const is11 = optNeg && settings.macVersion === '1.1';
  const join = { joinNonce, netId, devNonce: nonce, ...(is11 && { optNeg: true }) };
  const keys = sessionKeysOf(roots, config, join);
  return { devAddr, join, keys, settings: spokenWith(settings, is11) };
}
