import { afterEach, beforeEach, expect, test } from 'vitest';
import { PowerState } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { ABP_KEYS, uplink } from '../testing/frames.ts';
import { abpDevice, createLab, type HandGateway, handGateway, type Lab } from '../testing/lab.ts';

const STATUS_PATHS = [
  'battery_percentage',
  'downlink_margin',
  'last_dev_status_received_at',
  'power_state',
];

let lab: Lab;
let near: HandGateway;
let fCnt: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  fCnt = 0;
});
afterEach(() => lab.close());

async function hear(fOpts: string): Promise<void> {
  near.hear(uplink(ABP_KEYS, fCnt, { fOpts }), { timestampUs: fCnt * 9_000_000 });
  fCnt += 1;
  await lab.clock.advance(5_000);
}

async function registered(): Promise<void> {
  await lab.registry.registerEverywhere(abpDevice({}, { statusCountPeriodicity: 1 }));
  await hear('');
}

async function statusOf() {
  const { ids } = abpDevice();
  if (!ids) throw new Error('no ids');
  return lab.registry.network.get(ids, STATUS_PATHS);
}

test('battery and margin are kept with the device, and the event carries them', async () => {
  await registered();
  const heardAtMs = lab.clock.now();
  await hear('067F3b');
  const device = await statusOf();
  expect(device).toMatchObject({
    powerState: PowerState.POWER_BATTERY,
    batteryPercentage: expect.closeTo(126 / 253, 6),
    downlinkMargin: -5,
  });
  expect(Number(device.lastDevStatusReceivedAt?.seconds) * 1000).toBe(
    Math.floor(heardAtMs / 1000) * 1000,
  );
  expect(lab.dataOf('ns.mac.dev_status.answer')).toMatchObject([
    { $typeName: 'ttn.lorawan.v3.MACCommand.DevStatusAns', battery: 127, margin: -5 },
  ]);
});

test.each([
  ['external power', '0600', PowerState.POWER_EXTERNAL, undefined],
  ['an unknown level', '06FF', PowerState.POWER_UNKNOWN, undefined],
  ['an empty battery', '0601', PowerState.POWER_BATTERY, 0],
  ['a full battery', '06FE', PowerState.POWER_BATTERY, 1],
])('%s is told from the rest', async (_, answer, powerState, batteryPercentage) => {
  await registered();
  await hear('06800A');
  await hear('');
  await hear(`${answer}0A`);
  const device = await statusOf();
  expect({ power: device.powerState, level: device.batteryPercentage }).toEqual({
    power: powerState,
    level: batteryPercentage,
  });
});

test('a status nobody asked for changes nothing, and neither do other fields', async () => {
  await lab.registry.registerEverywhere(abpDevice({ name: 'door' }));
  await hear('06800A');
  expect((await statusOf()).lastDevStatusReceivedAt).toBeUndefined();
  expect(lab.dataOf('ns.mac.dev_status.answer')).toEqual([]);
});

test('requests, refusals and what stays unanswered are told with their contents', async () => {
  await lab.registry.registerEverywhere(
    abpDevice({}, { desiredRx2DataRateIndex: { value: 3 }, desiredRx1Delay: { value: 3 } }),
  );
  await hear('');
  expect(lab.dataOf('ns.mac.rx_param_setup.request')).toMatchObject([
    { rx2DataRateIndex: 3, rx1DataRateOffset: 0, rx2Frequency: 869_525_000n },
  ]);
  await hear('0503');
  expect(lab.dataOf('ns.mac.rx_param_setup.answer.reject')).toMatchObject([
    { rx2FrequencyAck: true, rx2DataRateIndexAck: true, rx1DataRateOffsetAck: false },
  ]);
  expect(lab.dataOf('ns.mac.command.unanswered')).toMatchObject([
    {
      $typeName: 'ttn.lorawan.v3.MACCommands',
      commands: [{ cid: 8, payload: { case: 'rxTimingSetupReq', value: { delay: 3 } } }],
    },
  ]);
});

test('answers to the device are told with their contents', async () => {
  await registered();
  await hear('020D');
  // 7 dB above the floor of SF7, −7.5 dB (SX1276 data sheet), in whole decibels that are there for certain.
  expect(lab.dataOf('ns.mac.link_check.answer')).toMatchObject([{ margin: 14, gatewayCount: 1 }]);
  const [answer] = lab.dataOf('ns.mac.device_time.answer');
  const seconds = BigInt(Math.floor((lab.clock.now() - 5_000) / 1000));
  expect(answer).toMatchObject({ time: { seconds } });
});

test('an unknown command and one that is cut short are told, and stand in the verdict', async () => {
  await registered();
  await hear('0280AB');
  expect(lab.dataOf('ns.mac.command.unknown')).toMatchObject([
    { cid: 0x80, payload: { case: 'rawPayload', value: new Uint8Array([0xab]) } },
  ]);
  const facts = (index: number) =>
    lab
      .uplinkFrames()
      .at(index)
      ?.verdict?.stages.flatMap(({ evidence }) => evidence.map(({ name }) => name));
  expect(facts(-1)).toContain('mac_command_unknown');
  await hear('06FF');
  expect(lab.dataOf('ns.mac.command.parse.fail')).toMatchObject([
    { $typeName: 'ttn.lorawan.v3.ErrorDetails', name: 'mac_command_too_short' },
  ]);
  expect(facts(-1)).toContain('mac_command_too_short');
});

test('a downlink that a gateway took is told with its window and its delay', async () => {
  await registered();
  await hear('02');
  const response = lab.dataOf('ns.down.data.schedule.success').at(-1);
  expect(response).toMatchObject({
    $typeName: 'ttn.lorawan.v3.ScheduleDownlinkResponse',
    downlinkPath: {
      path: { case: 'fixed', value: { gatewayIds: { gatewayId: 'eui-aa555a0000000001' } } },
    },
    rx1: true,
    rx2: false,
    // As long before RX1 as the gateway asks for.
    delay: { seconds: 0n, nanos: 100_000_000 },
  });
});
