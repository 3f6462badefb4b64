import { describe, expect, it } from 'vitest';
import vectors from '../testdata/frequency-plans.json' with { type: 'json' };
import {
  channelGroup,
  frequencyPlan,
  frequencyPlans,
  openOwnPlans,
  readPlanDocument,
} from './index.ts';

type Vector = (typeof vectors)[number];
type Channel = readonly (number | null)[];

const read = (document: unknown, fallbackId = 'MINE') =>
  readPlanDocument(document, { fallbackId, findPlan: frequencyPlan });

const channel = ([frequency, min, max, radio]: Channel) => ({
  frequency,
  'min-data-rate': min,
  'max-data-rate': max,
  ...(radio !== undefined && { radio }),
});
const single = ([frequency, rate, radio]: Channel) => ({ frequency, 'data-rate': rate, radio });

/** A published plan in its published form, from the values the built-in ones are checked against. */
function published(plan: Vector): Record<string, unknown> {
  const { dwell, lbt, subBands, rx2, rx2Hz, lora, fsk, maxEirpDbm } = plan as Vector & {
    dwell: readonly [boolean | null, boolean | null, number | null] | null;
    lbt: readonly number[] | null;
    subBands: readonly (readonly (number | null)[])[];
  };
  return {
    id: plan.id,
    name: plan.name,
    'band-id': plan.bandId,
    'base-frequency': plan.baseFrequencyMhz,
    'uplink-channels': plan.uplink.map(channel),
    'downlink-channels': plan.downlink.map(channel),
    ...(lora && { 'lora-standard-channel': single(lora) }),
    ...(fsk && { 'fsk-channel': single(fsk) }),
    radios: (plan.radios as (readonly (boolean | string | number | null)[])[]).map(
      ([enable, chip, frequency, offset, min, max]) => ({
        enable,
        'chip-type': chip,
        frequency,
        'rssi-offset': offset,
        ...(min !== null && { tx: { 'min-frequency': min, 'max-frequency': max } }),
      }),
    ),
    'clock-source': plan.clockSource,
    ...(rx2 !== null && { 'rx2-default-data-rate': rx2 }),
    ...(rx2Hz !== null && { 'rx2-channel': { frequency: rx2Hz } }),
    ...(maxEirpDbm !== null && { 'max-eirp': maxEirpDbm }),
    ...(dwell && {
      'dwell-time': {
        ...(dwell[0] !== null && { uplinks: dwell[0] }),
        ...(dwell[1] !== null && { downlinks: dwell[1] }),
        ...(dwell[2] !== null && { duration: `${dwell[2]}ms` }),
      },
    }),
    ...(subBands.length > 0 && {
      'sub-bands': subBands.map(([min, max, duty, eirp]) => ({
        'min-frequency': min,
        'max-frequency': max,
        ...(duty !== null && { 'duty-cycle': duty }),
        ...(eirp !== null && { 'max-eirp': eirp }),
      })),
    }),
    ...(lbt && {
      'listen-before-talk': {
        'rssi-offset': lbt[0],
        'rssi-target': lbt[1],
        'scan-time': (lbt[2] ?? 0) * 1000,
      },
    }),
  };
}

