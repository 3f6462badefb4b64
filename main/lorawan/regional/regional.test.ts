import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../hex.ts';
import vectors from '../testdata/crypto-vectors.json' with { type: 'json' };
import planVectors from '../testdata/frequency-plans.json' with { type: 'json' };
import {
  type Band,
  band,
  bandIds,
  buildCfList,
  type DataRate,
  dataRate,
  dataRateIndex,
  dataRateName,
  demodulationFloorDb,
  frequencyPlan,
  frequencyPlans,
  latestBand,
  maxMacPayload,
  parseCfList,
  rx1DataRateIndex,
  rx1FrequencyHz,
  subBandOf,
} from './index.ts';

describe('bands', () => {
  const eu: Band = band('EU_863_870', 'PHY_V1_0_3_REV_A')!;
  const us: Band = band('US_902_928', 'RP002_V1_0_3')!;
  const lora = (spreadingFactor: number, bandwidthHz: number, codingRate = '4/5'): DataRate => ({
    kind: 'lora',
    spreadingFactor,
    bandwidthHz,
    codingRate,
  });

  it('turn a modulation into an index by direction', () => {
    expect(dataRateIndex(eu, lora(7, 125_000), 'up')).toBe(5);
    expect(dataRateIndex(eu, { kind: 'fsk', bitRate: 50_000 }, 'up')).toBe(7);
    expect(dataRateIndex(us, lora(8, 500_000), 'up')).toBe(4);
    expect(dataRateIndex(us, lora(8, 500_000), 'down')).toBe(12);
    expect(dataRateIndex(us, lora(12, 125_000), 'up')).toBeUndefined();
    expect(dataRate(us, 12)).toEqual(lora(8, 500_000));
    expect(dataRate(us, 7)).toBeUndefined();
  });

  it('look at the coding rate only where the version says so', () => {
    expect(dataRateIndex(eu, lora(7, 125_000, '4/6'), 'up')).toBe(5);
    const strict = band('EU_863_870', 'RP002_V1_0_3')!;
    expect(dataRateIndex(strict, lora(7, 125_000, '4/6'), 'up')).toBeUndefined();
  });

  it('give size limits and RX1', () => {
    expect(maxMacPayload(eu, 0)).toBe(59);
    expect(maxMacPayload(us, 0, true)).toBe(19);
    expect(maxMacPayload(us, 7)).toBeUndefined();
    expect(rx1DataRateIndex(eu, 5, 2)).toBe(3);
    expect(rx1DataRateIndex(eu, 5, 6)).toBeUndefined();
    expect(rx1DataRateIndex(us, 3, 0)).toBe(13);
    expect(rx1DataRateIndex(us, 9, 0)).toBeUndefined();
    expect(rx1FrequencyHz(us, 8 + 3)).toBe(925_100_000);
    expect(rx1FrequencyHz(us, 64 + 7)).toBe(927_500_000);
    expect(rx1FrequencyHz(eu, 1)).toBe(868_300_000);
    expect(rx1FrequencyHz(eu, 3)).toBeUndefined();
  });

  it('know the limits at a frequency', () => {
    expect(subBandOf(eu, 868_100_000)).toMatchObject({ dutyCycle: 0.01, maxEirpDbm: 16.15 });
    expect(subBandOf(eu, 869_525_000)).toMatchObject({ dutyCycle: 0.1, maxEirpDbm: 29.15 });
    expect(subBandOf(eu, 867_900_000)).toMatchObject({ dutyCycle: 0.01 });
    expect(subBandOf(eu, 868_650_000)).toBeUndefined();
    expect(subBandOf(us, 923_300_000)).toMatchObject({ dutyCycle: 1 });
  });

  it('name data rates and their sensitivity', () => {
    expect(dataRateName(lora(7, 125_000))).toBe('SF7BW125');
    expect(dataRateName({ kind: 'fsk', bitRate: 50_000 })).toBe('FSK50');
    expect(demodulationFloorDb(12, 125_000)).toBe(-20);
    expect(demodulationFloorDb(8, 500_000)).toBe(-4);
    expect(demodulationFloorDb(7, 812_000)).toBeUndefined();
  });

  it('list five further frequencies for a joining device', () => {
    const vector = vectors.find((entry) => entry.operation === 'cfListFrequencies')!;
    const frequencies = (vector.given as unknown as { frequencies: number[] }).frequencies;
    const expected = (vector.expected as unknown as { cfList: string }).cfList;
    const desired = [868_100_000, 868_300_000, 868_500_000, ...frequencies, 866_900_000].map(
      (frequencyHz) => ({ frequencyHz, enabled: true }),
    );
    const list = buildCfList(eu, [{ frequencyHz: 866_100_000, enabled: false }, ...desired])!;
    expect(formatHex(list)).toBe(expected);
    expect(parseCfList(list)).toEqual({ type: 'FREQUENCIES', frequenciesHz: frequencies });
    expect(parseCfList(buildCfList(eu, [])!)).toEqual({
      type: 'FREQUENCIES',
      frequenciesHz: Array(5).fill(undefined),
    });
  });

  it('list channel masks for a joining device', () => {
    const plan = frequencyPlan('US_902_928_FSB_2')!;
    const desired = [...plan.uplinkChannels, plan.loraStandardChannel!].map(({ frequencyHz }) => ({
      frequencyHz,
      enabled: true,
    }));
    const list = buildCfList(us, desired)!;
    expect(formatHex(list)).toBe('00FF0000000000000200000000000001');
    const parsed = parseCfList(list);
    expect(parsed?.type).toBe('CHANNEL_MASKS');
    const on =
      parsed?.type === 'CHANNEL_MASKS' ? parsed.masks.flatMap((m, i) => (m ? [i] : [])) : [];
    expect(on).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 65]);
    expect(buildCfList(band('US_902_928', 'PHY_V1_0_2_REV_B')!, desired)).toBeUndefined();
  });

  it.each([
    ['AS_923', 'AS_920_923', [922_200_000, 922_400_000, 922_600_000, 922_800_000, 923_000_000]],
    ['KR_920_923', 'KR_920_923_TTN', [922_700_000, 922_900_000, 923_100_000, 923_300_000]],
    ['IN_865_867', 'IN_865_867', [865_232_500, 866_185_000, 866_385_000, 866_585_000, 866_785_000]],
    ['ISM_2400', 'ISM_2400_3CH_DRAFT2', []],
  ])('a device of %s reads the further channels of %s', (id, planId, expected) => {
    const regional = band(id, 'RP002_V1_0_3')!;
    const channels = frequencyPlan(planId)!.uplinkChannels;
    const desired = channels.map(({ frequencyHz }) => ({ frequencyHz, enabled: true }));
    const parsed = parseCfList(buildCfList(regional, desired)!, regional.frequencyMultiplierHz);
    const frequenciesHz = Array.from({ length: 5 }, (_, index) => expected[index]);
    expect(parsed).toEqual({ type: 'FREQUENCIES', frequenciesHz });
  });

  it('frequencies of the 2.4 GHz band are in steps of 200 Hz', () => {
    const regional = latestBand('ISM_2400')!;
    const list = buildCfList(regional, [{ frequencyHz: 2_430_000_000, enabled: true }])!;
    expect(formatHex(list)).toBe('F064B900000000000000000000000000');
    expect(parseCfList(list, 200)).toMatchObject({
      frequenciesHz: [2_430_000_000, undefined, undefined, undefined, undefined],
    });
  });

  it.each([
    ['AU_915_928', 'RP002_V1_0_4', 'AU_915_928_FSB_2', '00FF0000000000000000000000000001'],
    ['CN_470_510', 'PHY_V1_0_3_REV_A', 'CN_470_510_FSB_11', '00000000000000000000FF0000000001'],
  ] as const)('channel masks of %s in %s', (id, phyVersion, planId, expected) => {
    const channels = frequencyPlan(planId)!.uplinkChannels;
    const desired = channels.map(({ frequencyHz }) => ({ frequencyHz, enabled: true }));
    expect(formatHex(buildCfList(band(id, phyVersion)!, desired)!)).toBe(expected);
  });

  it('do not read a CFList they do not know', () => {
    expect(parseCfList(new Uint8Array(15))).toBeUndefined();
    expect(parseCfList(parseHex('00000000000000000000000000000002')!)).toBeUndefined();
  });
});

