/** One simulated device of each version counts 70,000 uplinks, past the roll-over of the 16 bits that are on the air. */
import LoraPacket from 'lora-packet';
import { afterEach, expect, test } from 'vitest';
import { MACVersion, PHYVersion } from '../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { silentLogger } from '../../main/base/logger.ts';
import { type DevEui, formatHex, type JoinEui } from '../../main/lorawan/index.ts';
import {
  APP_KEY,
  DEV_EUI,
  type DeviceKeys,
  encryptedDownlink,
  hex,
  JOIN_EUI,
  openJoin,
  readDownlink,
} from '../../main/network-server/testing/frames.ts';
import {
  type DeviceKeys11,
  NWK_KEY,
  openJoin11,
  readDownlink11,
} from '../../main/network-server/testing/frames11.ts';
import { createLab, type Lab, otaaDevice } from '../../main/network-server/testing/lab.ts';
import { createSimulator, type Emission, seededRandom } from '../../main/simulator/index.ts';

const UPLINKS = 70_000;
const ROLL_OVER = 0x1_0000;
const INTERVAL_S = 60;
const DOWNLINK_EVERY = 1_000;
/** Ten seconds on a computer that does nothing else. */
const LONGEST_MS = 300_000;
const ID = 'counter';
const DEVICE_REF = { applicationId: 'shop', deviceId: 'door-7' };
/** Those whose bytes lora-packet reads. */
const SAMPLES = new Set([
  ...[0, 1, ROLL_OVER - 2, ROLL_OVER - 1, ROLL_OVER, ROLL_OVER + 1, UPLINKS - 1],
  ...Array.from({ length: 14 }, (_, index) => 4_999 * (index + 1)),
]);

type Keys = DeviceKeys & Partial<DeviceKeys11>;

/** How lora-packet reads the frames of a version: what it makes of a join-accept, and what stands in an uplink. */
interface IndependentReading {
  open(joinAccept: Uint8Array, devNonce: number): Keys;
  uplink(emission: Emission, keys: Keys, fullFCnt: number): unknown;
  downlink(
    phyPayload: Uint8Array,
    keys: Keys,
  ): ReturnType<typeof readDownlink | typeof readDownlink11>;
}

const buffer = (text: string): Buffer => Buffer.from(text, 'hex');
const counterBytes = (count: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, count);
  return bytes;
};

const highHalf = (fullFCnt: number): Buffer => Buffer.of((fullFCnt >>> 16) & 0xff, fullFCnt >>> 24);

/** An uplink of LoRaWAN 1.0.x, with the upper half of its counter, which is not on the air. */
function readUplink10({ phyPayload }: Emission, { nwkSKey, appSKey }: Keys, fullFCnt: number) {
  const packet = LoraPacket.fromWire(Buffer.from(phyPayload));
  const high = highHalf(fullFCnt);
  return {
    fCnt: packet.getFCnt(),
    micValid: LoraPacket.verifyMIC(packet, buffer(nwkSKey), undefined, high),
    payload: LoraPacket.decrypt(packet, buffer(appSKey), buffer(nwkSKey), high).toString('hex'),
  };
}

const LORAWAN_1_0: IndependentReading = {
  open: openJoin,
  uplink: readUplink10,
  downlink: readDownlink,
};

/** Channels 0 to 7 of the frequency plan in the order of the join-accept's CFList (RP002-1.0.4 §2.4.2). */
const CHANNELS_HZ = [8681, 8683, 8685, 8671, 8673, 8675, 8677, 8679].map((step) => step * 100_000);