describe('frequency plans that somebody wrote', () => {
  it.each(vectors.map((vector) => [vector.id, vector] as const))(
    '%s in its published form is the built-in plan',
    (id, vector) => {
      expect(read(published(vector))).toEqual({ ok: true, plan: frequencyPlan(id) });
    },
  );

  it('take what they leave open from the plan they are based on', () => {
    const document = {
      'base-id': 'EU_863_870_TTN',
      name: 'Hall 3',
      'uplink-channels': [{ frequency: 868_100_000, 'max-data-rate': 5 }],
    };
    const base = frequencyPlan('EU_863_870_TTN');
    expect(read(document, 'HALL-3')).toEqual({
      ok: true,
      plan: {
        ...base,
        id: 'HALL-3',
        name: 'Hall 3',
        uplinkChannels: [
          { frequencyHz: 868_100_000, minDataRateIndex: 0, maxDataRateIndex: 5, radio: 0 },
        ],
        downlinkChannels: [{ frequencyHz: 868_100_000, minDataRateIndex: 0, maxDataRateIndex: 5 }],
      },
    });
  });

  it('may write their names with underscores or in camel case', () => {
    const channels = [{ frequency: 868_100_000, minDataRate: 0, max_data_rate: 5 }];
    const reading = read({ bandId: 'EU_863_870', uplink_channels: channels, max_eirp: 10 });
    expect(reading).toMatchObject({
      ok: true,
      plan: { id: 'MINE', name: 'MINE', baseFrequencyMhz: 868, maxEirpDbm: 10 },
    });
  });

  const EU = { 'band-id': 'EU_863_870' };
  const one = { frequency: 868_100_000, 'max-data-rate': 5 };
  const good = { ...EU, 'uplink-channels': [one] };
  const us = (frequency: number) => ({
    'band-id': 'US_902_928',
    'uplink-channels': [{ frequency, 'max-data-rate': 3 }],
  });
  it.each([
    [null, 'wrong_type', ''],
    ['EU_863_870', 'wrong_type', ''],
    [{}, 'missing', 'band-id'],
    [EU, 'missing', 'uplink-channels'],
    [{ ...good, 'band-id': 'EU868' }, 'unknown_band', 'band-id'],
    [{ ...good, 'base-id': 'NOBODY' }, 'unknown_base', 'base-id'],
    [{ ...good, 'base-id': 'US_902_928_FSB_2' }, 'unknown_base', 'base-id'],
    [{ ...good, id: 'no spaces' }, 'wrong_type', 'id'],
    [{ ...good, uplinks: [] }, 'unknown_field', 'uplinks'],
    [{ ...good, band_id: 'EU_863_870' }, 'duplicate_field', 'band_id'],
    [{ ...good, 'max-eirp': '16' }, 'wrong_type', 'max-eirp'],
    [{ ...good, 'max-eirp': 99 }, 'out_of_range', 'max-eirp'],
    [{ ...good, 'uplink-channels': one }, 'wrong_type', 'uplink-channels'],
    [{ ...good, 'uplink-channels': [one, 7] }, 'wrong_type', 'uplink-channels[1]'],
    [
      { ...EU, 'uplink-channels': [{ frequency: 868_100_000 }] },
      'missing',
      'uplink-channels[0].max-data-rate',
    ],
    [{ ...EU, 'uplink-channels': [one, one] }, 'duplicate_field', 'uplink-channels[1].frequency'],
    [
      { ...EU, 'uplink-channels': [{ ...one, frequency: 902_300_000 }] },
      'out_of_band',
      'uplink-channels[0].frequency',
    ],
    [
      { ...EU, 'uplink-channels': [{ ...one, frequency: 868_100_050 }] },
      'out_of_band',
      'uplink-channels[0].frequency',
    ],
    [
      { ...EU, 'uplink-channels': [{ ...one, frequency: 868.1 }] },
      'wrong_type',
      'uplink-channels[0].frequency',
    ],
    [
      { ...EU, 'uplink-channels': [{ ...one, 'max-data-rate': 14 }] },
      'out_of_band',
      'uplink-channels[0].max-data-rate',
    ],
    [
      { ...EU, 'uplink-channels': [{ ...one, 'min-data-rate': 5, 'max-data-rate': 0 }] },
      'out_of_range',
      'uplink-channels[0].min-data-rate',
    ],
    [
      { ...EU, 'uplink-channels': Array.from({ length: 97 }, () => one) },
      'too_many',
      'uplink-channels',
    ],
    [
      {
        ...EU,
        'uplink-channels': Array.from({ length: 17 }, (_, index) => ({
          ...one,
          frequency: 867_100_000 + index * 1000,
        })),
      },
      'too_many',
      'uplink-channels',
    ],
    [us(902_400_000), 'out_of_band', 'uplink-channels[0].frequency'],
    [
      { ...good, 'lora-standard-channel': { frequency: 868_300_000, 'data-rate': 7 } },
      'out_of_band',
      'lora-standard-channel.data-rate',
    ],
    [
      { ...good, 'fsk-channel': { frequency: 868_800_000, 'data-rate': 6 } },
      'out_of_band',
      'fsk-channel.data-rate',
    ],
    [
      { ...good, radios: [{ frequency: 868_500_000 }], 'uplink-channels': [{ ...one, radio: 1 }] },
      'out_of_range',
      'uplink-channels[0].radio',
    ],
    [
      {
        ...good,
        radios: [
          {
            frequency: 868_500_000,
            tx: { 'min-frequency': 870_000_000, 'max-frequency': 863_000_000 },
          },
        ],
      },
      'out_of_range',
      'radios[0].tx.min-frequency',
    ],
    [{ ...good, 'clock-source': 3 }, 'out_of_range', 'clock-source'],
    [{ ...good, 'rx2-default-data-rate': 14 }, 'out_of_band', 'rx2-default-data-rate'],
    [
      { ...good, 'rx2-channel': { frequency: 923_300_000 } },
      'out_of_band',
      'rx2-channel.frequency',
    ],
    [{ ...good, 'dwell-time': { uplinks: 'yes' } }, 'wrong_type', 'dwell-time.uplinks'],
    [{ ...good, 'dwell-time': { duration: '400' } }, 'wrong_type', 'dwell-time.duration'],
    [{ ...good, 'dwell-time': { duration: -1 } }, 'wrong_type', 'dwell-time.duration'],
    [
      {
        ...good,
        'sub-bands': [
          { 'min-frequency': 863_000_000, 'max-frequency': 870_000_000, 'duty-cycle': 2 },
        ],
      },
      'out_of_range',
      'sub-bands[0].duty-cycle',
    ],
    [
      { ...good, 'listen-before-talk': { 'scan-time': '5ms' } },
      'missing',
      'listen-before-talk.rssi-target',
    ],
  ])('are refused with what is wrong where: %j', (document, code, field) => {
    const reading = read(document);
    expect(reading.ok).toBe(false);
    expect(reading.ok ? [] : reading.problems).toContainEqual(
      expect.objectContaining({ code, field }),
    );
  });

  it('stand behind the built-in ones until they are taken away', () => {
    const reading = read(good);
    if (!reading.ok) throw new Error('not read');
    const own = openOwnPlans();
    const others = openOwnPlans();
    own.replace([reading.plan]);
    expect(frequencyPlan('MINE')).toBe(reading.plan);
    expect(frequencyPlans().at(-1)).toBe(reading.plan);
    others.replace([{ ...reading.plan, id: 'EU_863_870', name: 'somebody else' }]);
    expect(frequencyPlan('EU_863_870')?.name).not.toBe('somebody else');
    own.release();
    others.release();
    expect(frequencyPlan('MINE')).toBeUndefined();
    expect(frequencyPlans()).toHaveLength(71);
  });

  it('say which group of eight channels they use', () => {
    for (const { id } of frequencyPlans()) {
      const plan = frequencyPlan(id)!;
      const group = /^(?:US|AU)_.*_FSB_(\d)/.exec(id)?.[1];
      if (group) expect(channelGroup(plan), id).toBe(Number(group));
    }
    expect(channelGroup(frequencyPlan('EU_863_870')!)).toBeUndefined();
    const all = frequencyPlan('US_902_928_FSB_1')!.uplinkChannels;
    const two = [...all, ...frequencyPlan('US_902_928_FSB_2')!.uplinkChannels];
    expect(
      channelGroup({ ...frequencyPlan('US_902_928_FSB_1')!, uplinkChannels: two }),
    ).toBeUndefined();
  });
});
