import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { MACParametersSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { band, frequencyPlan, type PhyVersion } from '../lorawan/index.ts';
import { dataWindows, receiveWindows } from './windows.ts';

/** Bytes of MHDR and MIC beside the size that the regional parameters give. */
const OVERHEAD = 5;

function windows(phyVersion: PhyVersion, planId: string, told?: boolean) {
  const plan = frequencyPlan(planId)!;
  const parameters = create(MACParametersSchema, {
    rx2Frequency: 923_200_000n,
    rx2DataRateIndex: 2,
    ...(told !== undefined && { downlinkDwellTime: { value: told } }),
  });
  const place = { channelIndex: 0, dataRateIndex: 0 };
  const profile = { band: band('AS_923', phyVersion)!, plan };
  return receiveWindows(profile, parameters, place, 1_000).map((one) => [
    one.modulation.kind === 'lora' ? one.modulation.spreadingFactor : 0,
    one.maxPhyPayloadBytes - OVERHEAD,
  ]);
}

// Sizes and data rates of AS923 (RP002-1.0.4 §2.10.6, §2.10.7): SF12 in RX1 without the limit, SF10 with it.
const WITHOUT_LIMIT = [
  [12, 59],
  [10, 123],
];
const WITH_LIMIT = [
  [10, 19],
  [10, 19],
];
/** The device listens where it would without the limit, but gateways may not send longer than with it. */
const WITH_LIMIT_OF_GATEWAYS = [
  [12, 0],
  [10, 19],
];

test.each([
  ['the plan switches the limit off', 'RP002_V1_0_4', 'AS_923_NDT', undefined, WITHOUT_LIMIT],
  ['the plan switches the limit on', 'RP002_V1_0_4', 'AS_923_DT', undefined, WITH_LIMIT],
  ['neither band nor plan know', 'RP002_V1_0_4', 'AS_923', undefined, WITH_LIMIT],
  [
    'devices of the version start without',
    'RP002_V1_0_1',
    'AS_923_DT',
    undefined,
    WITH_LIMIT_OF_GATEWAYS,
  ],
  ['the device was told to keep it', 'RP002_V1_0_4', 'AS_923_NDT', true, WITH_LIMIT],
  ['the device was told not to', 'RP002_V1_0_4', 'AS_923_DT', false, WITH_LIMIT_OF_GATEWAYS],
] as const)('downlink dwell time when %s', (_, phyVersion, planId, told, expected) => {
  expect(windows(phyVersion, planId, told)).toEqual(expected);
});

test.each([
  // RX1 is SF12 without the limit and SF10 with it (RP002-1.0.4 §2.10.7), so only RX2 is safe.
  ['nobody told the device', 'RP002_V1_0_4', undefined, 0, ['RX2']],
  // SF9 either way.
  ['and it makes no difference', 'RP002_V1_0_4', undefined, 3, ['RX1', 'RX2']],
  ['the device was told', 'RP002_V1_0_4', false, 0, ['RX1', 'RX2']],
  ['the version says how devices start', 'RP002_V1_0_1', undefined, 0, ['RX1', 'RX2']],
] as const)('windows for data where %s', (_, phyVersion, told, rate, expected) => {
  const plan = frequencyPlan('AS_923_NDT')!;
  const parameters = create(MACParametersSchema, {
    rx1Delay: 1,
    rx2Frequency: 923_200_000n,
    rx2DataRateIndex: 2,
    ...(told !== undefined && { downlinkDwellTime: { value: told } }),
  });
  const place = { channelIndex: 0, dataRateIndex: rate };
  const profile = { band: band('AS_923', phyVersion)!, plan };
  expect(dataWindows(profile, parameters, place).map(({ window }) => window)).toEqual(expected);
});
