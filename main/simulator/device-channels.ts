/** Which channels a device uses, and how the network's masks and lists change that. All functions return a new set. */
import type { DeviceChannel, DeviceRegion } from './device-region.ts';
import { type Random, randomBelow } from './seeded-random.ts';

export type ChannelSet = readonly DeviceChannel[];

const MASK_BITS = 16;
const BANK_OF_EIGHT = 8;
/** Channels above these are wide, in bands of 72 channels. */
const NARROW_COUNT = 64;

/**
 * Channels after power-up. `subBand`, counted from 1, restricts fixed-channel bands to eight channels, and in those that
 * have wide channels to one of these as well.
 */
export function initialChannels(region: DeviceRegion, subBand?: number): ChannelSet {
  if (!region.fixedChannels || subBand === undefined) return region.channels;
  const hasWide = region.maskLayout === 'mask72';
  return region.channels.map((channel) => ({
    ...channel,
    enabled:
      hasWide && channel.index >= NARROW_COUNT
        ? channel.index - NARROW_COUNT === subBand - 1
        : Math.floor(channel.index / BANK_OF_EIGHT) === subBand - 1,
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

function readUint24(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8) | ((bytes[offset + 2] ?? 0) << 16);
}

/** A frequency field: 24 bits, least significant first, in steps of the band. */
export function readFrequencyHz(
  { frequencyStepHz }: Pick<DeviceRegion, 'frequencyStepHz'>,
  bytes: Uint8Array,
  offset: number,
): number {
  return readUint24(bytes, offset) * frequencyStepHz;
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
    const frequencyHz = readFrequencyHz(region, cfList, position * 3);
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
  if (region.cfList === 'frequencies')
    return listType === 0 ? withListedFrequencies(region, channels, cfList) : channels;
  if (region.cfList === undefined || listType !== 1) return channels;
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

/** What a mask makes of a channel; undefined leaves it as it is. */
type MaskRule = (index: number) => boolean | undefined;

function bankRule(control: number, mask: number): MaskRule {
  return (index) =>
    index >> 4 === control ? ((mask >> (index & (MASK_BITS - 1))) & 1) === 1 : undefined;
}

function rule72(region: DeviceRegion, control: number, mask: number): MaskRule | undefined {
  const bit = (position: number): boolean => ((mask >> position) & 1) === 1;
  const isWide = (index: number): boolean => index >= NARROW_COUNT;
  switch (control) {
    case 0:
    case 1:
    case 2:
    case 3:
      return bankRule(control, mask);
    case 4:
      return (index) => (isWide(index) ? bit(index - NARROW_COUNT) : undefined);
    case 5:
      if (!region.banksOfEight) return undefined;
      return (index) => bit(isWide(index) ? index - NARROW_COUNT : index >> 3);
    case 6:
      return (index) => (isWide(index) ? bit(index - NARROW_COUNT) : true);
    case 7:
      return (index) => (isWide(index) ? bit(index - NARROW_COUNT) : false);
    default:
      return undefined;
  }
}

function rule96(control: number, mask: number): MaskRule | undefined {
  if (control <= 5) return bankRule(control, mask);
  return control === 6 ? () => true : undefined;
}

/**
 * One ChMaskCntl and ChMask of LinkADRReq. Undefined when the mask names a channel that is not defined or the control
 * value is reserved. Regional Parameters 1.0.3 §2.2.5, §2.3.5 and §2.6.5.
 */
export function withChannelMask(
  region: DeviceRegion,
  channels: ChannelSet,
  control: number,
  mask: number,
): ChannelSet | undefined {
  if (region.maskLayout === 'mask16') return withDynamicMask(channels, control, mask);
  const rule =
    region.maskLayout === 'mask72' ? rule72(region, control, mask) : rule96(control, mask);
  return (
    rule &&
    channels.map((channel) => ({ ...channel, enabled: rule(channel.index) ?? channel.enabled }))
  );
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

/** Whether only a part of the channels that every device of the region has is in use. */
export function lacksDefaults(region: DeviceRegion, channels: ChannelSet): boolean {
  return channels.some((channel) => channel.index < region.defaultChannelCount && !channel.enabled);
}
