import type { Band } from './band.ts';

/** One pair of LinkADRReq: which channels it names and their mask. */
export interface ChannelMask {
  /** ChMaskCntl, 0 to 7. */
  readonly channelMaskControl: number;
  /** ChMask, 16 bits. */
  readonly channelMask: number;
}

const BANK = 16;
const NARROW_CHANNELS = 64;
const WIDE_CHANNELS = 8;
const ALL_CHANNELS = NARROW_CHANNELS + WIDE_CHANNELS;

type Enabled = readonly boolean[];

function bitsOf(enabled: Enabled, first: number, count: number): number {
  let bits = 0;
  for (let i = 0; i < count; i++) if (enabled[first + i]) bits |= 1 << i;
  return bits;
}

function withBits(enabled: Enabled, first: number, count: number, mask: number): boolean[] {
  const result = [...enabled];
  for (let i = 0; i < count; i++) result[first + i] = ((mask >> i) & 1) === 1;
  return result;
}

function apply16(enabled: Enabled, mask: ChannelMask): boolean[] | undefined {
  switch (mask.channelMaskControl) {
    case 0:
      return withBits(enabled, 0, BANK, mask.channelMask);
    case 6:
      return withBits(enabled, 0, BANK, 0xffff);
    default:
      return undefined;
  }
}

/** Number of channels and the ChMaskCntl values that switch all of them, in layouts of plain banks of 16. */
const BANK_LAYOUTS = {
  mask48: { channels: 48, allOn: 3, allOff: 4 },
  mask64: { channels: 64, allOn: 6, allOff: 7 },
  mask96: { channels: 96, allOn: 6, allOff: undefined },
} as const;
type BankLayout = (typeof BANK_LAYOUTS)[keyof typeof BANK_LAYOUTS];

function applyBanks(
  layout: BankLayout,
  enabled: Enabled,
  mask: ChannelMask,
): boolean[] | undefined {
  const { channelMaskControl, channelMask } = mask;
  const full = Array.from({ length: layout.channels }, (_, index) => enabled[index] === true);
  if (channelMaskControl < layout.channels / BANK) {
    return withBits(full, BANK * channelMaskControl, BANK, channelMask);
  }
  if (channelMaskControl === layout.allOn) return full.fill(true);
  if (channelMaskControl === layout.allOff) return full.fill(false);
  return undefined;
}

function setRange(enabled: Enabled, first: number, count: number, value: boolean): boolean[] {
  const result = [...enabled];
  result.fill(value, first, first + count);
  return result;
}

/** Bit i switches channels 8·i to 8·i + 7 and the wide channel 64 + i. */
function applyBanksOfEight(enabled: Enabled, channelMask: number): boolean[] {
  let result = withBits(enabled, NARROW_CHANNELS, WIDE_CHANNELS, channelMask);
  for (let bank = 0; bank < WIDE_CHANNELS; bank++) {
    result = setRange(result, 8 * bank, 8, ((channelMask >> bank) & 1) === 1);
  }
  return result;
}

function apply72(enabled: Enabled, mask: ChannelMask): boolean[] | undefined {
  const { channelMaskControl, channelMask } = mask;
  const full = Array.from({ length: ALL_CHANNELS }, (_, index) => enabled[index] === true);
  switch (channelMaskControl) {
    case 0:
    case 1:
    case 2:
    case 3:
      return withBits(full, BANK * channelMaskControl, BANK, channelMask);
    case 4:
      return withBits(full, NARROW_CHANNELS, WIDE_CHANNELS, channelMask);
    case 5:
      return applyBanksOfEight(full, channelMask);
    case 6:
    case 7:
      return withBits(
        setRange(full, 0, NARROW_CHANNELS, channelMaskControl === 6),
        NARROW_CHANNELS,
        WIDE_CHANNELS,
        channelMask,
      );
    default:
      return undefined;
  }
}

/**
 * Enabled channels after one mask.
 *
 * @param enabled by channel number
 * @returns undefined for a ChMaskCntl that the band does not define
 */
export function applyChannelMask(
  regional: Band,
  enabled: readonly boolean[],
  mask: ChannelMask,
): boolean[] | undefined {
  const { layout } = regional.channelMasks;
  switch (layout) {
    case 'mask16':
      return apply16(enabled, mask);
    case 'mask72':
      return apply72(enabled, mask);
    default:
      return applyBanks(BANK_LAYOUTS[layout], enabled, mask);
  }
}

function bankDifferences(layout: BankLayout, current: Enabled, desired: Enabled): ChannelMask[] {
  return Array.from({ length: layout.channels / BANK }, (_, bank) => ({
    channelMaskControl: bank,
    channelMask: bitsOf(desired, BANK * bank, BANK),
  })).filter(
    ({ channelMaskControl, channelMask }) =>
      channelMask !== bitsOf(current, BANK * channelMaskControl, BANK),
  );
}

