import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  EndDeviceSchema,
  type MACSettings,
  MACSettingsSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { adaptDataRate, adrMode } from './adr.ts';
import { bandOf, newMacState } from './new-mac-state.ts';

const device = create(EndDeviceSchema, {
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
});
const regional = bandOf(device);
if (!regional) throw new Error('no band');
const { band } = regional;

/** Desired rate, power and repetitions after uplinks at DR0 (SF12, floor −20 dB) with these SNRs. */
function adapt(
  snrsDb: readonly number[],
  options: {
    readonly dr?: number;
    readonly counters?: number[];
    readonly settings?: MACSettings;
  } = {},
) {
  const { dr = 0, counters, settings } = options;
  const mac = newMacState(device);
  if (mac.currentParameters) mac.currentParameters.adrDataRateIndex = dr;
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