describe('frequency plans', () => {
  it.each(planVectors)('$id', (expected) => {
    const plan = frequencyPlan(expected.id)!;
    const single = (channel: object | undefined) => (channel ? Object.values(channel) : null);
    expect(plan.bandId).toBe(expected.bandId);
    expect(plan.name).toBe(expected.name);
    expect(plan.baseFrequencyMhz).toBe(expected.baseFrequencyMhz);
    expect(plan.uplinkChannels.map((channel) => Object.values(channel))).toEqual(expected.uplink);
    expect(plan.downlinkChannels.map((channel) => Object.values(channel))).toEqual(
      expected.downlink,
    );
    expect(single(plan.loraStandardChannel)).toEqual(expected.lora);
    expect(single(plan.fskChannel)).toEqual(expected.fsk);
    expect(
      plan.radios.map(({ enabled, chipType, frequencyHz, rssiOffsetDb, tx }) => [
        enabled,
        chipType,
        frequencyHz,
        rssiOffsetDb,
        tx?.minFrequencyHz ?? null,
        tx?.maxFrequencyHz ?? null,
      ]),
    ).toEqual(expected.radios);
    expect(plan.clockSource).toBe(expected.clockSource);
    expect(plan.rx2DefaultDataRateIndex ?? null).toBe(expected.rx2);
    expect(plan.rx2DefaultFrequencyHz ?? null).toBe(expected.rx2Hz);
    expect(plan.maxEirpDbm ?? null).toBe(expected.maxEirpDbm);
    const { dwellTime, listenBeforeTalk: lbt } = plan;
    expect(
      dwellTime
        ? [dwellTime.uplinks ?? null, dwellTime.downlinks ?? null, dwellTime.durationMs ?? null]
        : null,
    ).toEqual(expected.dwell);
    expect(lbt ? [lbt.rssiOffsetDb, lbt.rssiTargetDbm, lbt.scanTimeUs] : null).toEqual(
      expected.lbt,
    );
    const subBands = plan.subBands ?? [];
    expect(
      subBands.map(({ minFrequencyHz, maxFrequencyHz, dutyCycle, maxEirpDbm }) => [
        minFrequencyHz,
        maxFrequencyHz,
        dutyCycle ?? null,
        maxEirpDbm ?? null,
      ]),
    ).toEqual(expected.subBands);
  });

  it('are listed, and unknown ones are not invented', () => {
    expect(
      frequencyPlans()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(planVectors.map(({ id }) => id).sort());
    expect(frequencyPlan('XX')).toBeUndefined();
    for (const plan of frequencyPlans()) expect(bandIds()).toContain(plan.bandId);
  });
});
