import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PhyVersion } from '../versions.ts';
import {
  applyChannelMask,
  type Band,
  band,
  type ChannelMask,
  generateChannelMasks,
} from './index.ts';

const eu = band('EU_863_870', 'PHY_V1_0_3_REV_A')!;
const us = (version: PhyVersion): Band => band('US_902_928', version)!;
const usLatest = us('RP002_V1_0_4');

function channels(count: number, ...on: readonly number[]): boolean[] {
  return Array.from({ length: count }, (_, index) => on.includes(index));
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

function applyAll(
  regional: Band,
  current: readonly boolean[],
  masks: readonly ChannelMask[],
): readonly boolean[] {
  return masks.reduce<readonly boolean[]>(
    (enabled, mask) => applyChannelMask(regional, enabled, mask)!,
    current,
  );
}

const all72 = channels(72, ...range(0, 72));

describe('reading masks', () => {
  it('of a band with 16 channels', () => {
    const mask = { channelMaskControl: 0, channelMask: 0b1010_0111 };
    expect(applyChannelMask(eu, channels(16, 4), mask)).toEqual(channels(16, 0, 1, 2, 5, 7));
    const allOn = { channelMaskControl: 6, channelMask: 0 };
    expect(applyChannelMask(eu, channels(16), allOn)).toEqual(channels(16, ...range(0, 16)));
    expect(applyChannelMask(eu, [], { channelMaskControl: 5, channelMask: 0 })).toBeUndefined();
  });

  it('of a band with 72 channels', () => {
    const apply = (channelMaskControl: number, channelMask: number, from = channels(72)) =>
      applyChannelMask(usLatest, from, { channelMaskControl, channelMask });
    expect(apply(1, 0x8001)).toEqual(channels(72, 16, 31));
    expect(apply(4, 0x81)).toEqual(channels(72, 64, 71));
    expect(apply(5, 0b10)).toEqual(channels(72, ...range(8, 8), 65));
    expect(apply(6, 0b100)).toEqual(channels(72, ...range(0, 64), 66));
    expect(apply(7, 0b10, all72)).toEqual(channels(72, 65));
    expect(apply(8, 0)).toBeUndefined();
  });
});

describe('masks of banks of 16 channels', () => {
  const bandWith = (id: string, version: PhyVersion): Band => band(id, version)!;
  const layouts = [
    { regional: bandWith('CN_470_510_26_A', 'RP002_V1_0_4'), count: 48, allOn: 3, allOff: 4 },
    { regional: bandWith('CN_470_510_20_A', 'RP002_V1_0_4'), count: 64, allOn: 6, allOff: 7 },
    {
      regional: bandWith('CN_470_510', 'PHY_V1_0_3_REV_A'),
      count: 96,
      allOn: 6,
      allOff: undefined,
    },
  ];

  it.each(layouts)('$count channels are read', ({ regional, count, allOn, allOff }) => {
    const apply = (channelMaskControl: number, channelMask = 0, from = channels(count)) =>
      applyChannelMask(regional, from, { channelMaskControl, channelMask });
    const all = channels(count, ...range(0, count));
    for (let bank = 0; bank < count / 16; bank++) {
      expect(apply(bank, 0x8001)).toEqual(channels(count, 16 * bank, 16 * bank + 15));
    }
    expect(apply(allOn)).toEqual(all);
    if (allOff !== undefined) expect(apply(allOff, 0xffff, all)).toEqual(channels(count));
    const defined = new Set([...range(0, count / 16), allOn, allOff]);
    const others = range(0, 9).filter((control) => !defined.has(control));
    expect(others.map((control) => apply(control))).toEqual(others.map(() => undefined));
  });

  it.each(layouts)('$count channels take few commands', ({ regional, count, allOn, allOff }) => {
    const all = channels(count, ...range(0, count));
    const none = channels(count);
    expect(generateChannelMasks(regional, none, all)).toEqual([
      { channelMaskControl: allOn, channelMask: 0 },
    ]);
    expect(generateChannelMasks(regional, all, channels(count, 3))).toHaveLength(
      allOff === undefined ? 6 : 2,
    );
    expect(generateChannelMasks(regional, channels(count, 1), channels(count, 1))).toEqual([
      { channelMaskControl: 0, channelMask: 2 },
    ]);
  });

  it.each(layouts)('$count channels always become the desired ones', ({ regional, count }) => {
    const set = fc.array(fc.boolean(), { minLength: count, maxLength: count });
    fc.assert(
      fc.property(set, set, (current, desired) => {
        const masks = generateChannelMasks(regional, current, desired);
        expect(applyAll(regional, current, masks)).toEqual(desired);
      }),
    );
  });
});

describe('writing masks', () => {
  it('takes one command for 16 channels', () => {
    expect(generateChannelMasks(eu, channels(16), channels(16, 0, 1, 2))).toEqual([
      { channelMaskControl: 0, channelMask: 7 },
    ]);
  });

  it('leads from all channels to one sub-band in few commands', () => {
    const desired = channels(72, ...range(8, 8), 65);
    expect(generateChannelMasks(usLatest, all72, desired)).toEqual([
      { channelMaskControl: 7, channelMask: 2 },
      { channelMaskControl: 0, channelMask: 0xff00 },
    ]);
    const old = generateChannelMasks(us('PHY_V1_0_1'), all72, desired);
    expect(old[0]).toEqual({ channelMaskControl: 0, channelMask: 0xff00 });
    expect(old).toHaveLength(5);
  });

  it('uses banks of eight where they are shorter', () => {
    const desired = channels(72, ...range(0, 8), ...range(16, 8), ...range(32, 8), 64, 66, 68);
    const masks = generateChannelMasks(usLatest, all72, desired);
    expect(masks[0]).toEqual({ channelMaskControl: 5, channelMask: 0b10101 });
    expect(masks).toHaveLength(2);
    expect(generateChannelMasks(us('PHY_V1_0_2_REV_B'), all72, desired).length).toBeGreaterThan(2);
  });

  it('sends one mask also if nothing changes', () => {
    const desired = channels(72, 0, 5);
    expect(generateChannelMasks(usLatest, desired, desired)).toEqual([
      { channelMaskControl: 0, channelMask: 0b100001 },
    ]);
  });

  it('sees a change of channel 64 alone', () => {
    const current = channels(72, ...range(0, 8), 64);
    expect(generateChannelMasks(usLatest, current, channels(72, ...range(0, 8)))).toEqual([
      { channelMaskControl: 4, channelMask: 0 },
    ]);
  });

  it('always reaches the desired channels, whatever the version', () => {
    const versions: readonly PhyVersion[] = ['PHY_V1_0', 'PHY_V1_0_2_REV_B', 'RP002_V1_0_4'];
    const bank = fc.oneof(
      fc.constant(Array<boolean>(8).fill(true)),
      fc.constant(Array<boolean>(8).fill(false)),
      fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    );
    const set = fc.array(bank, { minLength: 9, maxLength: 9 }).map((banks) => banks.flat());
    fc.assert(
      fc.property(set, set, fc.constantFrom(...versions), (current, desired, version) => {
        fc.pre(desired.some(Boolean) && current.some(Boolean));
        const regional = us(version);
        const masks = generateChannelMasks(regional, current, desired);
        expect(applyAll(regional, current, masks)).toEqual(desired);
        expect(masks.length).toBeLessThanOrEqual(5);
      }),
      { numRuns: 5000 },
    );
  });
});
