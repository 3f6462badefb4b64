/** Which channels a device uses, and how the network's masks and lists change that. All functions return a new set. */
import type { DeviceChannel, DeviceRegion } from './device-region.ts';
import { type Random, randomBelow } from './seeded-random.ts';

export type ChannelSet = readonly DeviceChannel[];

const MASK_BITS = 16;

/** Channels after power-up. `subBand` (1 to 8) restricts fixed-channel bands to 8 narrow channels and one wide one. */
export function initialChannels(region: DeviceRegion, subBand?: number): ChannelSet {
  if (!region.fixedChannels || subBand === undefined) return region.channels;
  return region.channels.map((channel) => ({
    ...channel,
    enabled:
      channel.index < 64
        ? Math.floor(channel.index / 8) === subBand - 1
        : channel.index - 64 === subBand - 1,
  }));
}

/** Whether a data rate may be used on a channel. */
export function channelAllows(channel: DeviceChannel, dataRateIndex: number): boolean {
  return channel.minDataRateIndex <= dataRateIndex && dataRateIndex <= channel.maxDataRateIndex;
}

/** Picks an enabled channel that allows the data rate, at random; undefined when there is none. */
export function chooseChannel(
  channels: ChannelSet,
  dataRateIndex: number,
  random: Random,
): DeviceChannel | undefined {
  const usable = channels.filter(
    (channel) => channel.enabled && channelAllows(channel, dataRateIndex),
  );
  return usable[randomBelow(random, usable.length)];
}

/** Highest uplink data rate not above `wanted` that an enabled channel allows; the lowest one when there is none. */
export function usableDataRate(channels: ChannelSet, wanted: number): number {
  const enabled = channels.filter((channel) => channel.enabled);
  const highest = Math.max(
    -1,
    ...enabled.map((channel) =>
      channel.minDataRateIndex <= wanted ? Math.min(wanted, channel.maxDataRateIndex) : -1,
    ),
  );
  return highest >= 0 ? highest : Math.min(...enabled.map((channel) => channel.minDataRateIndex));
}

function readUint24(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | ((bytes[offset + 2] ?? 0) << 16);
}

/** A frequency field: 24 bits, least significant first, in steps of 100 Hz. */
export function readFrequencyHz(bytes: Uint8Array, offset: number): number {
  return readUint24(bytes, offset) * 100;
}

const CF_LIST_TYPE_OFFSET = 15;
const CF_LIST_FREQUENCY_COUNT = 5;

function withListedFrequencies(
  region: DeviceRegion,
  channels: ChannelSet,
  cfList: Uint8Array,
): ChannelSet {
  const kept = channels.filter((channel) => channel.index < region.defaultChannelCount);
  const added: DeviceChannel[] = [];
  for (let position = 0; position < CF_LIST_FREQUENCY_COUNT; position += 1) {
    const frequencyHz = readFrequencyHz(cfList, position * 3);
    if (frequencyHz === 0 || !region.isUplinkFrequency(frequencyHz)) continue;
    added.push({
      index: region.defaultChannelCount + position,
      frequencyHz,
      minDataRateIndex: 0,
      maxDataRateIndex: region.maxCfListDataRateIndex,
      downlinkFrequencyHz: frequencyHz,
      enabled: true,
    });
  }
  return [...kept, ...added];
}

/** Applies the CFList of a join-accept: frequencies in dynamic bands, masks in fixed ones. Others are not used. */
export function withCfList(
  region: DeviceRegion,
  channels: ChannelSet,
  cfList: Uint8Array,
): ChannelSet {
  const listType = cfList[CF_LIST_TYPE_OFFSET];
  if (!region.fixedChannels)
    return listType === 0 ? withListedFrequencies(region, channels, cfList) : channels;
  if (listType !== 1) return channels;
  const masked = channels.map((channel) => ({
    ...channel,
    enabled: (((cfList[channel.index >> 3] ?? 0) >> (channel.index & 7)) & 1) === 1,
  }));
  return masked.some((channel) => channel.enabled) ? masked : channels;
}

function setBits(mask: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, bit) => bit).filter((bit) => ((mask >> bit) & 1) === 1);
}

function withDynamicMask(
  channels: ChannelSet,
  control: number,
  mask: number,
): ChannelSet | undefined {
  if (control === 6) return channels.map((channel) => ({ ...channel, enabled: true }));
  if (control !== 0) return undefined;
  const defined = new Set(channels.map((channel) => channel.index));
  if (setBits(mask, MASK_BITS).some((bit) => !defined.has(bit))) return undefined;
  return channels.map((channel) => ({
    ...channel,
    enabled: ((mask >> channel.index) & 1) === 1,
  }));
}

function withFixedMask(
  channels: ChannelSet,
  control: number,
  mask: number,
): ChannelSet | undefined {
  const bit = (position: number): boolean => ((mask >> position) & 1) === 1;
  const set = (enabledOf: (index: number) => boolean | undefined): ChannelSet =>
    channels.map((channel) => ({
      ...channel,
      enabled: enabledOf(channel.index) ?? channel.enabled,
    }));
  switch (control) {
    case 0:
    case 1:
    case 2:
    case 3:
      return set((index) => (index >> 4 === control ? bit(index & 15) : undefined));
    case 4:
      return set((index) => (index >= 64 ? bit(index - 64) : undefined));
    case 5:
      return set((index) => bit(index >= 64 ? index - 64 : index >> 3));
    case 6:
      return set((index) => (index >= 64 ? bit(index - 64) : true));
    case 7:
      return set((index) => (index >= 64 ? bit(index - 64) : false));
    default:
      return undefined;
  }
}

/**
 * One ChMaskCntl and ChMask of LinkADRReq. Undefined when the mask names a channel that is not defined or the control
 * value is reserved. Regional Parameters 1.0.3 §2.2.5 and §2.3.5.
 */
export function withChannelMask(
  region: DeviceRegion,
  channels: ChannelSet,
  control: number,
  mask: number,
): ChannelSet | undefined {
  return region.fixedChannels
    ? withFixedMask(channels, control, mask)
    : withDynamicMask(channels, control, mask);
}

/** Adds or replaces a channel (NewChannelReq). */
export function withChannel(channels: ChannelSet, channel: DeviceChannel): ChannelSet {
  return [...withoutChannel(channels, channel.index), channel].sort(
    (left, right) => left.index - right.index,
  );
}

/** Removes a channel. */
export function withoutChannel(channels: ChannelSet, index: number): ChannelSet {
  return channels.filter((channel) => channel.index !== index);
}

/** Enables the channels every device of the region has, as the last step of ADR back-off. TS001-1.0.3 §4.3.1.1. */
export function withDefaultsEnabled(region: DeviceRegion, channels: ChannelSet): ChannelSet {
  return channels.map((channel) =>
    channel.index < region.defaultChannelCount ? { ...channel, enabled: true } : channel,
  );
}
