import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  ADRSettings_DynamicModeSchema,
  type EndDevice,
  EndDeviceSchema,
  type MACSettings,
  MACSettingsSchema,
  type MACState,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { adaptDataRate, adrMode } from './adr.ts';
import { current, desired } from './mac/index.ts';
import { bandOf, newMacState } from './new-mac-state.ts';

const device = create(EndDeviceSchema, {
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
});

/** Desired rate, power and repetitions after uplinks at DR0 (SF12, floor −20 dB) with these SNRs. */
function adapt(
  snrsDb: readonly number[],
  options: {
    readonly dr?: number;
    readonly counters?: number[];
    readonly settings?: MACSettings;
    readonly nbTrans?: number;
    readonly refusedRates?: number[];
    readonly changedAt?: number;
    readonly of?: EndDevice;
    readonly power?: number;
    readonly change?: (mac: MACState) => void;
  } = {},
) {
  const { dr = 0, counters, settings, of = device } = options;
  const mac = newMacState(of);
  mac.rejectedAdrDataRateIndexes = options.refusedRates ?? [];
  mac.lastAdrChangeFCntUp = options.changedAt ?? 0;
  const { nbTrans = 1, power = 0 } = options;
  Object.assign(current(mac), {
    adrDataRateIndex: dr,
    adrNbTrans: nbTrans,
    adrTxPowerIndex: power,
  });
  options.change?.(mac);
  const band = bandOf(of)?.band;
  if (!band) throw new Error('no band');
  const recent = snrsDb.map((maxSnrDb, index) => ({
    fullFCnt: counters?.[index] ?? index,
    dataRateIndex: dr,
    maxSnrDb,
  }));
  adaptDataRate({ mac, band, mode: adrMode(settings), recent });
  const { adrDataRateIndex, adrTxPowerIndex, adrNbTrans } = mac.desiredParameters ?? {};
  return [adrDataRateIndex, adrTxPowerIndex, adrNbTrans];
}

const times = (count: number, value: number): number[] => new Array<number>(count).fill(value);

test('a margin of 8 dB after twenty uplinks raises the rate by three', () => {
  // 3 − (−20) − 15 = 8 dB: three steps of 2.5 dB, and 0.5 dB are not enough for less power.
  expect(adapt(times(20, 3))).toEqual([3, 0, 1]);
});

test('fewer uplinks are trusted 2.5 dB less', () => {
  expect(adapt([3])).toEqual([2, 0, 1]);
});

test('what is left at the highest rate goes into less power', () => {
  // 12 − (−20) − 15 = 17 dB: five steps to DR5 leave 4.5 dB, two power steps of 2 dB.
  expect(adapt(times(20, 12))).toEqual([5, 2, 1]);
});

test('the rate is never lowered', () => {
  expect(adapt(times(20, -7.5), { dr: 5 })).toEqual([5, 0, 1]);
});

test('lost uplinks lead to repetitions', () => {
  const counters = Array.from({ length: 20 }, (_, index) => index * 2);
  expect(adapt(times(20, -10), { counters })[2]).toBe(3);
});

test('repetitions may have limits of their own at a data rate, the one that is asked for', () => {
  const value = { minNbTrans: 1, overrides: { dataRate3: { minNbTrans: 2 } } };
  const settings = create(MACSettingsSchema, { adr: { mode: { case: 'dynamic', value } } });
  expect(adapt(times(20, 3), { settings })).toEqual([3, 0, 2]);
  expect(adapt(times(20, 0.5), { settings })).toEqual([2, 0, 1]);
});

test('settings choose the mode', () => {
  expect(adrMode(create(MACSettingsSchema, { useAdr: { value: false } })).kind).toBe('disabled');
  const mode = {
    case: 'static' as const,
    value: { dataRateIndex: 4, txPowerIndex: 1, nbTrans: 2 },
  };
  expect(adrMode(create(MACSettingsSchema, { adr: { mode } }))).toMatchObject({
    kind: 'static',
    dataRateIndex: 4,
  });
});

const dynamic = (value: MessageInitShape<typeof ADRSettings_DynamicModeSchema>) =>
  create(MACSettingsSchema, {
    adr: { mode: { case: 'dynamic', value: create(ADRSettings_DynamicModeSchema, value) } },
  });

