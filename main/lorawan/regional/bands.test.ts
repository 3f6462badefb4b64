import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PHY_VERSIONS, parsePhyVersion } from '../versions.ts';
import {
  type BandChannel,
  band,
  bandIds,
  type DataRate,
  type DataRateRow,
  latestBand,
  rx1ChannelIndex,
} from './index.ts';

type Run = readonly [
  index: number,
  hz: number,
  min: number,
  max: number,
  count: number,
  step: number,
];
type Rx1 = Readonly<Record<string, readonly number[]>>;

/** Numbers of one band in one or several versions, as published. */
interface Published {
  readonly versions: readonly string[];
  readonly uplinkChannels: readonly Run[];
  readonly downlinkChannels: readonly Run[];
  readonly channelLimits: readonly number[];
  readonly subBands: readonly (readonly number[])[];
  readonly dataRates: Readonly<Record<string, readonly unknown[]>>;
  readonly strictCodingRate: boolean;
  readonly adr: readonly [dynamic: boolean, maxDataRateIndex: number];
  readonly maxEirpDbm: number;
  readonly txOffsetsDb: readonly number[];
  readonly rx1DataRates: Rx1;
  readonly rx1DataRatesDwell: Rx1 | null;
  readonly rx1Modulo: number | null;
  readonly rx2: readonly number[];
  readonly cfList: string | null;
  readonly channelMasks: string;
  readonly frequencyMultiplierHz: number;
  readonly beacon: readonly [number, string, readonly number[]];
  readonly pingSlots: readonly number[];
  readonly txParamSetup: boolean;
  readonly bootDwellTime: { readonly uplink: boolean | null; readonly downlink: boolean | null };
  readonly relayWorChannels: readonly (readonly number[])[];
  readonly timing: readonly number[];
}

interface PublishedFile {
  readonly band: string;
  readonly commonName: string;
  readonly groups: readonly Published[];
}

