import { expect, test } from 'vitest';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import type { DownlinkRequest } from '../base/seams.ts';
import { causes, createRig, EU_RX1, EU_RX2, EUI, lora, type RigOptions } from './testing/rig.ts';

/** EIRP that a downlink at this frequency gets. */
async function eirpAt(
  frequencyHz: number,
  place: Pick<DownlinkRequest, 'bandId' | 'frequencyPlanId'>,
  options: RigOptions = {},
): Promise<number | undefined> {
  const { hear, schedule, sent } = await createRig(options);
  const window = { ...EU_RX1, frequencyHz };
  schedule([hear()], { windows: [window], priority: 6, ...place });
  return sent[0]?.eirpDbm;
}

test.each([
  // Sub-bands of the band: 14 dBm and 27 dBm of ERP, 2.15 dB more of EIRP.
  [868_100_000, 'EU_863_870', 'EU_863_870', 16.15],
  [869_525_000, 'EU_863_870', 'EU_863_870', 29.15],
  // Limits of the plan count although that of the band is lower or higher.
  [923_200_000, 'AS_923', 'AS_920_923_TTN_AU', 30],
  [923_300_000, 'US_902_928', 'US_903_0', 24.15],
  // The sub-band of the plan is more special still.
  [922_000_000, 'AS_923', 'AS_920_923_TTN_JP_1', 16],
  [922_000_000, 'AS_923', 'AS_920_923_TTN_JP_1_LAND_MOBILE', 27],
  // A plan that says nothing leaves it to the band.
  [868_950_000, 'RU_864_870', 'RU_864_870_TTN', 22.15],
])('at %i Hz in %s the plan %s allows %d dBm of EIRP', async (hz, bandId, plan, expected) => {
  expect(await eirpAt(hz, { bandId, frequencyPlanId: plan })).toBe(expected);
});

test('the gain of the antenna that transmits is taken from the power, that of others is not', async () => {
  const registered = { [EUI]: { enforceDutyCycle: true, antennas: [{ gain: 3 }, { gain: 8.5 }] } };
  const { hear, schedule, scheduleFree, sent, dataOf } = await createRig({ registered });
  schedule([hear()]);
  expect(sent[0]).toMatchObject({ eirpDbm: 16.15, antennaIndex: 0, antennaGainDbi: 3 });
  const over = (antennaIndex: number) =>
    scheduleFree({ gateways: [{ gatewayId: 'eui-aa555a0000000001', antennaIndex }] });
  over(1);
  // An antenna nobody described.
  over(2);
  expect(sent[1]).toMatchObject({ eirpDbm: 29.15, antennaIndex: 1, antennaGainDbi: 8.5 });
  expect(sent[2]?.antennaGainDbi).toBeUndefined();
  const powers = dataOf('gs.down.send').map((message) => message);
  expect(powers).toMatchObject([
    { settings: { value: { downlink: { antennaIndex: 0, txPower: 13.15 } } } },
    { settings: { value: { downlink: { antennaIndex: 1, txPower: 20.65 } } } },
    { settings: { value: { downlink: { antennaIndex: 2, txPower: 29.15 } } } },
  ]);
});

test('a transmitter at its limit radiates with the gain of its antenna on top', async () => {
  const registered = { [EUI]: { enforceDutyCycle: true, antennas: [{ gain: 3 }] } };
  const strong = await createRig({ registered, capabilities: { maxEirpDbm: 14 } });
  strong.schedule([strong.hear()], { windows: [EU_RX2] });
  // 29.15 dBm would need 26.15 dBm of a transmitter that has 14.
  expect(strong.sent[0]).toMatchObject({ eirpDbm: 17, antennaGainDbi: 3 });
  const loud = await createRig({ registered, capabilities: { minEirpDbm: 14 } });
  const result = loud.schedule([loud.hear()], { windows: [EU_RX1] });
  expect(result.refusals).toMatchObject([
    { cause: 'tx_power', evidence: { least_power: 14, allowed_power: 13.15, antenna_gain: 3 } },
  ]);
});

