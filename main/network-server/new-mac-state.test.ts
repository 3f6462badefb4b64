import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { EndDeviceSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { newMacState } from './new-mac-state.ts';

const device = (frequencyPlanId: string) =>
  create(EndDeviceSchema, {
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
