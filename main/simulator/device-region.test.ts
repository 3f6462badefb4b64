import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Modulation } from '../base/gateway-link.ts';
import {
  initialChannels,
  readFrequencyHz,
  withCfList,
  withChannelMask,
} from './device-channels.ts';
import {
  DEVICE_MAC_VERSIONS,
  initialRadioSettings,
  usableDataRate,
} from './device-radio-settings.ts';
import { type DeviceBandId, type DeviceRegion, deviceRegion } from './device-region.ts';

type ChannelRow = readonly [
  index: number,
  hz: number,
  minRate: number,
  maxRate: number,
  count: number,
  stepHz: number,
];
type Rx1Rows = Readonly<Record<string, readonly number[]>>;

/** The numbers of a band as published. */
interface Published {
  readonly versions: readonly string[];
  readonly uplinkChannels: readonly ChannelRow[];
  readonly downlinkChannels: readonly ChannelRow[];
  readonly dataRates: Readonly<
    Record<
      string,
      readonly [readonly (string | number)[], string, number | readonly [off: number, on: number]]
    >
  >;
  readonly maxEirpDbm: number;
  readonly txOffsetsDb: readonly number[];
  readonly rx1DataRates: Rx1Rows;
  readonly rx1DataRatesDwell: Rx1Rows | null;
  readonly rx1Modulo: number | null;
  readonly rx2: readonly [dataRate: number, hz: number];
  readonly cfList: string | null;
  readonly frequencyMultiplierHz: number;
  readonly txParamSetup: boolean;
  readonly bootDwellTime: { readonly uplink: boolean | null; readonly downlink: boolean | null };
}

/** Regional parameters that belong to a LoRaWAN version. The older plan of CN470 ends with 1.0.3. */
const PARAMETERS = {
  '1.0.2': 'PHY_V1_0_2_REV_B',
  '1.0.3': 'PHY_V1_0_3_REV_A',
  '1.0.4': 'RP002_V1_0_1',
  '1.1': 'PHY_V1_1_REV_B',
} as const;

const folder = new URL('../lorawan/testdata/bands/', import.meta.url);
const CASES = readdirSync(folder).flatMap((name) => {
  const file = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
    readonly band: string;
    readonly groups: readonly Published[];
  };
  return DEVICE_MAC_VERSIONS.flatMap((macVersion) => {
    const region = deviceRegion(file.band, macVersion);
    const numbers = file.groups.find(({ versions }) => versions.includes(PARAMETERS[macVersion]));
    return region && numbers ? [{ band: file.band, macVersion, region, numbers }] : [];
  });
});

function modulationOf([kind, ...values]: readonly (string | number)[]): Modulation | undefined {
  if (kind === 'fsk') return { kind, bitRate: Number(values[0]) };
  if (kind !== 'lora') return undefined;
  const [spreadingFactor, bandwidthHz, codingRate] = values;
  return {
    kind,
    spreadingFactor: Number(spreadingFactor),
    bandwidthHz: Number(bandwidthHz),
    codingRate: String(codingRate),
  };
}

const frequencies = (rows: readonly ChannelRow[]): readonly number[] =>
  rows.flatMap(([, hz, , , count, stepHz]) =>
    Array.from({ length: count }, (_, position) => hz + position * stepHz),
  );

function rx1Of(region: DeviceRegion, rows: Rx1Rows, downlinkDwellTime: boolean): Rx1Rows {
  return Object.fromEntries(
    Object.entries(rows).map(([rate, row]) => [
      rate,
      row.map((_, offset) => region.rx1DataRateIndex(Number(rate), offset, downlinkDwellTime)),
    ]),
  );
}

/** Without the data rates that are not defined (RX1 of IN865 can name one). */
const defined = (rows: Rx1Rows, { dataRates }: DeviceRegion): Rx1Rows =>
  Object.fromEntries(
    Object.entries(rows).map(([rate, row]) => [
      rate,
      row.map((value) => (dataRates.has(value) ? value : value - 1)),
    ]),
  );

it('covers the bands of a device in each version that has them', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(40);
});

