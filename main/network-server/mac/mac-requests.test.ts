import { create } from '@bufbuild/protobuf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EndDevice, MACParameters } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { EndDeviceIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { Class, MACVersion, PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { type Band, decodeMacCommands, type MacCommand } from '../../lorawan/index.ts';
import { bandOf, newMacState } from '../new-mac-state.ts';
import { ABP_KEYS, hex, readDownlink, uplink } from '../testing/frames.ts';
import { type DeviceKeys11, readDownlink11, uplink11 } from '../testing/frames11.ts';
import {
  abpDevice,
  createLab,
  type HandGateway,
  handGateway,
  type Lab,
  lora,
} from '../testing/lab.ts';
import type { RequestContext } from './context.ts';
import { current, desired, setPending } from './index.ts';
import { handleTxParamSetupAns, txParamSetup } from './tx-param-setup.ts';

const IDS = create(EndDeviceIdentifiersSchema, {
  deviceId: 'door-7',
  applicationIds: { applicationId: 'shop' },
});
const KEYS_11: DeviceKeys11 = {
  devAddr: '02ABCDEF',
  fNwkSIntKey: '11'.repeat(16),
  sNwkSIntKey: '22'.repeat(16),
  nwkSEncKey: '33'.repeat(16),
  appSKey: '44'.repeat(16),
};

let lab: Lab;
let near: HandGateway;
let timestampUs: number;
beforeEach(async () => {
  near = handGateway('AA555A0000000001');
  lab = await createLab({ gateways: [near] });
  timestampUs = 1_000_000;
});
afterEach(() => lab.close());

async function hear(phyPayload: Uint8Array): Promise<void> {
  near.hear(phyPayload, { timestampUs });
  timestampUs += 7_000_000;
  await lab.clock.advance(7_000);
}

type Init = NonNullable<Parameters<typeof abpDevice>[0]>;
const device11 = (init: Init = {}, settings: Parameters<typeof abpDevice>[1] = {}) =>
  abpDevice(
    {
      lorawanVersion: MACVersion.MAC_V1_1,
      lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
      session: {
        devAddr: hex(KEYS_11.devAddr),
        keys: {
          fNwkSIntKey: { key: hex(KEYS_11.fNwkSIntKey) },
          sNwkSIntKey: { key: hex(KEYS_11.sNwkSIntKey) },
          nwkSEncKey: { key: hex(KEYS_11.nwkSEncKey) },
          appSKey: { key: hex(KEYS_11.appSKey) },
        },
      },
      ...init,
    },
    settings,
  );

/** Registers the device with something else desired than its settings alone would lead to. */
async function register(device: EndDevice, change: (wanted: MACParameters) => void = () => {}) {
  const macState = newMacState(device);
  change(desired(macState));
  device.macState = macState;
  await lab.registry.registerEverywhere(device);
}

function commands(bytes: string): readonly MacCommand[] {
  return decodeMacCommands(hex(bytes), 'down').commands.map(
    ({ name, fields }) => ({ name, fields }) as MacCommand,
  );
}

const sent = (index: number): Uint8Array => near.sent.at(index)?.phyPayload ?? new Uint8Array();
const asked10 = (): readonly MacCommand[] => commands(readDownlink(sent(-1), ABP_KEYS).fOpts);
const asked11 = (): readonly MacCommand[] => commands(readDownlink11(sent(-1), KEYS_11).fOpts);

async function state() {
  const { macState } = await lab.registry.network.get(IDS, ['mac_state']);
  if (!macState) throw new Error('no MAC state');
  return macState;
}

test('DlChannelReq moves RX1 of one channel, and the next RX1 is there', async () => {
  await register(abpDevice(), ({ channels }) => {
    if (channels[0]) channels[0].downlinkFrequency = 869_100_000n;
  });
  await hear(uplink(ABP_KEYS, 0));
  expect(asked10()).toEqual([
    { name: 'DlChannelReq', fields: { channelIndex: 0, frequencyHz: 869_100_000 } },
  ]);
  await hear(uplink(ABP_KEYS, 1, { fOpts: '0A03', confirmed: true }));
  expect(near.sent.at(-1)?.frequencyHz).toBe(869_100_000);
  expect(asked10()).toEqual([]);
  expect(current(await state()).channels[0]?.downlinkFrequency).toBe(869_100_000n);
  expect(lab.dataOf('ns.mac.dl_channel.answer.accept')).toMatchObject([
    { frequencyAck: true, channelIndexAck: true },
  ]);
  await hear(uplink(ABP_KEYS, 2));
  expect(near.sent).toHaveLength(2);
});

