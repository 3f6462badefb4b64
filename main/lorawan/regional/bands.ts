import type { Direction } from '../identifiers.ts';
import { PHY_VERSIONS, type PhyVersion } from '../versions.ts';
import { AS923 } from './as923.ts';
import { AU915 } from './au915.ts';
import type { Band, BandDefinition, SubBand } from './band.ts';
import { CN470 } from './cn470.ts';
import { CN779 } from './cn779.ts';
import { type DataRate, sameDataRate } from './data-rate.ts';
import { EU433 } from './eu433.ts';
import { EU868 } from './eu868.ts';
import type { FrequencyPlan } from './frequency-plan.ts';
import { IN865 } from './in865.ts';
import { ISM2400 } from './ism2400.ts';
import { KR920 } from './kr920.ts';
import { MA869 } from './ma869.ts';
import { RU864 } from './ru864.ts';
import { US915 } from './us915.ts';

const DEFINITIONS: readonly BandDefinition[] = [
  EU868,
  US915,
  AU915,
  ...AS923,
  ...CN470,
  CN779,
  EU433,
  IN865,
  KR920,
  RU864,
  MA869,
  ISM2400,
];
/** In bands of 72 channels those of 125 kHz; the others have 500 kHz. */
const NARROW_CHANNELS = 64;
const cache = new Map<string, Band | undefined>();

/** Ids of the bands this program knows, e.g. `EU_863_870`. */
export function bandIds(): readonly string[] {
  return DEFINITIONS.map((definition) => definition.id);
}

/** Regional parameters; undefined if the band is unknown or that version does not have it. */
export function band(bandId: string, phyVersion: PhyVersion): Band | undefined {
  const cacheKey = `${bandId} ${phyVersion}`;
  if (!cache.has(cacheKey)) {
    const definition = DEFINITIONS.find(({ id }) => id === bandId);
    cache.set(cacheKey, definition?.build(phyVersion));
  }
  return cache.get(cacheKey);
}

/** Index of a modulation as heard or sent; undefined if the band does not have it in that direction. */
export function dataRateIndex(
  regional: Band,
  dataRate: DataRate,
  direction: Direction,
): number | undefined {
  for (const [index, row] of regional.dataRates) {
    const usable = row.direction === 'both' || row.direction === direction;
    if (usable && sameDataRate(row.dataRate, dataRate, regional.strictCodingRate)) return index;
  }
  return undefined;
}

/** Modulation of an index. */
export function dataRate(regional: Band, index: number): DataRate | undefined {
  return regional.dataRates.get(index)?.dataRate;
}

/** Most bytes of MACPayload of frames that a repeater may encapsulate (RP002-1.0.4 §2.4.6 and others). */
const MAX_REPEATED_MAC_PAYLOAD = 230;

/**
 * Most bytes of MACPayload (FHDR, FPort, FRMPayload).
 *
 * @param dwellTime the 400 ms limit is in force in that direction
 * @param repeatable the frame has to fit through a repeater; the API has no setting that asks for it
 */
export function maxMacPayload(
  regional: Band,
  index: number,
  dwellTime = false,
  repeatable = false,
): number | undefined {
  const row = regional.dataRates.get(index);
  const bytes = (dwellTime ? row?.maxMacPayloadWithDwellTime : undefined) ?? row?.maxMacPayload;
  if (!repeatable || bytes === undefined) return bytes;
  return Math.min(bytes, row?.maxRepeatedMacPayload ?? MAX_REPEATED_MAC_PAYLOAD);
}

/** Data rate of RX1; undefined if the uplink data rate or the offset has none. */
export function rx1DataRateIndex(
  regional: Band,
  uplinkIndex: number,
  offset: number,
  downlinkDwellTime = false,
): number | undefined {
  const table = downlinkDwellTime ? regional.rx1DataRatesWithDwellTime : undefined;
  return (table ?? regional.rx1DataRates)[uplinkIndex]?.[offset];
}

/** Downlink channel of RX1 for an uplink channel. */
export function rx1ChannelIndex(regional: Band, uplinkChannelIndex: number): number {
  return regional.rx1Channel === 'same_index'
    ? uplinkChannelIndex
    : uplinkChannelIndex % regional.downlinkChannels.length;
}

/** Frequency of RX1 as long as no DlChannelReq or NewChannelReq changed it; undefined for channels the band does not define. */
export function rx1FrequencyHz(regional: Band, uplinkChannelIndex: number): number | undefined {
  return regional.downlinkChannels[rx1ChannelIndex(regional, uplinkChannelIndex)]?.frequencyHz;
}

/** Limits at a frequency; at a border between two the first. Undefined where the band has none to offer. */
export function subBandOf(regional: Band, frequencyHz: number): SubBand | undefined {
  return regional.subBands.find(
    ({ minFrequencyHz, maxFrequencyHz }) =>
      minFrequencyHz <= frequencyHz && frequencyHz <= maxFrequencyHz,
  );
}

/** Limits at a frequency under a plan, whose sub-bands replace those of the band. */
export function subBandOfPlan(
  regional: Band,
  plan: FrequencyPlan | undefined,
  frequencyHz: number,
): SubBand | undefined {
  if (!plan?.subBands) return subBandOf(regional, frequencyHz);
  const found = plan.subBands.find(
    ({ minFrequencyHz, maxFrequencyHz }) =>
      minFrequencyHz <= frequencyHz && frequencyHz <= maxFrequencyHz,
  );
  return found && { dutyCycle: 1, maxEirpDbm: regional.defaultMaxEirpDbm, ...found };
}

/**
 * Which eight channels a plan uses, from 1, in bands whose channels are fixed; undefined in other bands, and for plans that
 * use more of them than one such group, or none.
 */
export function channelGroup(plan: FrequencyPlan): number | undefined {
  const regional = latestBand(plan.bandId);
  if (!regional || regional.dynamicChannels) return undefined;
  // The wide channels of US902-928 and AU915-928 belong to no group of eight.
  const grouped =
    regional.channelMasks.layout === 'mask72' ? NARROW_CHANNELS : regional.maxUplinkChannels;
  const groups = plan.uplinkChannels.map(({ frequencyHz }) => {
    const channel = regional.uplinkChannels.find((one) => one.frequencyHz === frequencyHz);
    return channel && channel.index < grouped ? (channel.index >> 3) + 1 : undefined;
  });
  return new Set(groups).size === 1 ? groups[0] : undefined;
}

/** The band in the newest version that has it: for callers that know no device, such as the gateway side. */
export function latestBand(bandId: string): Band | undefined {
  for (const phyVersion of [...PHY_VERSIONS].reverse()) {
    const found = band(bandId, phyVersion);
    if (found) return found;
  }
  return undefined;
}