test('a gateway registered for another band, or barred from downlinks, is refused with its cause', async () => {
  const elsewhere = await createRig({
    registered: { [EUI]: { frequencyPlanIds: ['US_902_928_FSB_2'] } },
  });
  expect(causes(elsewhere.schedule([elsewhere.hear()]))).toEqual([
    'RX1 frequency_plan_mismatch',
    'RX2 frequency_plan_mismatch',
  ]);
  const barred = await createRig({
    registered: { [EUI]: { downlinkPathConstraint: DownlinkPathConstraint.NEVER } },
  });
  expect(causes(barred.schedule([barred.hear()]))).toEqual([
    'RX1 downlink_not_allowed',
    'RX2 downlink_not_allowed',
  ]);
  expect(causes(barred.scheduleFree())).toEqual(['immediate downlink_not_allowed']);
});

test('a frequency without limits is used only by gateways whose duty cycle is not enforced', async () => {
  const windows = [{ ...EU_RX1, frequencyHz: 862_900_000 }];
  const { hear, schedule } = await createRig();
  expect(schedule([hear()], { windows }).refusals).toMatchObject([
    { cause: 'sub_band_not_found', evidence: { frequency: 862_900_000 } },
  ]);
  const free = await createRig({ registered: { [EUI]: { enforceDutyCycle: false } } });
  expect(free.schedule([free.hear()], { windows }).ok).toBe(true);
});

test('without enforcement a gateway transmits past the duty cycle of its sub-band', async () => {
  const slow = [{ ...EU_RX1, modulation: lora(12), maxPhyPayloadBytes: 64 }];
  const taken = async (registered: RigOptions['registered']) => {
    const { clock, hear, schedule, sent, server } = await createRig({
      ...(registered && { registered }),
    });
    for (let count = 0; count < 40; count += 1) {
      schedule([hear()], { windows: slow });
      await clock.advance(5_000);
    }
    return { sent: sent.length, stats: server.connectionStats('eui-aa555a0000000001') };
  };
  // 1 % of an hour, of which priority 3 may use 70 %: 25.2 s; 20 bytes at SF12 are 1318.912 ms.
  const limited = await taken({ [EUI]: { enforceDutyCycle: true } });
  expect(limited.sent).toBe(Math.floor(25_200 / 1_318.912));
  const free = await taken({ [EUI]: { enforceDutyCycle: false } });
  expect(free.sent).toBe(40);
  expect(free.stats.subBands).toMatchObject([
    { minFrequency: 0n, maxFrequency: 2n ** 64n - 1n, downlinkUtilizationLimit: 1 },
  ]);
  expect(free.stats.subBands[0]?.downlinkUtilization).toBeCloseTo((40 * 1.318912) / 3_600, 6);
});

test('a transmission beyond the dwell time of the plan is refused', async () => {
  const windows = [{ ...EU_RX1, frequencyHz: 923_200_000, modulation: lora(10) }];
  const { hear, schedule } = await createRig();
  const send = (bytes: number, frequencyPlanId: string) =>
    schedule([hear()], {
      windows,
      bandId: 'AS_923',
      frequencyPlanId,
      phyPayload: new Uint8Array(bytes),
    });
  // SF10: 24 bytes are 370.688 ms, 25 bytes 411.648 ms.
  expect(send(25, 'AS_923_DT').refusals[0]).toMatchObject({
    cause: 'dwell_time',
    evidence: { time_on_air: 411.648, max_time_on_air: 400 },
  });
  expect(send(24, 'AS_923_DT').ok).toBe(true);
});

test('what a plan says about listening before talking reaches the link', async () => {
  const { hear, schedule, sent } = await createRig();
  const windows = [{ ...EU_RX1, frequencyHz: 922_100_000 }];
  const place = { bandId: 'KR_920_923', frequencyPlanId: 'KR_920_923_TTN' };
  schedule([hear()], { windows, ...place });
  expect(sent[0]?.listenBeforeTalk).toEqual({
    rssiTargetDbm: -80,
    rssiOffsetDb: -4,
    scanTimeUs: 128,
  });
  schedule([hear({ concentratorTimestampUs: 60_000_000 })]);
  expect(sent[1]?.listenBeforeTalk).toBeUndefined();
});
