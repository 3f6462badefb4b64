import { describe, expect, it } from 'vitest';
import type { JsonValue } from './formatter-result.ts';
import { parseNormalizedPayload } from './normalized-payload.ts';

const LIMITS: readonly [string, string, number, number][] = [
  ['air', 'relativeHumidity', 0, 100],
  ['air', 'pressure', 900, 1100],
  ['air', 'co2', 0, 1_000_000],
  ['soil', 'moisture', 0, 100],
  ['soil', 'ec', 0, 621],
  ['soil', 'pH', 0, 14],
  ['soil', 'n', 0, 1_000_000],
  ['soil', 'p', 0, 1_000_000],
  ['soil', 'k', 0, 1_000_000],
];
const MINIMA: readonly [string, string, number][] = [
  ['air', 'temperature', -273.15],
  ['air', 'lightIntensity', 0],
  ['wind', 'speed', 0],
  ['wind', 'direction', 0],
  ['soil', 'depth', 0],
  ['soil', 'temperature', -273.15],
];

describe('normalized payload', () => {
  it.each(LIMITS)('%s.%s is at most its maximum', (group, field, _min, max) => {
    expect(parseNormalizedPayload([{ [group]: { [field]: max } }])).toEqual({
      ok: true,
      measurements: [{ [group]: { [field]: max } }],
      warnings: [],
    });
    expect(parseNormalizedPayload([{ [group]: { [field]: max + 0.5 } }])).toMatchObject({
      measurements: [],
      warnings: [expect.stringMatching(new RegExp(`^measurement 1: ${group}\\.${field} `))],
    });
  });

  it.each([
    ...LIMITS.map(([group, field, min]): [string, string, number] => [group, field, min]),
    ...MINIMA,
  ])('%s.%s is at least its minimum', (group, field, min) => {
    expect(parseNormalizedPayload([{ [group]: { [field]: min } }])).toMatchObject({
      measurements: [{ [group]: { [field]: min } }],
      warnings: [],
    });
    expect(parseNormalizedPayload([{ [group]: { [field]: min - 0.5 } }])).toMatchObject({
      measurements: [],
      warnings: [expect.stringContaining(`${group}.${field}`)],
    });
  });

  it('keeps a wind direction below 360', () => {
    expect(parseNormalizedPayload([{ wind: { direction: 359.9 } }])).toMatchObject({
      warnings: [],
    });
    expect(parseNormalizedPayload([{ wind: { direction: 360 } }])).toMatchObject({
      measurements: [],
    });
  });

  it('leaves out only what is out of range and counts measurements from 1', () => {
    const parsed = parseNormalizedPayload([
      { air: { temperature: 20 } },
      { air: { temperature: -300, co2: 400 }, soil: { pH: 15 }, time: '2031-05-04T10:20:30Z' },
    ]);
    expect(parsed).toMatchObject({
      measurements: [
        { air: { temperature: 20 } },
        { air: { co2: 400 }, time: '2031-05-04T10:20:30Z' },
      ],
      warnings: [
        expect.stringMatching(/^measurement 2: air\.temperature/),
        expect.stringMatching(/^measurement 2: soil\.pH/),
      ],
    });
  });

  it.each<{ readonly data: JsonValue }>([
    { data: { humidity: 4 } },
    { data: { air: { humidity: 4 } } },
    { data: { air: { constructor: 4 } } },
    { data: { air: 4 } },
    { data: { air: null } },
    { data: { air: { temperature: '4' } } },
    { data: { air: { temperature: null } } },
    { data: { time: 4 } },
    { data: { time: 'yesterday' } },
    { data: 4 },
    { data: [] },
  ])('does not take $data for a measurement', ({ data }) => {
    expect(parseNormalizedPayload([data])).toMatchObject({ ok: false });
  });

  it.each([
    ['2031-05-04T10:20:30Z', true],
    ['2031-05-04T10:20:30.123456789+02:00', true],
    ['2028-02-29T00:00:00Z', true],
    ['2031-02-29T00:00:00Z', false],
    ['2031-13-01T00:00:00Z', false],
    ['2031-05-04T24:00:00Z', false],
    ['2031-05-04 10:20:30Z', false],
    ['2031-05-04T10:20:30', false],
  ])('reads the time %s: %s', (time, ok) => {
    expect(parseNormalizedPayload([{ time }]).ok).toBe(ok);
  });
});
