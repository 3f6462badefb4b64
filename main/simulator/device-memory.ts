import { type DevAddr, expandKey } from '../lorawan/index.ts';
import { type ChannelSet, initialChannels } from './device-channels.ts';
import type { SimulatedDeviceConfig } from './device-config.ts';
import { type DeviceSessionKeys, deriveDeviceKeys } from './device-crypto.ts';
import { DeviceLinkLayer } from './device-link-layer.ts';
import { initialRadioSettings, type RadioSettings } from './device-radio-settings.ts';
import type { DeviceChannel, DeviceRegion } from './device-region.ts';
import { createSession, type DeviceSession, type JoinNonces } from './device-session.ts';

/** A session as it is kept; keys are derived anew, so none stands in it. */
export interface SessionMemory {
  readonly devAddr: DevAddr;
  /** Absent for a session by personalization, whose keys are settings. */
  readonly join?: JoinNonces;
  readonly nextFCntUp: number;
  readonly lastFCntDown?: number;
  readonly adrAckCount: number;
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
  const { adrAckCount, devAddr, join, lastFCntDown, nextFCntUp } = session;
  const { channels: _channels, macVersion: _version, region: _region, ...rest } = settings;
  return {
    devAddr,
    ...(join && { join }),
    nextFCntUp,
    ...(lastFCntDown !== undefined && { lastFCntDown }),
    adrAckCount,
    settings: rest,
    channels: keptChannels(settings),
  };
}

function keysOf(
  { activation }: SimulatedDeviceConfig,
  join: JoinNonces | undefined,
): DeviceSessionKeys | undefined {
  if (activation.kind === 'abp') return activation;
  if (!join) return undefined;
  const appKey = expandKey(activation.appKey);
  return deriveDeviceKeys(appKey, join.joinNonce, join.netId, join.devNonce);
}

/** The session a device goes on with when it is switched on: the one it kept, or that of its personalization. */
export function powerUpLink(
  config: SimulatedDeviceConfig,
  region: DeviceRegion,
  kept: SessionMemory | undefined,
): DeviceLinkLayer | undefined {
  const { activation } = config;
  const initial = powerUpSettings(config, region);
  const keys = keysOf(config, kept?.join);
  if (!keys) return undefined;
  if (!kept) {
    if (activation.kind === 'otaa') return undefined;
    return linkOf(config, createSession(activation.devAddr, keys), initial);
  }
  const { adrAckCount, devAddr, join, lastFCntDown, nextFCntUp } = kept;
  const session = { ...createSession(devAddr, keys, join), adrAckCount, lastFCntDown, nextFCntUp };
  const channels = restoredChannels(kept.channels, region);
  return linkOf(config, session, { ...initial, ...kept.settings, channels });
}
