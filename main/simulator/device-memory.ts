import type { DevAddr } from '../lorawan/index.ts';
import { type ChannelSet, initialChannels } from './device-channels.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import type { DeviceSessionKeys } from './device-crypto-11.ts';
import { type RootKeys, sessionKeysOf, spokenWith } from './device-join.ts';
import { DeviceLinkLayer } from './device-link-layer.ts';
import { initialRadioSettings, type RadioSettings } from './device-radio-settings.ts';
import type { DeviceChannel, DeviceRegion } from './device-region.ts';
import {
  createSession,
  type DeviceSession,
  type Indication,
  type JoinNonces,
  keysOf10,
} from './device-session.ts';

/** A session as it is kept; keys are derived anew, so none stands in it. */
export interface SessionMemory {
  readonly devAddr: DevAddr;
  /** Absent for a session by personalization, whose keys are settings. */
  readonly join?: JoinNonces;
  readonly nextFCntUp: number;
  readonly lastFCntDown?: number;
  readonly lastAFCntDown?: number;
  readonly adrAckCount: number;
  /** What the network has not confirmed. */
  readonly indication?: Indication;
  readonly modeDue?: boolean;
  readonly nextRjCount0?: number;
  readonly settings: Omit<RadioSettings, 'region' | 'macVersion' | 'channels'>;
  /** Indices of the enabled channels where channels are fixed, otherwise the channels themselves. */
  readonly channels: readonly number[] | readonly DeviceChannel[];
}

/**
 * What a device still knows after it lost its power, as firmware keeps it in flash: a device that forgot its counters would
 * be refused as a replay. Plain values without keys, so that it can be kept as JSON.
 */
export interface DeviceMemory {
  /** Every DevNonce that was used, oldest first. */
  readonly devNonces: readonly number[];
  readonly lastJoinNonce?: number;
  /** RJcount1 of the next rejoin-request of type 1. */
  readonly nextRjCount1?: number;
  readonly session?: SessionMemory;
}

const DEFAULT_BATTERY = 254;

/** Radio settings of a device that was just switched on for the first time. */
export function powerUpSettings(
  { dataRateIndex, macVersion, subBand }: SimulatedDeviceConfig,
  region: DeviceRegion,
): RadioSettings {
  const rate = dataRateIndex ?? region.defaultDataRateIndex;
  return initialRadioSettings(region, macVersion ?? '1.0.3', rate, subBand);
}

/** The link layer of a session. */
export function linkOf(
  config: SimulatedDeviceConfig,
  session: DeviceSession,
  settings: RadioSettings,
): DeviceLinkLayer {
  return new DeviceLinkLayer(session, settings, {
    adr: config.adr ?? true,
    battery: config.battery ?? DEFAULT_BATTERY,
  });
}

function keptChannels({ channels, region }: RadioSettings): SessionMemory['channels'] {
  if (!region.fixedChannels) return channels;
  return channels.filter(({ enabled }) => enabled).map(({ index }) => index);
}

function restoredChannels(kept: SessionMemory['channels'], region: DeviceRegion): ChannelSet {
  if (!region.fixedChannels) return kept as readonly DeviceChannel[];
  const enabled = new Set(kept as readonly number[]);
  return initialChannels(region).map((channel) => ({
    ...channel,
    enabled: enabled.has(channel.index),
  }));
}

/** What to keep of a session. */
export function sessionMemory({ session, settings }: DeviceLinkLayer): SessionMemory {
  const { adrAckCount, devAddr, indication, join, lastAFCntDown, lastFCntDown } = session;
  const { modeDue, nextFCntUp, nextRjCount0 } = session;
  const { channels: _channels, macVersion: _version, region: _region, ...rest } = settings;
  return {
    devAddr,
    ...(join && { join }),
    nextFCntUp,
    ...(lastFCntDown !== undefined && { lastFCntDown }),
    ...(lastAFCntDown !== undefined && { lastAFCntDown }),
    adrAckCount,
    ...(indication && { indication }),
    ...(modeDue && { modeDue }),
    ...(nextRjCount0 > 0 && { nextRjCount0 }),
    settings: rest,
    channels: keptChannels(settings),
  };
}

/** The session of a device that is personalized, as it is when switched on for the first time. */
function personalSession({
  activation,
  macVersion,
}: SimulatedDeviceConfig): DeviceSession | undefined {
  if (activation.kind === 'otaa') return undefined;
  const { appSKey, devAddr, nwkSEncKey, nwkSKey, sNwkSIntKey } = activation;
  if (macVersion !== '1.1' || !sNwkSIntKey || !nwkSEncKey)
    return createSession(devAddr, keysOf10({ nwkSKey, appSKey }), 0);
  return createSession(devAddr, { fNwkSIntKey: nwkSKey, sNwkSIntKey, nwkSEncKey, appSKey }, 1);
}

/** Begins the session of a join. A device of class C has to say so in LoRaWAN 1.1 (§18.1). */
export function joinedSession(
  { deviceClass }: SimulatedDeviceConfig,
  devAddr: DevAddr,
  keys: DeviceSessionKeys,
  join: JoinNonces,
): DeviceSession {
  const session = createSession(devAddr, keys, join.optNeg ? 1 : 0, join);
  return { ...session, modeDue: session.minor === 1 && deviceClass === 'C' };
}

/** The session a device goes on with when it is switched on: the one it kept, or that of its personalization. */
export function powerUpLink(
  config: SimulatedDeviceConfig,
  region: DeviceRegion,
  kept: SessionMemory | undefined,
  roots: RootKeys | undefined,
): DeviceLinkLayer | undefined {
  const initial = powerUpSettings(config, region);
  const begun =
    roots && kept?.join
      ? joinedSession(config, kept.devAddr, sessionKeysOf(roots, config, kept.join), kept.join)
      : personalSession(config);
  if (!begun) return undefined;
  const isClassC11 = begun.minor === 1 && config.deviceClass === 'C';
  if (!kept) return linkOf(config, { ...begun, modeDue: isClassC11 }, initial);
  const session: DeviceSession = {
    ...begun,
    adrAckCount: kept.adrAckCount,
    nextFCntUp: kept.nextFCntUp,
    lastFCntDown: kept.lastFCntDown,
    lastAFCntDown: kept.lastAFCntDown,
    indication: kept.indication,
    modeDue: kept.modeDue ?? false,
    nextRjCount0: kept.nextRjCount0 ?? 0,
  };
  const settings = spokenWith({ ...initial, ...kept.settings }, begun.minor === 1);
  const channels = restoredChannels(kept.channels, region);
  return linkOf(config, session, { ...settings, channels });
}