/** Banks that differ, or all channels on or off first if that takes fewer commands. */
function generateBanks(
  layout: BankLayout,
  current: Enabled,
  desired: Enabled,
): readonly ChannelMask[] {
  const plain = bankDifferences(layout, current, desired);
  if (plain.length === 0) {
    return [{ channelMaskControl: 0, channelMask: bitsOf(desired, 0, BANK) }];
  }
  const startingWith = (control: number | undefined, on: boolean): readonly ChannelMask[] => {
    if (control === undefined) return plain;
    const first = { channelMaskControl: control, channelMask: 0 };
    const then = Array.from({ length: layout.channels }, () => on);
    return [first, ...bankDifferences(layout, then, desired)];
  };
  const allOn = startingWith(layout.allOn, true);
  if (allOn.length === 1) return allOn;
  if (plain.length <= 2) return plain;
  const allOff = startingWith(layout.allOff, false);
  const best = allOn.length < allOff.length ? allOn : allOff;
  return best.length < plain.length ? best : plain;
}

/** Masks for the banks of narrow channels that differ, and for the wide channels if they do. */
function differences72(current: Enabled, desired: Enabled): ChannelMask[] {
  const masks: ChannelMask[] = [];
  for (let bank = 0; bank < NARROW_CHANNELS / BANK; bank++) {
    const channelMask = bitsOf(desired, BANK * bank, BANK);
    if (channelMask !== bitsOf(current, BANK * bank, BANK)) {
      masks.push({ channelMaskControl: bank, channelMask });
    }
  }
  const wide = bitsOf(desired, NARROW_CHANNELS, WIDE_CHANNELS);
  if (wide !== bitsOf(current, NARROW_CHANNELS, WIDE_CHANNELS)) {
    masks.push({ channelMaskControl: 4, channelMask: wide });
  }
  return masks;
}

/** All narrow channels on or off first, then what differs from that. */
function startingFrom(on: boolean, current: Enabled, desired: Enabled): ChannelMask[] {
  const wide = bitsOf(desired, NARROW_CHANNELS, WIDE_CHANNELS);
  const first = { channelMaskControl: on ? 6 : 7, channelMask: wide };
  return [first, ...differences72(apply72(current, first) ?? [], desired)];
}

/**
 * Complete banks of eight on, all others off, then what differs. Devices disagree whether ChMaskCntl 5 touches the wide
 * channels, so they are set explicitly unless both readings give the desired ones.
 */
function startingWithBanks(current: Enabled, desired: Enabled): ChannelMask[] | undefined {
  const banks = Array.from({ length: 8 }, (_, bank) => bitsOf(desired, 8 * bank, 8) === 0xff);
  const complete = banks.filter(Boolean).length;
  if (complete === 0 || complete === banks.length) return undefined;
  const first = { channelMaskControl: 5, channelMask: bitsOf(banks, 0, 8) };
  const rest = differences72(apply72(current, first) ?? [], desired);
  const wide = bitsOf(desired, NARROW_CHANNELS, WIDE_CHANNELS);
  const wideSet = rest.some((mask) => mask.channelMaskControl === 4);
  if (!wideSet && bitsOf(current, NARROW_CHANNELS, WIDE_CHANNELS) !== wide) {
    rest.push({ channelMaskControl: 4, channelMask: wide });
  }
  return [first, ...rest];
}

/** Number of channels a mask switches on. */
function channelCount(mask: ChannelMask): number {
  return [...mask.channelMask.toString(2)].filter((bit) => bit === '1').length;
}

function plainOrAllFirst(
  regional: Band,
  current: Enabled,
  desired: Enabled,
): readonly ChannelMask[] {
  const plain = differences72(current, desired);
  if (plain.length <= 2) return plain;
  if (!regional.channelMasks.atomic) {
    return plain.sort((a, b) => channelCount(b) - channelCount(a));
  }
  const allOn = startingFrom(true, current, desired);
  const allOff = startingFrom(false, current, desired);
  const best = allOn.length < allOff.length ? allOn : allOff;
  return best.length < plain.length ? best : plain;
}

function generate72(regional: Band, current: Enabled, desired: Enabled): readonly ChannelMask[] {
  const same = Array.from({ length: ALL_CHANNELS }, (_, i) => current[i] === desired[i]);
  if (same.every(Boolean)) {
    return [{ channelMaskControl: 0, channelMask: bitsOf(desired, 0, BANK) }];
  }
  const narrow = desired.slice(0, NARROW_CHANNELS).filter(Boolean).length;
  const wide = bitsOf(desired, NARROW_CHANNELS, WIDE_CHANNELS);
  if (narrow === 0) return [{ channelMaskControl: 7, channelMask: wide }];
  if (narrow === NARROW_CHANNELS) return [{ channelMaskControl: 6, channelMask: wide }];
  const masks = plainOrAllFirst(regional, current, desired);
  if (masks.length < 2 || !regional.channelMasks.banksOfEight) return masks;
  const banks = startingWithBanks(current, desired);
  return banks && banks.length < masks.length ? banks : masks;
}

/**
 * Masks that lead from the channels a device uses to those it should use, few commands first. One mask results also if
 * nothing differs, because LinkADRReq always carries one.
 */
export function generateChannelMasks(
  regional: Band,
  current: readonly boolean[],
  desired: readonly boolean[],
): readonly ChannelMask[] {
  const { layout } = regional.channelMasks;
  if (layout === 'mask16') {
    return [{ channelMaskControl: 0, channelMask: bitsOf(desired, 0, BANK) }];
  }
  if (layout !== 'mask72') return generateBanks(BANK_LAYOUTS[layout], current, desired);
  const full = (enabled: Enabled): boolean[] =>
    Array.from({ length: ALL_CHANNELS }, (_, index) => enabled[index] === true);
  return generate72(regional, full(current), full(desired));
}