describe.each(CASES)('$band of $macVersion', ({ region, numbers }) => {
  it('has the published data rates', () => {
    const published = Object.entries(numbers.dataRates).flatMap(
      ([index, [of, direction, size]]) => {
        const modulation = modulationOf(of);
        const [off, on] = typeof size === 'number' ? [size, undefined] : size;
        return modulation ? [{ index: Number(index), modulation, direction, off, on }] : [];
      },
    );
    expect([...region.dataRates.keys()]).toEqual(published.map(({ index }) => index));
    for (const { index, modulation, direction, off, on } of published) {
      const rate = region.dataRates.get(index);
      expect(rate).toMatchObject({ modulation, maxMacPayloadBytes: off });
      if (on !== undefined) expect(rate?.maxMacPayloadWithDwellTime).toBe(on);
      expect([rate?.uplink, rate?.downlink]).toEqual([direction !== 'down', direction !== 'up']);
    }
  });

  it('has the published channels, and answers on theirs', () => {
    const rows = numbers.uplinkChannels.flatMap(([first, hz, min, max, count, stepHz]) =>
      Array.from({ length: count }, (_, n) => [first + n, hz + n * stepHz, min, max]),
    );
    expect(
      region.channels.map(({ index, frequencyHz, minDataRateIndex, maxDataRateIndex }) => [
        index,
        frequencyHz,
        minDataRateIndex,
        maxDataRateIndex,
      ]),
    ).toEqual(rows);
    const downlinks = frequencies(numbers.downlinkChannels);
    const modulo = numbers.rx1Modulo ?? downlinks.length;
    for (const { index, downlinkFrequencyHz } of region.channels)
      expect(downlinkFrequencyHz).toBe(downlinks[index % modulo]);
  });

  it('has the published receive windows', () => {
    const { rx1DataRates, rx1DataRatesDwell, rx2 } = numbers;
    expect(rx1Of(region, rx1DataRates, false)).toEqual(defined(rx1DataRates, region));
    if (rx1DataRatesDwell)
      expect(rx1Of(region, rx1DataRatesDwell, true)).toEqual(defined(rx1DataRatesDwell, region));
    const offsets = Object.values(rx1DataRates)[0]?.length ?? 0;
    expect(region.maxRx1DataRateOffset).toBe(offsets - 1);
    expect([region.rx2.dataRateIndex, region.rx2.frequencyHz]).toEqual(rx2);
    expect(region.isDownlinkFrequency(rx2[1])).toBe(true);
  });

  it('has the published powers, lists and commands', () => {
    expect(region.maxEirpDbm).toBe(numbers.maxEirpDbm);
    // The documents of US915 and AU915 end at index 14.
    const highest = Math.min(14, numbers.txOffsetsDb.length - 1);
    expect(region.maxTxPowerIndex).toBe(highest);
    expect(numbers.txOffsetsDb.slice(0, highest + 1)).toEqual(
      Array.from({ length: highest + 1 }, (_, index) => 0 - 2 * index),
    );
    const lists = { FREQUENCIES: 'frequencies', CHANNEL_MASKS: 'masks' } as const;
    expect(region.cfList).toBe(numbers.cfList ? lists[numbers.cfList as 'FREQUENCIES'] : undefined);
    expect(region.frequencyStepHz).toBe(numbers.frequencyMultiplierHz);
    expect(region.txParamSetup).toBe(numbers.txParamSetup);
    const { uplink, downlink } = numbers.bootDwellTime;
    if (!numbers.txParamSetup) return;
    if (uplink !== null) expect(region.bootDwellTime.uplink).toBe(uplink);
    if (downlink !== null) expect(region.bootDwellTime.downlink).toBe(downlink);
  });
});

const regionOf = (bandId: DeviceBandId, macVersion?: '1.0.2' | '1.0.4'): DeviceRegion => {
  const region = deviceRegion(bandId, macVersion);
  if (!region) throw new Error(`no region ${bandId}`);
  return region;
};

