import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { MACParameters } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { decodeMacCommands, type MacCommand } from '../../lorawan/index.ts';
import { newMacState } from '../new-mac-state.ts';
import { ABP_KEYS, hex, readDownlink, uplink } from '../testing/frames.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  lora,
} from '../testing/lab.ts';
import { desired } from './index.ts';

const IDS = create(EndDeviceIdentifiersSchema, {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
});

let lab: Lab;
let near: HandGateway;
let fCnt: number;
beforeEach(() => {
  near = handGateway('AA555A0000000001');
  fCnt = 0;
});
afterEach(() => lab.close());

const EU: Parameters<HandGateway['hear']>[1] = {};
const US = { frequencyHz: 903_900_000, modulation: lora(8) };

async function hear(fOpts: string, place = EU): Promise<readonly MacCommand[]> {
  const before = near.sent.length;
  near.hear(uplink(ABP_KEYS, fCnt, { fOpts }), { ...place, timestampUs: fCnt * 9_000_000 });
  fCnt += 1;
  await lab.clock.advance(5_000);
  const down = near.sent[before];
  if (!down) return [];
  const { fOpts: inHeader, fPort, payload } = readDownlink(down.phyPayload, ABP_KEYS);
  return decodeMacCommands(hex(fPort === 0 ? payload : inHeader), 'down').commands.map(
    ({ name, fields }) => ({ name, fields }) as MacCommand,
  );
}

async function macState() {
  const { macState: state } = await lab.registry.network.get(IDS, ['mac_state']);
  if (!state) throw new Error('no MAC state');
  return state;
}

async function registerEu(
  settings: Parameters<typeof abpDevice>[1] = {},
  change: (wanted: MACParameters) => void = () => {},
): Promise<void> {
  lab = await createLab({ gateways: [near] });
  const device = abpDevice({}, settings);
  device.macState = newMacState(device);
  change(desired(device.macState));
  await lab.registry.registerEverywhere(device);
}

test('an answer to nothing is told as a failure, and the commands behind it are left out', async () => {
  await registerEu();
  // LoRaWAN 1.0.3 §5: RXTimingSetupAns 08, LinkCheckReq 02.
  expect(await hear('0802')).toEqual([]);
  expect(lab.dataOf('ns.mac.command.process.fail')).toMatchObject([
    {
      $typeName: 'ttn.lorawan.v3.ErrorDetails',
      namespace: 'pkg/networkserver/mac',
      name: 'request_not_found',
      attributes: { cid: 8 },
    },
  ]);
  expect(lab.published).not.toContain('ns.mac.link_check.request');
});

test('nothing is carried out behind an unknown command', async () => {
  await registerEu();
  expect(await hear('0D8002')).toMatchObject([{ name: 'DeviceTimeAns' }]);
  expect(lab.published).toContain('ns.mac.command.unknown');
  expect(lab.published).not.toContain('ns.mac.link_check.request');
});

test('an answer that a device repeats until it hears a downlink is no failure and gets one', async () => {
  await registerEu({ desiredRx1Delay: { value: 3 } });
  expect(await hear('')).toMatchObject([{ name: 'RxTimingSetupReq' }]);
  await hear('08');
  expect(near.sent).toHaveLength(2);
  expect((await macState()).recentMacCommandIdentifiers).toEqual([8]);
  // LoRaWAN 1.0.3 §5.7: the device adds the answer to each uplink until it receives a class A downlink.
  await hear('08');
  expect(near.sent).toHaveLength(3);
  expect(lab.published).not.toContain('ns.mac.command.process.fail');
  await hear('');
  expect(near.sent).toHaveLength(3);
  expect((await macState()).recentMacCommandIdentifiers).toEqual([]);
});