test.each<[string, Parameters<typeof dynamic>[0], number, number[]]>([
  // 3 − (−20) − 5 = 18 dB: five steps, 5.5 dB are left, two power steps of 2 dB.
  ['a margin of 5 dB', { margin: 5 }, 3, [5, 2, 1]],
  // 8 dB would pay for three steps.
  ['no rate above 2', { maxDataRateIndex: { value: 2 } }, 3, [2, 1, 1]],
  ['no rate below 4, which 8 dB do not reach', { minDataRateIndex: { value: 4 } }, 3, [0, 4, 1]],
  // 17 dB: five steps, 4.5 dB are left.
  ['no power step above 1', { maxTxPowerIndex: 1 }, 12, [5, 1, 1]],
  // 8 dB − 4 dB for the power step that is always taken: one step of rate, 8 − 2.5 dB left for power.
  ['no power step below 2', { minTxPowerIndex: 2 }, 3, [1, 2, 1]],
  ['two repetitions at least', { minNbTrans: 2 }, 3, [3, 0, 2]],
])('limits of dynamic ADR: %s', (_, value, snrDb, expected) => {
  expect(adapt(times(20, snrDb), { settings: dynamic(value) })).toEqual(expected);
});

test.each([
  // received, first to last counter: 1 − received / span
  [20, 20, 1, 1],
  [20, 20, 3, 2], // below 5 %: 1 + 3 div 3
  [19, 20, 2, 2], // 5 %: as it is
  [18, 20, 2, 3], // 10 %: 2 + 2 div 2
  [18, 20, 1, 2], // 10 %: 2 + 1 div 2
  [14, 20, 1, 3], // 30 %: the most
  [9, 20, 1, 1], // fewer than ten uplinks say nothing
])('%i of %i uplinks heard: from %i to %i transmissions each', (received, span, before, after) => {
  const counters = Array.from({ length: received }, (_, index) =>
    index === received - 1 ? span - 1 : index,
  );
  // At the floor, so that neither rate nor power change.
  const options = { counters, nbTrans: before };
  expect(adapt(times(received, -10), options)).toEqual([0, 0, after]);
});

test('a power beyond the limit counts as the limit when few uplinks are trusted', () => {
  // 7 − (−7.5) − 15 − 2.5 = −3 dB at step 7 (−14 dB): step 5 (−10 dB) is the lowest power that 11 dB pay for. From the
  // limit, step 6, it is 2 dB away, which so few uplinks do not justify; from step 7 it is 4 dB.
  const settings = dynamic({ maxTxPowerIndex: 6 });
  expect(adapt([7], { dr: 5, power: 7, settings })).toEqual([5, 6, 1]);
  expect(adapt([7], { dr: 5, power: 7 })).toEqual([5, 5, 1]);
});

test('a rate that no enabled channel has is left out, also between two that have some', () => {
  const split = (mac: MACState): void => {
    for (const [index, one] of desired(mac).channels.entries())
      [one.minDataRateIndex, one.maxDataRateIndex] = index === 0 ? [0, 1] : [4, 5];
  };
  // 8 dB would pay for DR3, which only a gap has; DR4 and DR5 are too far.
  expect(adapt(times(20, 3), { change: split })).toEqual([1, 2, 1]);
});

test('repetitions keep to their upper limit', () => {
  const counters = Array.from({ length: 20 }, (_, index) => index * 2);
  const settings = dynamic({ maxNbTrans: 2 });
  expect(adapt(times(20, -10), { counters, settings })[2]).toBe(2);
});

test('rates the device refused are left out, and uplinks from before the last change do not count', () => {
  expect(adapt(times(20, 3), { refusedRates: [3] })).toEqual([2, 1, 1]);
  // Of twenty uplinks the last two are newer: they count with 2.5 dB less, and the good ones before not at all.
  expect(adapt([...times(18, 12), 3, 3], { changedAt: 18 })).toEqual([2, 0, 1]);
});

test('a US915 device is steered off its wide channels if the settings want it', () => {
  const us = create(EndDeviceSchema, { ...device, frequencyPlanId: 'US_902_928_FSB_2' });
  const settings = dynamic({ channelSteering: { mode: { case: 'loraNarrow', value: {} } } });
  // DR4 is SF8 at 500 kHz, DR3 SF7 at 125 kHz, the highest ADR may use.
  expect(adapt(times(20, 0), { of: us, dr: 4, settings })[0]).toBe(3);
  expect(adapt(times(20, 0), { of: us, dr: 4 })[0]).toBe(4);
  // Floors (SX1276 data sheet): SF8 −10 + 6 dB, SF7 −7.5 dB. 20 + 4 − 15 = 9 dB, 5.5 dB after the change.
  expect(adapt(times(20, 20), { of: us, dr: 4, settings })).toEqual([3, 2, 1]);
  // A narrow rate is treated as ever.
  expect(adapt(times(20, 0), { of: us, dr: 0, settings })).toEqual(
    adapt(times(20, 0), { of: us, dr: 0 }),
  );
});