test('a RX1 frequency that the device refused is not asked for again', async () => {
  await register(abpDevice(), ({ channels }) => {
    if (channels[0]) channels[0].downlinkFrequency = 869_100_000n;
  });
  await hear(uplink(ABP_KEYS, 0));
  await hear(uplink(ABP_KEYS, 1, { fOpts: '0A02' }));
  await hear(uplink(ABP_KEYS, 2, { confirmed: true }));
  expect(near.sent.at(-1)?.frequencyHz).toBe(868_100_000);
  expect(asked10()).toEqual([]);
  expect((await state()).rejectedFrequencies).toEqual([869_100_000n]);
  expect(lab.published).toContain('ns.mac.dl_channel.answer.reject');
});

test('a 1.0.1 device is not sent DlChannelReq, which it does not know', async () => {
  const versions = {
    lorawanVersion: MACVersion.MAC_V1_0_1,
    lorawanPhyVersion: PHYVersion.TS001_V1_0_1,
  };
  await register(abpDevice(versions), ({ channels }) => {
    if (channels[0]) channels[0].downlinkFrequency = 869_100_000n;
  });
  await hear(uplink(ABP_KEYS, 0));
  expect(lab.uplinkFrames()).toHaveLength(1);
  expect(near.sent).toEqual([]);
});

test('ADRParamSetupReq tells a 1.1 device the limit and the delay of the settings', async () => {
  await register(
    device11(
      {},
      { desiredAdrAckLimitExponent: { value: 5 }, desiredAdrAckDelayExponent: { value: 4 } },
    ),
  );
  await hear(uplink11(KEYS_11, 0));
  expect(asked11()).toEqual([
    { name: 'AdrParamSetupReq', fields: { adrAckDelayExponent: 4, adrAckLimitExponent: 5 } },
  ]);
  await hear(uplink11(KEYS_11, 1, { fOpts: '0C' }));
  expect(near.sent).toHaveLength(1);
  expect(current(await state())).toMatchObject({
    adrAckLimitExponent: { value: 5 },
    adrAckDelayExponent: { value: 4 },
  });
  expect(lab.published).toContain('ns.mac.adr_param_setup.answer');
});

test('the limit and the delay of the band need no ADRParamSetupReq, and 1.0.4 has none', async () => {
  const band = {
    desiredAdrAckLimitExponent: { value: 6 },
    desiredAdrAckDelayExponent: { value: 5 },
  };
  await register(device11({}, band));
  await hear(uplink11(KEYS_11, 0));
  expect(near.sent).toEqual([]);
  await lab.registry.deleteEverywhere(IDS);
  await register(abpDevice({}, { desiredAdrAckLimitExponent: { value: 3 } }));
  await hear(uplink(ABP_KEYS, 0));
  expect(lab.uplinkFrames()).toHaveLength(2);
  expect(near.sent).toEqual([]);
});

test('RejoinParamSetupReq: the count holds, the time only if the device keeps time', async () => {
  await register(device11(), (wanted) => {
    wanted.rejoinCountPeriodicity = 3;
    wanted.rejoinTimePeriodicity = 2;
  });
  await hear(uplink11(KEYS_11, 0));
  expect(asked11()).toEqual([
    { name: 'RejoinParamSetupReq', fields: { maxCountExponent: 3, maxTimeExponent: 2 } },
  ]);
  await hear(uplink11(KEYS_11, 1, { fOpts: '0F00' }));
  expect(current(await state())).toMatchObject({
    rejoinCountPeriodicity: 3,
    rejoinTimePeriodicity: 0,
  });
  expect(near.sent).toHaveLength(1);
  expect(lab.dataOf('ns.mac.rejoin_param_setup.answer')).toMatchObject([
    { maxTimeExponentAck: false },
  ]);
});

test.each([
  [true, '2002', Class.C, 'ns.class.switch.c'],
  [false, '2000', Class.A, undefined],
])('DeviceModeInd of class C, registered for it: %s', async (supported, answer, kept, event) => {
  await register(device11({ supportsClassC: supported }));
  await hear(uplink11(KEYS_11, 0, { fOpts: '2002' }));
  expect(readDownlink11(sent(0), KEYS_11).fOpts).toBe(answer);
  expect((await state()).deviceClass).toBe(kept);
  expect(lab.published.filter((name) => name.startsWith('ns.class'))).toEqual(event ? [event] : []);
  if (event)
    expect(lab.dataOf(event)).toMatchObject([{ kind: { case: 'stringValue', value: 'CLASS_C' } }]);
  await hear(uplink11(KEYS_11, 1, { fOpts: '2000' }));
  expect(readDownlink11(sent(1), KEYS_11).fOpts).toBe('2000');
  expect((await state()).deviceClass).toBe(Class.A);
});

