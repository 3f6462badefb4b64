import { describe, expect, it } from 'vitest';
import { band, rx1DataRateIndex, rx1FrequencyHz } from '../lorawan/index.ts';
import { deviceRegion } from './device-region.ts';

/** RX1 data rates by uplink rate and offset, Regional Parameters 1.0.3 rev A tables 11 and 20. */
const RX1_TABLES = {
  EU_863_870: [
    [0, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, 0],
    [2, 1, 0, 0, 0, 0],
    [3, 2, 1, 0, 0, 0],
    [4, 3, 2, 1, 0, 0],
    [5, 4, 3, 2, 1, 0],
    [6, 5, 4, 3, 2, 1],
    [7, 6, 5, 4, 3, 2],
  ],
  US_902_928: [
    [10, 9, 8, 8],
    [11, 10, 9, 8],
    [12, 11, 10, 9],
    [13, 12, 11, 10],
    [13, 13, 12, 11],
  ],
} as const;

describe.each(['EU_863_870', 'US_902_928'] as const)('device tables of %s', (bandId) => {
  const region = deviceRegion(bandId);
  const network = band(bandId, 'PHY_V1_0_3_REV_A');
  if (!region || !network) throw new Error('both sides know the band');

  it('follow the RX1 table of the regional parameters', () => {
    const computed = RX1_TABLES[bandId].map((row, rate) =>
      row.map((_, offset) => region.rx1DataRateIndex(rate, offset)),
    );
    expect(computed).toEqual(RX1_TABLES[bandId]);
  });

  it('agree with the tables the network uses', () => {
    for (const [index, rate] of region.dataRates) {
      const row = network.dataRates.get(index);
      expect(row?.dataRate).toEqual(rate.modulation);
      expect(row?.maxMacPayload).toBe(rate.maxMacPayloadBytes);
    }
    expect(network.dataRates.size).toBe(region.dataRates.size);
    expect(
      network.uplinkChannels.map(({ index, frequencyHz, minDataRateIndex, maxDataRateIndex }) => [
        index,
        frequencyHz,
        minDataRateIndex,
        maxDataRateIndex,
      ]),
    ).toEqual(
      region.channels.map(({ index, frequencyHz, minDataRateIndex, maxDataRateIndex }) => [
        index,
        frequencyHz,
        minDataRateIndex,
        maxDataRateIndex,
      ]),
    );
    expect(network.rx2).toEqual(region.rx2);
    for (const channel of region.channels)
      expect(rx1FrequencyHz(network, channel.index)).toBe(channel.downlinkFrequencyHz);
    for (const [rate, { uplink }] of region.dataRates)
      for (let offset = 0; uplink && offset <= region.maxRx1DataRateOffset; offset += 1)
        expect(rx1DataRateIndex(network, rate, offset)).toBe(region.rx1DataRateIndex(rate, offset));
  });
});
