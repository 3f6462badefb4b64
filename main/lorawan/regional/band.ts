import type { Direction } from '../identifiers.ts';
import type { PhyVersion } from '../versions.ts';
import type { DataRate } from './data-rate.ts';

/** A channel that every device of the band knows. */
export interface BandChannel {
  /** Number of the channel. */
  readonly index: number;
  readonly frequencyHz: number;
  readonly minDataRateIndex: number;
  readonly maxDataRateIndex: number;
}

/** A channel for join-requests. */
export interface JoinChannel {
  /** RX1 of the join-accept. */
  readonly rx1FrequencyHz: number;
  /** RX2 of the join-accept, and of the session. */
  readonly rx2FrequencyHz: number;
}

/** A data rate of the band and what it carries. */
export interface DataRateRow {
  readonly dataRate: DataRate;
  readonly direction: Direction | 'both';
  /** Most bytes of MACPayload (FHDR, FPort, FRMPayload: the frame without MHDR and MIC). */
  readonly maxMacPayload: number;
  /** The same where the limit of 400 ms per transmission is in force. */
  readonly maxMacPayloadWithDwellTime?: number;
  /** The same for frames that a repeater may encapsulate, where it is not what all bands have in common. */
  readonly maxRepeatedMacPayload?: number;
}

/** Limits that apply to a range of frequencies, ends included. */
export interface SubBand {
  readonly minFrequencyHz: number;
  readonly maxFrequencyHz: number;
  /** Share of time a transmitter may use; 1 without limit. */
  readonly dutyCycle: number;
  readonly maxEirpDbm: number;
}

/** How channel masks of LinkADRReq are read and written. */
export interface ChannelMaskRules {
  /** By number of uplink channels. */
  readonly layout: 'mask16' | 'mask48' | 'mask64' | 'mask72' | 'mask96';
  /** ChMaskCntl 5 (banks of eight) may be used. */
  readonly banksOfEight: boolean;
  /** All masks of a frame take effect together; otherwise an empty set in between must be avoided. */
  readonly atomic: boolean;
}

/** RX1 data rates: uplink data rate index to one index per RX1DROffset. */
export type Rx1DataRates = Readonly<Record<number, readonly number[]>>;

/** Regional parameters of a band in one version of the documents. */
export interface Band {
  readonly id: string;
  /** Name of the documents, e.g. `EU868`. */
  readonly commonName: string;
  readonly region: string;
  readonly phyVersion: PhyVersion;
  readonly uplinkChannels: readonly BandChannel[];
  readonly downlinkChannels: readonly BandChannel[];
  readonly maxUplinkChannels: number;
  readonly maxDownlinkChannels: number;
  /** NewChannelReq, DlChannelReq and frequency CFLists can change channels. */
  readonly dynamicChannels: boolean;
  readonly dataRates: ReadonlyMap<number, DataRateRow>;
  /** The coding rate is part of a data rate; older versions accept any. */
  readonly strictCodingRate: boolean;
  readonly maxAdrDataRateIndex: number;
  readonly dynamicAdr: boolean;
  readonly defaultMaxEirpDbm: number;
  /** Power relative to the maximum EIRP by TXPower index. */
  readonly txOffsetsDb: readonly number[];
  readonly maxTxPowerIndex: number;
  readonly rx1Channel: 'same_index' | 'index_modulo_downlink_channels';
  readonly rx1DataRates: Rx1DataRates;
  /** RX1 data rates while the downlink dwell time limit is in force, where they differ. */
  readonly rx1DataRatesWithDwellTime?: Rx1DataRates;
  readonly rx2: { readonly dataRateIndex: number; readonly frequencyHz: number };
  /** Windows by the frequency of the join-request, where they depend on it. */
  readonly joinChannels?: ReadonlyMap<number, JoinChannel>;
  /** Undefined where join-accepts carry no CFList. */
  readonly cfListType: 'FREQUENCIES' | 'CHANNEL_MASKS' | undefined;
  readonly channelMasks: ChannelMaskRules;
  readonly subBands: readonly SubBand[];
  /** Hz per unit of 24-bit frequency fields. */
  readonly frequencyMultiplierHz: number;
  readonly beacon: {
    readonly dataRateIndex: number;
    readonly codingRate: string;
    /** Several: one after another in each beacon period. */
    readonly frequenciesHz: readonly number[];
  };
  readonly pingSlotFrequenciesHz: readonly number[];
  /** TxParamSetupReq is used in this band. */
  readonly txParamSetup: boolean;
  /** Dwell time limits a device applies before any TxParamSetupReq; undefined if unknown. */
  readonly bootDwellTime: {
    readonly uplink: boolean | undefined;
    readonly downlink: boolean | undefined;
  };
  readonly relayWorChannels: readonly {
    readonly frequencyHz: number;
    readonly ackFrequencyHz: number;
    readonly dataRateIndex: number;
  }[];
  readonly receiveDelay1Ms: number;
  readonly receiveDelay2Ms: number;
  readonly joinAcceptDelay1Ms: number;
  readonly joinAcceptDelay2Ms: number;
  readonly maxFCntGap: number;
  readonly adrAckLimit: number;
  readonly adrAckDelay: number;
}

