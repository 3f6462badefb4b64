import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  AggregatedDutyCycle,
  DeviceEIRP,
  MACVersion,
  PHYVersion,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { newMacState } from './new-mac-state.ts';

type Init = Exclude<MessageInitShape<typeof EndDeviceSchema>, { $typeName: string }>;

const device = (frequencyPlanId: string, init: Init = {}) =>
  create(EndDeviceSchema, {
    ...init,
    frequencyPlanId,
    lorawanVersion: MACVersion.MAC_V1_0_3,
    lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
  });

test('an EU868 device starts with three channels, RX2 on 869.525 MHz at DR0 and a delay of 1 s', () => {
  const { currentParameters: current, desiredParameters: desired } = newMacState(
    device('EU_863_870'),
  );
  expect(current?.channels.map((one) => Number(one.uplinkFrequency))).toEqual([
    868_100_000, 868_300_000, 868_500_000,
  ]);
  expect(current).toMatchObject({ rx1Delay: 1, rx2DataRateIndex: 0, rx2Frequency: 869_525_000n });
  expect(desired?.channels.filter((one) => one.enableUplink)).toHaveLength(8);
  expect(desired?.rx1Delay).toBe(5);
});

test('exponents, ping slots and beacon start as the band has them', () => {
  const { currentParameters: current, desiredParameters: desired } = newMacState(
    device('EU_863_870'),
  );
  // RP002-1.0.4 §2.4.1, §2.4.9: ADR_ACK_LIMIT 64, ADR_ACK_DELAY 32, beacon and ping slots on 869.525 MHz at DR3.
  const expected = {
    adrAckLimitExponent: { value: 6 },
    adrAckDelayExponent: { value: 5 },
    pingSlotFrequency: 869_525_000n,
    pingSlotDataRateIndexValue: { value: 3 },
    beaconFrequency: 869_525_000n,
    adrNbTrans: 1,
    maxEirp: 16,
  };
  expect(current).toMatchObject(expected);
  expect(desired).toMatchObject(expected);
  // US915 hops over eight frequencies (RP002-1.0.4 §2.5.9), so there is not one to name.
  expect(newMacState(device('US_902_928_FSB_2')).currentParameters).toMatchObject({
    pingSlotFrequency: 0n,
    beaconFrequency: 0n,
  });
});

test('settings of the device take the place of what the band has', () => {
  const given = device('EU_863_870', {
    macSettings: {
      rx1Delay: { value: 2 },
      rx1DataRateOffset: { value: 1 },
      rx2DataRateIndex: { value: 3 },
      rx2Frequency: { value: 868_800_000n },
      maxDutyCycle: { value: AggregatedDutyCycle.DUTY_CYCLE_4 },
      factoryPresetFrequencies: [868_100_000n, 867_100_000n],
      desiredRx1Delay: { value: 4 },
      desiredRx1DataRateOffset: { value: 2 },
      desiredRx2DataRateIndex: { value: 5 },
      desiredRx2Frequency: { value: 869_000_000n },
      desiredMaxDutyCycle: { value: AggregatedDutyCycle.DUTY_CYCLE_8 },
      desiredAdrAckLimitExponent: { value: 4 },
      desiredAdrAckDelayExponent: { value: 3 },
      desiredMaxEirp: { value: DeviceEIRP.DEVICE_EIRP_14 },
      pingSlotFrequency: { value: 868_500_000n },
      desiredPingSlotFrequency: { value: 868_300_000n },
      pingSlotDataRateIndex: { value: 1 },
      desiredPingSlotDataRateIndex: { value: 2 },
      beaconFrequency: { value: 868_100_000n },
      desiredBeaconFrequency: { value: 868_700_000n },
    },
  });
  const { currentParameters: current, desiredParameters: desired } = newMacState(given);
  expect(current).toMatchObject({
    rx1Delay: 2,
    rx1DataRateOffset: 1,
    rx2DataRateIndex: 3,
    rx2Frequency: 868_800_000n,
    maxDutyCycle: AggregatedDutyCycle.DUTY_CYCLE_4,
    pingSlotFrequency: 868_500_000n,
    pingSlotDataRateIndexValue: { value: 1 },
    beaconFrequency: 868_100_000n,
  });
  expect(current?.channels.map((one) => [one.uplinkFrequency, one.enableUplink])).toEqual([
    [868_100_000n, true],
    [868_300_000n, false],
    [868_500_000n, false],
    [867_100_000n, true],
  ]);
  expect(desired).toMatchObject({
    rx1Delay: 4,
    rx1DataRateOffset: 2,
    rx2DataRateIndex: 5,
    rx2Frequency: 869_000_000n,
    maxDutyCycle: AggregatedDutyCycle.DUTY_CYCLE_8,
    adrAckLimitExponent: { value: 4 },
    adrAckDelayExponent: { value: 3 },
    maxEirp: 14,
    pingSlotFrequency: 868_300_000n,
    pingSlotDataRateIndexValue: { value: 2 },
    beaconFrequency: 868_700_000n,
  });
});

test.each([
  [undefined, undefined],
  [true, false],
])('a device in AS923 starts with the dwell times of its settings: %s, %s', (up, down) => {
  const { currentParameters: current, desiredParameters: desired } = newMacState(
    device('AS_923_DT', {
      macSettings: {
        ...(up !== undefined && { uplinkDwellTime: { value: up } }),
        ...(down !== undefined && { downlinkDwellTime: { value: down } }),
      },
    }),
  );
  expect(current?.uplinkDwellTime?.value).toBe(up);
  expect(current?.downlinkDwellTime?.value).toBe(down);
  expect(desired).toMatchObject({
    uplinkDwellTime: { value: true },
    downlinkDwellTime: { value: true },
  });
});

test('a multicast group listens where the band sends, and nothing is wanted of it', () => {
  const { currentParameters: current, desiredParameters: desired } = newMacState(
    device('US_902_928_FSB_2', {
      multicast: true,
      supportsClassC: true,
    }),
  );
  expect(current?.channels.map((one) => Number(one.downlinkFrequency) / 1000)).toEqual([
    923_300, 923_900, 924_500, 925_100, 925_700, 926_300, 926_900, 927_500,
  ]);
  expect(current?.channels.some((one) => one.enableUplink)).toBe(false);
  expect(desired).toEqual(current);
});

test('the community plan of EU868 wants RX2 at DR3', () => {
  expect(newMacState(device('EU_863_870_TTN')).desiredParameters?.rx2DataRateIndex).toBe(3);
});

test('a US915 device starts with 72 channels, of which sub-band 2 wants nine', () => {
  const { currentParameters: current, desiredParameters: desired } = newMacState(
    device('US_902_928_FSB_2'),
  );
  expect(current?.channels).toHaveLength(72);
  expect(current).toMatchObject({ rx2DataRateIndex: 8, rx2Frequency: 923_300_000n });
  const enabled = desired?.channels.flatMap((one, index) => (one.enableUplink ? [index] : []));
  expect(enabled).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 65]);
});