const folder = new URL('../testdata/bands/', import.meta.url);
const files = readdirSync(folder).map(
  (name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as PublishedFile,
);
const published = files.flatMap(({ band: id, commonName, groups }) =>
  groups.flatMap((group) =>
    group.versions.map((version) => ({ ...group, band: id, commonName, version })),
  ),
);

function unrolled(runs: readonly Run[]): readonly (readonly number[])[] {
  return runs.flatMap(([index, hz, min, max, count, step]) =>
    Array.from({ length: count }, (_, n) => [index + n, hz + n * step, min, max]),
  );
}

function channelRow(channel: BandChannel): readonly number[] {
  const { index, frequencyHz, minDataRateIndex, maxDataRateIndex } = channel;
  return [index, frequencyHz, minDataRateIndex, maxDataRateIndex];
}

function modulation(rate: DataRate): readonly (string | number)[] {
  switch (rate.kind) {
    case 'lora':
      return ['lora', rate.spreadingFactor, rate.bandwidthHz, rate.codingRate];
    case 'fsk':
      return ['fsk', rate.bitRate];
    case 'lrfhss':
      return ['lrfhss', rate.modulationType, rate.operatingChannelWidthHz, rate.codingRate];
  }
}

function dataRateEntry(row: DataRateRow): readonly unknown[] {
  const { maxMacPayload, maxMacPayloadWithDwellTime } = row;
  const sizes =
    maxMacPayloadWithDwellTime === undefined
      ? maxMacPayload
      : [maxMacPayload, maxMacPayloadWithDwellTime];
  return [modulation(row.dataRate), row.direction, sizes];
}

type Given = (typeof published)[number];

/** Where the collected table differs from the documents of the LoRa Alliance, the documents count. */
function corrected(given: Given): Given {
  switch (given.band) {
    // The TXPower list ends at 14, and the US beacon is DR8 in all versions.
    case 'US_902_928':
      return {
        ...given,
        txOffsetsDb: given.txOffsetsDb.slice(0, 15),
        beacon: [8, given.beacon[1], given.beacon[2]],
      };
    case 'AU_915_928':
      return { ...given, txOffsetsDb: given.txOffsetsDb.slice(0, 15) };
    default:
      return given.band.startsWith('CN_470_510_') ? withoutMissingDataRate0(given) : given;
  }
}

/** RX1 and RX2 cannot use a data rate that the version does not define. */
function withoutMissingDataRate0(given: Given): Given {
  if (given.dataRates[0]) return given;
  const rx1 = Object.entries(given.rx1DataRates).map(([index, row]) => [
    index,
    row.map((value) => Math.max(1, value)),
  ]);
  return { ...given, rx1DataRates: Object.fromEntries(rx1), rx2: [1, given.rx2[1]!] };
}

describe.each(published)('$band in $version', (given) => {
  const expected = corrected(given);
  const regional = band(given.band, parsePhyVersion(given.version)!)!;

  it('has the published channels and limits', () => {
    expect(regional.commonName).toBe(expected.commonName);
    expect(regional.uplinkChannels.map(channelRow)).toEqual(unrolled(expected.uplinkChannels));
    expect(regional.downlinkChannels.map(channelRow)).toEqual(unrolled(expected.downlinkChannels));
    expect([regional.maxUplinkChannels, regional.maxDownlinkChannels]).toEqual(
      expected.channelLimits,
    );
    expect(regional.subBands.map((subBand) => Object.values(subBand))).toEqual(expected.subBands);
    expect(regional.relayWorChannels.map((channel) => Object.values(channel))).toEqual(
      expected.relayWorChannels,
    );
    expect(regional.frequencyMultiplierHz).toBe(expected.frequencyMultiplierHz);
  });

  it('has the published data rates', () => {
    const rates = [...regional.dataRates].map(([index, row]) => [index, dataRateEntry(row)]);
    expect(Object.fromEntries(rates)).toEqual(expected.dataRates);
    expect(regional.strictCodingRate).toBe(expected.strictCodingRate);
    expect([regional.dynamicAdr, regional.maxAdrDataRateIndex]).toEqual(expected.adr);
  });

  it('has the published power', () => {
    expect(regional.defaultMaxEirpDbm).toBe(expected.maxEirpDbm);
    expect(regional.txOffsetsDb).toEqual(expected.txOffsetsDb);
    expect(regional.maxTxPowerIndex).toBe(expected.txOffsetsDb.length - 1);
  });

  it('has the published receive windows and delays', () => {
    expect(regional.rx1DataRates).toEqual(expected.rx1DataRates);
    expect(regional.rx1DataRatesWithDwellTime ?? null).toEqual(expected.rx1DataRatesDwell);
    expect([regional.rx2.dataRateIndex, regional.rx2.frequencyHz]).toEqual(expected.rx2);
    expect(rx1ChannelIndex(regional, 61)).toBe(expected.rx1Modulo ? 61 % expected.rx1Modulo : 61);
    expect([
      regional.receiveDelay1Ms / 1000,
      regional.receiveDelay2Ms / 1000,
      regional.joinAcceptDelay1Ms / 1000,
      regional.joinAcceptDelay2Ms / 1000,
      regional.maxFCntGap,
      regional.adrAckLimit,
      regional.adrAckDelay,
    ]).toEqual(expected.timing);
    const { dataRateIndex, codingRate, frequenciesHz } = regional.beacon;
    expect([dataRateIndex, codingRate, frequenciesHz]).toEqual(expected.beacon);
    expect(regional.pingSlotFrequenciesHz).toEqual(expected.pingSlots);
    expect(regional.txParamSetup).toBe(expected.txParamSetup);
    expect(regional.bootDwellTime).toEqual({
      uplink: expected.bootDwellTime.uplink ?? undefined,
      downlink: expected.bootDwellTime.downlink ?? undefined,
    });
  });

  it('controls channels as published', () => {
    expect(regional.cfListType).toBe(expected.cfList ?? undefined);
    const { layout, banksOfEight, atomic } = regional.channelMasks;
    const text =
      layout === 'mask72'
        ? `${layout}:${banksOfEight ? 'cntl5' : 'no_cntl5'},${atomic ? 'atomic' : 'not_atomic'}`
        : layout;
    expect(text).toBe(expected.channelMasks);
  });
});

describe('bands', () => {
  it('exist in the published versions and in no other', () => {
    expect([...bandIds()].sort()).toEqual(files.map((file) => file.band).sort());
    const known = new Set(published.map((entry) => `${entry.band} ${entry.version}`));
    expect(known.size).toBe(155);
    for (const id of bandIds()) {
      for (const version of PHY_VERSIONS) {
        expect(band(id, version) !== undefined, `${id} ${version}`).toBe(
          known.has(`${id} ${version}`),
        );
      }
    }
  });

  it('are unknown under other names, and the latest version is the last that has the band', () => {
    expect(band('XX_1', 'PHY_V1_0')).toBeUndefined();
    expect(latestBand('EU_863_870')).toBe(band('EU_863_870', 'RP002_V1_0_4'));
    expect(latestBand('CN_779_787')).toBe(band('CN_779_787', 'RP002_V1_0_3'));
    expect(latestBand('CN_470_510')).toBe(band('CN_470_510', 'PHY_V1_1_REV_B'));
  });
});