test.each([
  // DR0 of US915 carries 11 bytes (RP002-1.0.3 §2.5.6), and all answers together have 12.
  [0, 10, false],
  // DR3 of US915 carries 242 bytes, but only ADR keeps the device there.
  [3, 7, false],
  [3, 7, true],
])(
  'a 1.1 device is asked for what its next uplink can hold: DR%i, SF%i, ADR %s',
  async (dr, sf, adr) => {
    const other = handGateway('AA555A0000000002');
    lab.close();
    lab = await createLab({ gateways: [other], frequencyPlanId: 'US_902_928_FSB_2' });
    const device = device11(
      { frequencyPlanId: 'US_902_928_FSB_2' },
      {
        factoryPresetFrequencies: [],
        desiredRx1Delay: { value: 3 },
        desiredRx1DataRateOffset: { value: 1 },
        desiredMaxDutyCycle: { value: 1 },
        desiredAdrAckLimitExponent: { value: 5 },
        statusCountPeriodicity: 1,
      },
    );
    await register(device, (wanted) => {
      wanted.rejoinCountPeriodicity = 1;
    });
    other.hear(uplink11(KEYS_11, 0, { dataRateIndex: dr, channelIndex: 8, adr }), {
      frequencyHz: 903_900_000,
      modulation: lora(sf),
    });
    await lab.clock.advance(5_000);
    const down = readDownlink11(other.sent[0]?.phyPayload ?? hex(''), KEYS_11);
    const names = new Set(
      commands(down.fPort === 0 ? down.payload : down.fOpts).map(({ name }) => name),
    );
    expect([...names]).toEqual([
      'DutyCycleReq',
      'RxParamSetupReq',
      'LinkAdrReq',
      'RxTimingSetupReq',
      'AdrParamSetupReq',
      'RejoinParamSetupReq',
      ...(adr ? ['DevStatusReq'] : []),
    ]);
  },
);

/** EU868 as if it were a band with TXParamSetupReq: the rules of the request are those of every such band. */
function txParamContext(init: Partial<RequestContext> = {}): RequestContext {
  const device = abpDevice();
  const found = bandOf(device);
  if (!found) throw new Error('no band');
  const band: Band = { ...found.band, txParamSetup: true };
  const mac = newMacState(device);
  return {
    mac,
    band,
    plan: found.plan,
    macVersion: '1.0.3',
    settings: undefined,
    fullFCnt: 1,
    nowMs: 0,
    requested: [],
    devStatusAtMs: undefined,
    ...init,
  };
}

test('TXParamSetupReq asks for the largest EIRP of the table that is allowed, once', () => {
  const context = txParamContext();
  const { mac } = context;
  Object.assign(desired(mac), {
    maxEirp: 15,
    uplinkDwellTime: { value: true },
    downlinkDwellTime: { value: false },
  });
  const requests = txParamSetup.build(context);
  // LoRaWAN 1.1 §5.9: code 4 is 14 dBm, code 5 would be 16 dBm.
  expect(requests).toEqual([
    {
      name: 'TxParamSetupReq',
      fields: { maxEirpIndex: 4, uplinkDwellTime: true, downlinkDwellTime: false },
    },
  ]);
  setPending(mac, requests);
  const reports: string[] = [];
  handleTxParamSetupAns({
    ...context,
    report: (name: string) => reports.push(name),
  } as unknown as Parameters<typeof handleTxParamSetupAns>[0]);
  expect(current(mac)).toMatchObject({
    maxEirp: 14,
    uplinkDwellTime: { value: true },
    downlinkDwellTime: { value: false },
  });
  expect(reports).toEqual(['tx_param_setup.answer']);
  expect(txParamSetup.build(context)).toEqual([]);
});

test('TXParamSetupReq is for bands and versions that have it', () => {
  const without = txParamContext();
  expect(txParamSetup.build(without)).toHaveLength(1);
  const band = { ...without.band, txParamSetup: false };
  expect(txParamSetup.build({ ...without, band })).toEqual([]);
  expect(txParamSetup.build({ ...without, macVersion: '1.0.1' })).toEqual([]);
});
