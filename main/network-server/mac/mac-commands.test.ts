import { afterEach, expect, test } from 'vitest';
import { decodeMacCommands, type MacCommand } from '../../lorawan/index.ts';
import { ABP_KEYS, hex, readDownlink, uplink } from '../testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  lora,
} from '../testing/lab.ts';

let lab: Lab;
afterEach(() => lab.close());

const gateway = () => handGateway('AA555A0000000001');

/** MAC commands of a downlink, wherever they are. */
function commandsIn(gatewayUsed: HandGateway, index: number): readonly MacCommand[] {
  const request = gatewayUsed.sent[index];
  if (!request) return [];
  const { fOpts, fPort, payload } = readDownlink(request.phyPayload, ABP_KEYS);
  const bytes = fPort === 0 ? payload : fOpts;
  return decodeMacCommands(hex(bytes), 'down').commands.map(
    ({ name, fields }) => ({ name, fields }) as MacCommand,
  );
}

const usDevice = () =>
  abpDevice({ frequencyPlanId: 'US_902_928_FSB_2' }, { factoryPresetFrequencies: [] });
const US_915 = { frequencyHz: 903_900_000, modulation: lora(8) };

test('a US915 device of sub-band 2 is told its channels, and is left alone once it took them', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near], frequencyPlanId: 'US_902_928_FSB_2' });
  await lab.registry.registerEverywhere(usDevice());
  near.hear(uplink(ABP_KEYS, 0), US_915);
  await lab.clock.advance(3_000);
  expect(near.sent[0]).toMatchObject({
    frequencyHz: 923_300_000,
    modulation: lora(8, 500_000),
  });
  const requests = commandsIn(near, 0);
  expect(requests.map(({ name }) => name)).toEqual(requests.map(() => 'LinkAdrReq'));
  const masks = requests.map(({ fields }) => fields);
  expect(masks.at(-1)).toMatchObject({ channelMaskControl: 0, channelMask: 0xff00 });

  near.hear(uplink(ABP_KEYS, 1, { fOpts: '0307'.repeat(requests.length) }), US_915);
  await lab.clock.advance(3_000);
  near.hear(uplink(ABP_KEYS, 2), US_915);
  await lab.clock.advance(3_000);
  expect(near.sent).toHaveLength(1);
  expect(lab.published).toContain('ns.mac.link_adr.answer.accept');
});

test('a device that refuses keeps its channels and is asked again', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near], frequencyPlanId: 'US_902_928_FSB_2' });
  await lab.registry.registerEverywhere(usDevice());
  near.hear(uplink(ABP_KEYS, 0), US_915);
  await lab.clock.advance(3_000);
  near.hear(uplink(ABP_KEYS, 1, { fOpts: '0306' }), US_915);
  await lab.clock.advance(3_000);
  expect(lab.published).toContain('ns.mac.link_adr.answer.reject');
  expect(commandsIn(near, 1)).toEqual(commandsIn(near, 0));
});

test('LinkCheckReq and DeviceTimeReq are answered in one downlink', async () => {
  const near = gateway();
  const far = handGateway('AA555A0000000002');
  lab = await createLab({ gateways: [near, far] });
  await lab.registry.registerEverywhere(abpDevice());
  await lab.clock.advance(1_500);
  const frame = uplink(ABP_KEYS, 0, { fOpts: '020D' });
  near.hear(frame, { antenna: { channelRssiDbm: -60, snrDb: 4.5 } });
  far.hear(frame, { antenna: { channelRssiDbm: -100, snrDb: -5 } });
  await lab.clock.advance(2_000);
  const gpsAtStart = (Date.UTC(2026, 0, 1) - Date.UTC(1980, 0, 6)) / 1000 + 18;
  expect(commandsIn(near, 0).slice(0, 2)).toEqual([
    { name: 'LinkCheckAns', fields: { marginDb: 12, gatewayCount: 2 } },
    { name: 'DeviceTimeAns', fields: { gpsSeconds: gpsAtStart + 1, fraction: 128 } },
  ]);
});

test('an EU868 device learns its further channels and the RX1 delay, step by step', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(
    abpDevice(
      {},
      {
        factoryPresetFrequencies: [],
        desiredRx1Delay: { value: 5 },
        desiredRx2DataRateIndex: { value: 3 },
      },
    ),
  );
  near.hear(uplink(ABP_KEYS, 0));
  await lab.clock.advance(3_000);
  const first = commandsIn(near, 0);
  expect(first.filter(({ name }) => name === 'NewChannelReq')).toHaveLength(5);
  expect(first.find(({ name }) => name === 'RxParamSetupReq')?.fields).toEqual({
    rx2DataRateIndex: 3,
    rx1DataRateOffset: 0,
    rx2FrequencyHz: 869_525_000,
  });
  expect(first.at(-1)).toEqual({ name: 'RxTimingSetupReq', fields: { delay: 5 } });

  const answered = first.map(
    ({ name }) =>
      ({
        RxParamSetupReq: '0507',
        NewChannelReq: '0703',
        LinkAdrReq: '0307',
        RxTimingSetupReq: '08',
      })[name as string] ?? '',
  );
  near.hear(uplink(ABP_KEYS, 1, { payload: '', fOpts: '' }));
  await lab.clock.advance(3_000);
  expect(commandsIn(near, 1)).toEqual(first);
  near.hear(uplink(ABP_KEYS, 2, { fOpts: answered.join('') }), { timestampUs: 50_000_000 });
  await lab.clock.advance(6_000);
  const { time } = near.sent[2] ?? {};
  expect(time).toMatchObject({ concentratorTimestampUs: 55_000_000 });
});

test('a device status is asked for and remembered', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice({}, { statusCountPeriodicity: 2 }));
  for (const [fCnt, fOpts] of ['', '06FF0A', '', ''].entries()) {
    near.hear(uplink(ABP_KEYS, fCnt, { fOpts }), { timestampUs: fCnt * 9_000_000 });
    await lab.clock.advance(3_000);
  }
  const asked = near.sent.map((_, index) =>
    commandsIn(near, index).some(({ name }) => name === 'DevStatusReq'),
  );
  expect(asked.filter(Boolean).length).toBeGreaterThan(0);
  expect(lab.published).toContain('ns.mac.dev_status.answer');
});

test('a device uses a channel as soon as it has taken it, and keeps it if its answer was lost', async () => {
  const near = gateway();
  lab = await createLab({ gateways: [near] });
  await lab.registry.registerEverywhere(abpDevice({}, { factoryPresetFrequencies: [] }));
  near.hear(uplink(ABP_KEYS, 0));
  await lab.clock.advance(3_000);
  const asked = commandsIn(near, 0).filter(({ name }) => name === 'NewChannelReq').length;
  expect(asked).toBe(5);
  // Its answers were lost with an uplink nobody heard; this is the one after that.
  near.hear(uplink(ABP_KEYS, 2), { frequencyHz: 867_100_000, timestampUs: 9_000_000 });
  await lab.clock.advance(3_000);
  expect(lab.uplinkFrames().at(-1)?.verdict?.cause).toBe('');
  expect(near.sent[1]?.frequencyHz).toBe(867_100_000);
  expect(commandsIn(near, 1).filter(({ name }) => name === 'NewChannelReq')).toHaveLength(4);
  near.hear(uplink(ABP_KEYS, 3), { frequencyHz: 869_000_000, timestampUs: 18_000_000 });
  await lab.clock.advance(3_000);
  expect(lab.uplinkFrames().at(-1)?.verdict?.cause).toBe('uplink_channel_not_found');
});