/** What each file about a band provides: its values per version; undefined where the band did not exist yet. */
export interface BandDefinition {
  readonly id: string;
  build(phyVersion: PhyVersion): Band | undefined;
}

/** Values that all bands share. */
export const COMMON_TIMING = {
  receiveDelay1Ms: 1_000,
  receiveDelay2Ms: 2_000,
  joinAcceptDelay1Ms: 5_000,
  joinAcceptDelay2Ms: 6_000,
  maxFCntGap: 16_384,
  adrAckLimit: 64,
  adrAckDelay: 32,
} as const;

/** `count` channels from `firstIndex` and `frequencyHz` on, `stepHz` apart. */
export function channelRow(
  count: number,
  firstIndex: number,
  frequencyHz: number,
  stepHz: number,
  dataRates: readonly [min: number, max: number],
): readonly BandChannel[] {
  return Array.from({ length: count }, (_, n) => ({
    index: firstIndex + n,
    frequencyHz: frequencyHz + n * stepHz,
    minDataRateIndex: dataRates[0],
    maxDataRateIndex: dataRates[1],
  }));
}

/** TXPower offsets in steps of 2 dB. */
export function powerSteps(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? 0 : -2 * index));
}

/** A LoRa data rate with coding rate 4/5. */
export function loraRow(
  spreadingFactor: number,
  bandwidthKhz: number,
  direction: DataRateRow['direction'],
  maxMacPayload: number,
  maxMacPayloadWithDwellTime?: number,
): DataRateRow {
  const bandwidthHz = bandwidthKhz * 1000;
  const dataRate = { kind: 'lora', spreadingFactor, bandwidthHz, codingRate: '4/5' } as const;
  const row = { dataRate, direction, maxMacPayload };
  return maxMacPayloadWithDwellTime === undefined ? row : { ...row, maxMacPayloadWithDwellTime };
}

/** An FSK data rate. */
export function fskRow(
  bitRate: number,
  direction: DataRateRow['direction'],
  maxMacPayload: number,
): DataRateRow {
  return { dataRate: { kind: 'fsk', bitRate }, direction, maxMacPayload };
}

/** An LR-FHSS data rate; these are for uplinks only. */
export function lrFhssRow(
  operatingChannelWidthKhz: number,
  codingRate: string,
  maxMacPayload: number,
): DataRateRow {
  const operatingChannelWidthHz = operatingChannelWidthKhz * 1000;
  const dataRate = {
    kind: 'lrfhss',
    modulationType: 0,
    operatingChannelWidthHz,
    codingRate,
  } as const;
  return { dataRate, direction: 'up', maxMacPayload };
}
