import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { MACSettingsSchema, MACStateSchema } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { band, frequencyPlan, type PhyVersion, rx1ChannelIndex } from '../lorawan/index.ts';
import { followJoinChannel, joinAcceptParameters } from './grant-join.ts';
import { receiveWindows } from './windows.ts';

const PHY: PhyVersion = 'RP002_V1_0_3';

/** Windows of the join-accept and RX2 of the session, in MHz, after a join-request on that frequency. */
function after(bandId: string, joinMhz: number, ownRx2Hz?: bigint) {
  const regional = band(bandId, PHY)!;
  const hz = Math.round(joinMhz * 1e6);
  const channelIndex = regional.uplinkChannels.findIndex((one) => one.frequencyHz === hz);
  const parameters = {
    rx2Frequency: ownRx2Hz ?? BigInt(regional.rx2.frequencyHz),
    rx2DataRateIndex: regional.rx2.dataRateIndex,
    channels: regional.uplinkChannels.map(({ frequencyHz, index }) => ({
      uplinkFrequency: BigInt(frequencyHz),
      downlinkFrequency: BigInt(
        regional.downlinkChannels[rx1ChannelIndex(regional, index)]?.frequencyHz ?? 0,
      ),
    })),
  };
  const mac = create(MACStateSchema, {
    currentParameters: parameters,
    desiredParameters: parameters,
  });
  const settings = create(
    MACSettingsSchema,
    ownRx2Hz === undefined ? {} : { rx2Frequency: { value: ownRx2Hz } },
  );
  followJoinChannel(mac, { band: regional }, settings, hz);
  const place = { channelIndex, dataRateIndex: 3 };
  const accept = joinAcceptParameters(mac, { band: regional }, place, hz);
  const profile = { band: regional, plan: frequencyPlan('CN_470_510_FSB_11')! };
  const windows = receiveWindows(profile, accept, place, 5_000);
  return [
    ...windows.map(({ frequencyHz }) => frequencyHz / 1e6),
    Number(mac.currentParameters?.rx2Frequency) / 1e6,
    Number(mac.desiredParameters?.rx2Frequency) / 1e6,
  ];
}

// Common join channels of RP002-1.0.4 §2.9.2 with their downlinks, and RX2 by join channel of §2.9.7.
test.each([
  ['CN_470_510_20_A', 470.9, 484.5, 485.3],
  ['CN_470_510_20_A', 472.5, 486.1, 486.9],
  ['CN_470_510_20_A', 474.1, 487.7, 488.5],
  ['CN_470_510_20_A', 475.7, 489.3, 490.1],
  ['CN_470_510_20_A', 504.1, 490.9, 491.7],
  ['CN_470_510_20_A', 505.7, 492.5, 493.3],
  ['CN_470_510_20_A', 507.3, 494.1, 494.9],
  ['CN_470_510_20_A', 508.9, 495.7, 496.5],
  ['CN_470_510_20_B', 479.9, 479.9, 478.3],
  ['CN_470_510_20_B', 499.9, 499.9, 498.3],
  ['CN_470_510_26_A', 470.3, 492.5, 492.5],
  ['CN_470_510_26_A', 478.3, 492.5, 492.5],
  ['CN_470_510_26_B', 480.3, 502.5, 502.5],
  ['CN_470_510_26_B', 488.3, 502.5, 502.5],
])('%s, joined on %d MHz: answered on %d MHz, RX2 on %d MHz', (bandId, joinMhz, rx1, rx2) => {
  expect(after(bandId, joinMhz)).toEqual([rx1, rx2, rx2, rx2]);
});

test('a device with an RX2 of its own keeps it, and other channels change nothing', () => {
  expect(after('CN_470_510_20_A', 470.9, 487_100_000n)).toEqual([484.5, 487.1, 487.1, 487.1]);
  // RX2 of a device that did not join (RP002-1.0.4 §2.9.7).
  expect(after('CN_470_510_20_A', 470.3).slice(1)).toEqual([486.9, 486.9, 486.9]);
});