/** An uplink of LoRaWAN 1.1: its MIC depends on channel and data rate as well (LoRaWAN 1.1 §4.4.1). */
function readUplink11(
  { phyPayload, frequencyHz, modulation }: Emission,
  keys: Keys,
  fullFCnt: number,
) {
  const packet = LoraPacket.fromWire(Buffer.from(phyPayload));
  const high = highHalf(fullFCnt);
  const dataRate = modulation.kind === 'lora' ? 12 - modulation.spreadingFactor : -1;
  const mic = LoraPacket.calculateMIC(
    packet,
    buffer(keys.fNwkSIntKey ?? ''),
    buffer(keys.sNwkSIntKey ?? ''),
    high,
    Buffer.of(0, 0, dataRate, CHANNELS_HZ.indexOf(frequencyHz)),
  );
  return {
    fCnt: packet.getFCnt(),
    micValid: mic.equals(packet.MIC ?? Buffer.alloc(0)),
    payload: LoraPacket.decrypt(
      packet,
      buffer(keys.appSKey),
      buffer(keys.nwkSEncKey ?? ''),
      high,
    ).toString('hex'),
  };
}

const LORAWAN_1_1: IndependentReading = {
  open(joinAccept, devNonce) {
    const keys = openJoin11(joinAccept, devNonce);
    return { ...keys, nwkSKey: keys.nwkSEncKey };
  },
  uplink: readUplink11,
  downlink: (phyPayload, keys) => readDownlink11(phyPayload, keys as Keys & DeviceKeys11),
};

const VERSIONS = [
  {
    macVersion: '1.0.2',
    device: {
      lorawanVersion: MACVersion.MAC_V1_0_2,
      lorawanPhyVersion: PHYVersion.PHY_V1_0_2_REV_B,
    },
    simulated: {},
    independent: LORAWAN_1_0,
  },
  {
    macVersion: '1.0.4',
    device: { lorawanVersion: MACVersion.MAC_V1_0_4, lorawanPhyVersion: PHYVersion.RP002_V1_0_1 },
    simulated: { firstDevNonce: 0 },
    independent: LORAWAN_1_0,
  },
  {
    macVersion: '1.1',
    device: {
      lorawanVersion: MACVersion.MAC_V1_1,
      lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
      rootKeys: { appKey: { key: hex(APP_KEY) }, nwkKey: { key: hex(NWK_KEY) } },
    },
    simulated: {},
    independent: LORAWAN_1_1,
  },
] as const;

let lab: Lab;
afterEach(() => lab.close());

/** What went over the air, as far as it is read afterwards. */
function createRecording() {
  const recording = {
    joinRequest: new Uint8Array(),
    joinAccept: new Uint8Array(),
    uplinkCount: 0,
    samples: new Map<number, Emission>(),
    downlinks: [] as Uint8Array[],
    uplink(emission: Emission): void {
      const { phyPayload } = emission;
      if (phyPayload[0] === 0x00) {
        recording.joinRequest = phyPayload.slice();
        return;
      }
      if (SAMPLES.has(recording.uplinkCount))
        recording.samples.set(recording.uplinkCount, { ...emission });
      recording.uplinkCount += 1;
    },
    downlink({ phyPayload }: { readonly phyPayload: Uint8Array }): void {
      if (phyPayload[0] === 0x20) recording.joinAccept = phyPayload.slice();
      else recording.downlinks.push(phyPayload.slice());
    },
  };
  return recording;
}

type Version = (typeof VERSIONS)[number];

/** The network with one gateway and one device 200 m away, which nothing disturbs. */
async function openLab(
  { device, macVersion, simulated }: Version,
  recording: ReturnType<typeof createRecording>,
  onUplink: (fullFCnt: number) => void,
) {
  lab = await createLab({
    gateways: [],
    forgetful: true,
    onUplink: ({ fullFCnt }) => onUplink(fullFCnt),
  });
  const simulator = createSimulator({
    clock: lab.clock,
    logger: silentLogger(),
    random: seededRandom(7),
    fadingDb: 0,
    observer: recording,
  });
  const gateway = { id: 'virtual', gatewayEui: 'AA555A0000000001', statusIntervalMs: 0 };
  await lab.gatewayServer.add(simulator.addGateway(gateway), { frequencyPlanId: 'EU_863_870' });
  await lab.registry.registerEverywhere(otaaDevice(device));
  simulator.addDevice({
    id: ID,
    devEui: DEV_EUI as DevEui,
    joinEui: JOIN_EUI as JoinEui,
    activation: {
      kind: 'otaa',
      appKey: hex(APP_KEY),
      ...(macVersion === '1.1' && { nwkKey: hex(NWK_KEY) }),
    },
    bandId: 'EU_863_870',
    macVersion,
    intervalS: INTERVAL_S,
    intervalJitter: 0,
    payload: 'counter',
    fPort: 2,
    position: { xM: 200, yM: 0 },
    ...simulated,
  });
  return simulator;
}