/** Numbers of the channels that are on after some masks. */
function enabledAfter(
  region: DeviceRegion,
  ...masks: readonly (readonly [control: number, mask: number])[]
): readonly number[] | undefined {
  let channels: ReturnType<typeof withChannelMask> = region.channels;
  for (const [control, mask] of masks)
    channels = channels && withChannelMask(region, channels, control, mask);
  return channels?.filter(({ enabled }) => enabled).map(({ index }) => index);
}

const span = (first: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, position) => first + position);

describe('channel masks', () => {
  it('of CN470 come in six banks, or switch all channels on', () => {
    const region = regionOf('CN_470_510');
    const off = span(0, 6).map((bank) => [bank, 0] as const);
    expect(enabledAfter(region, ...off)).toEqual([]);
    expect(enabledAfter(region, ...off, [5, 0x00ff])).toEqual(span(80, 8));
    expect(enabledAfter(region, ...off, [6, 0])).toHaveLength(96);
    expect(enabledAfter(region, [7, 0])).toBeUndefined();
  });

  it('of US915 switch banks of eight with their wide channel, since 1.0.3', () => {
    const region = regionOf('US_902_928');
    expect(enabledAfter(region, [5, 0x02])).toEqual([...span(8, 8), 65]);
    expect(enabledAfter(regionOf('US_902_928', '1.0.2'), [5, 0x02])).toBeUndefined();
    expect(enabledAfter(region, [7, 0x01], [0, 0x0003])).toEqual([0, 1, 64]);
    expect(enabledAfter(region, [7, 0], [6, 0x80])).toEqual([...span(0, 64), 71]);
    expect(enabledAfter(region, [7, 0], [4, 0x03])).toEqual([64, 65]);
  });

  it('of dynamic bands name channels that exist, or switch all on', () => {
    const region = regionOf('AS_923');
    expect(enabledAfter(region, [0, 0x0002])).toEqual([1]);
    expect(enabledAfter(region, [0, 0x0004])).toBeUndefined();
    expect(enabledAfter(region, [0, 0x0001], [6, 0])).toEqual([0, 1]);
    expect(enabledAfter(region, [1, 0x0001])).toBeUndefined();
  });
});

describe('what a device does with its region', () => {
  it('reads frequencies in steps of 200 Hz at 2.4 GHz', () => {
    // 2425 MHz is 12,125,000 = 0xB90348 steps.
    const field = Uint8Array.of(0x48, 0x03, 0xb9);
    expect(readFrequencyHz(regionOf('ISM_2400'), field, 0)).toBe(2_425_000_000);
    const list = Uint8Array.of(0x58, 0x2a, 0xb9, ...new Uint8Array(13));
    const channels = withCfList(regionOf('ISM_2400'), regionOf('ISM_2400').channels, list);
    expect(channels.at(-1)).toMatchObject({ index: 3, frequencyHz: 2_427_000_000 });
  });

  it('ignores a list of masks where the version has none', () => {
    const list = Uint8Array.of(0, 0xff, ...new Uint8Array(13), 1);
    const after = (version?: '1.0.2'): number =>
      withCfList(
        regionOf('CN_470_510', version),
        regionOf('CN_470_510', version).channels,
        list,
      ).filter(({ enabled }) => enabled).length;
    expect([after(), after('1.0.2')]).toEqual([8, 96]);
  });

  it('restricts itself to a sub-band of eight channels', () => {
    const on = (bandId: DeviceBandId, subBand: number): readonly number[] =>
      initialChannels(regionOf(bandId), subBand)
        .filter(({ enabled }) => enabled)
        .map(({ index }) => index);
    expect(on('CN_470_510', 11)).toEqual(span(80, 8));
    expect(on('AU_915_928', 2)).toEqual([...span(8, 8), 65]);
  });

  it('is not slower than 400 ms per frame allow', () => {
    const settings = initialRadioSettings(regionOf('AS_923'), '1.0.3', 0);
    expect(usableDataRate(settings, 0)).toBe(2);
    expect(usableDataRate({ ...settings, uplinkDwellTime: false }, 0)).toBe(0);
  });
});