test('a channel that nobody wants is taken away with a frequency of 0', async () => {
  await registerEu({}, ({ channels }) => channels.pop());
  const last = { channelIndex: 7, frequencyHz: 0, minDataRateIndex: 0, maxDataRateIndex: 0 };
  expect(await hear('')).toEqual([{ name: 'NewChannelReq', fields: last }]);
  await hear('0703');
  const { currentParameters } = await macState();
  expect(currentParameters?.channels[7]).toMatchObject({
    uplinkFrequency: 0n,
    enableUplink: false,
  });
  expect(await hear('02')).toMatchObject([{ name: 'LinkCheckAns' }]);
});

test('other answers are not remembered, and refused values are kept in order', async () => {
  await registerEu({}, ({ channels }) => {
    for (const [index, hz] of [867_900_000n, 867_100_000n].entries())
      Object.assign(channels[3 + index] ?? {}, { uplinkFrequency: hz + 50_000n });
  });
  const asked = await hear('');
  expect(asked.map(({ name }) => name)).toEqual(['NewChannelReq', 'NewChannelReq']);
  // Both refused for their frequency (LoRaWAN 1.0.3 §5.6).
  await hear('07020702');
  const state = await macState();
  expect(state.rejectedFrequencies).toEqual([867_150_000n, 867_950_000n]);
  expect(state.recentMacCommandIdentifiers).toEqual([]);
});

/** A US915 device of that version; it is asked for channels 8 to 15 and 65 by several commands. */
async function registerUs(lorawanVersion: MACVersion, lorawanPhyVersion: PHYVersion) {
  lab = await createLab({ gateways: [near], frequencyPlanId: 'US_902_928_FSB_2' });
  await lab.registry.registerEverywhere(
    abpDevice(
      { frequencyPlanId: 'US_902_928_FSB_2', lorawanVersion, lorawanPhyVersion },
      { factoryPresetFrequencies: [] },
    ),
  );
  const asked = await hear('', US);
  expect(asked.length).toBeGreaterThan(1);
  return asked;
}
const enabledChannels = async () =>
  (await macState()).currentParameters?.channels.filter((one) => one.enableUplink).length;

test('before LoRaWAN 1.0.2 each LinkADRAns counts for one command', async () => {
  const asked = await registerUs(MACVersion.MAC_V1_0_1, PHYVersion.PHY_V1_0_1);
  // The last one is refused.
  await hear(`${'0307'.repeat(asked.length - 1)}0306`, US);
  // ChMaskCntl n is for channels 16n to 16n + 15, of which there are 72 (RP002-1.0.4 §2.5.5).
  const enabled = new Set(Array.from({ length: 72 }, (_, channel) => channel));
  for (const command of asked.slice(0, -1)) {
    if (command.name !== 'LinkAdrReq') throw new Error(command.name);
    const { channelMaskControl, channelMask } = command.fields;
    expect(channelMaskControl).toBeLessThan(5);
    for (let bit = 0; bit < 16; bit += 1)
      if (((channelMask >> bit) & 1) === 0) enabled.delete(16 * channelMaskControl + bit);
  }
  expect(await enabledChannels()).toBe(enabled.size);
  expect(lab.published.filter((name) => name === 'ns.mac.link_adr.answer.accept')).toHaveLength(
    asked.length - 1,
  );
  expect(lab.published.filter((name) => name === 'ns.mac.link_adr.answer.reject')).toHaveLength(1);
});

test('from LoRaWAN 1.0.2 on one status stands for the whole block, however often it is repeated', async () => {
  const asked = await registerUs(MACVersion.MAC_V1_0_3, PHYVersion.PHY_V1_0_3_REV_A);
  await hear('0307'.repeat(asked.length), US);
  expect(await enabledChannels()).toBe(9);
  expect(lab.published.filter((name) => name === 'ns.mac.link_adr.answer.accept')).toHaveLength(1);
});

test('answers that contradict each other change nothing', async () => {
  const asked = await registerUs(MACVersion.MAC_V1_0_3, PHYVersion.PHY_V1_0_3_REV_A);
  await hear(`0307${'0306'.repeat(asked.length - 1)}`, US);
  expect(await enabledChannels()).toBe(72);
  expect(lab.dataOf('ns.mac.command.process.fail')).toMatchObject([{ name: 'payload' }]);
});