test.each(VERSIONS)(
  `${UPLINKS} uplinks of a $macVersion device arrive once each, in order, with all 32 bits of their counter`,
  async (version) => {
    const { independent } = version;
    const recording = createRecording();
    const counters: number[] = [];
    /** Payloads in the order they were queued, and as the device had got them by its next uplink. */
    const queued: string[] = [];
    const received: (string | undefined)[] = [];
    let keys: Keys | undefined;
    const pushDownlink = (count: number): void => {
      const [join] = lab.application.joins;
      keys ??= independent.open(
        recording.joinAccept,
        new DataView(recording.joinRequest.buffer).getUint16(17, true),
      );
      const payload = formatHex(counterBytes(count));
      // LoRaWAN 1.1 counts them apart from those of the network (LoRaWAN 1.1 §4.3.1.5).
      const isApart = version.macVersion === '1.1';
      const fCnt = isApart ? queued.length : (simulator.device(ID).fCntDown ?? -1) + 1;
      const item = encryptedDownlink(keys, fCnt, payload, join?.sessionKeyId ?? new Uint8Array());
      queued.push(payload);
      void lab.network.downlinkQueue.push(DEVICE_REF, [item]);
    };
    const simulator = await openLab(version, recording, (fullFCnt) => {
      if (counters.length % DOWNLINK_EVERY === 1)
        received.push(simulator.device(ID).lastDownlink?.payloadHex);
      if (counters.length % DOWNLINK_EVERY === 0) pushDownlink(counters.length);
      counters.push(fullFCnt);
    });

    simulator.start(ID);
    await lab.clock.advance(UPLINKS * INTERVAL_S * 1000);
    simulator.stop(ID);
    await lab.clock.advance(10_000);

    const sent = (simulator.device(ID).fCntUp ?? 0) + 1;
    expect(sent).toBeGreaterThanOrEqual(UPLINKS - 1);
    expect(recording.uplinkCount).toBe(sent);
    expect(counters).toHaveLength(sent);
    expect(counters.findIndex((fullFCnt, index) => fullFCnt !== index)).toBe(-1);

    expect(queued).toHaveLength(Math.ceil(sent / DOWNLINK_EVERY));
    expect(received).toEqual(queued);
    const read = recording.downlinks.map((bytes) => independent.downlink(bytes, keys as Keys));
    // Counters of their own: every downlink has the next one, those with MAC commands only included.
    const isNetworks = ({ fPort }: (typeof read)[number]): boolean =>
      version.macVersion === '1.1' && !fPort;
    for (const counted of [read.filter(isNetworks), read.filter((one) => !isNetworks(one))])
      expect(counted).toEqual(
        counted.map((_, fCnt) => expect.objectContaining({ fCnt, micValid: true })),
      );

    for (const [fullFCnt, emission] of recording.samples)
      expect(independent.uplink(emission, keys as Keys, fullFCnt)).toEqual({
        fCnt: fullFCnt % ROLL_OVER,
        micValid: true,
        payload: formatHex(counterBytes(fullFCnt)).toLowerCase(),
      });
    expect(recording.samples.size).toBeGreaterThanOrEqual(SAMPLES.size - 1);
    expect(
      independent.uplink(recording.samples.get(ROLL_OVER) as Emission, keys as Keys, 0),
    ).toMatchObject({ micValid: false });
  },
  LONGEST_MS,
);
