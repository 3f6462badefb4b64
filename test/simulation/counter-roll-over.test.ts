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
import { createLab, type Lab, otaaDevice } from '../../main/network-server/testing/lab.ts';
import { createSimulator, seededRandom } from '../../main/simulator/index.ts';

const UPLINKS = 70_000;
const ROLL_OVER = 0x1_0000;
const INTERVAL_S = 60;
const DOWNLINK_EVERY = 1_000;
const ID = 'counter';
const DEVICE_REF = { applicationId: 'shop', deviceId: 'door-7' };
/** Those whose bytes lora-packet reads. */
const SAMPLES = new Set([
  ...[0, 1, ROLL_OVER - 2, ROLL_OVER - 1, ROLL_OVER, ROLL_OVER + 1, UPLINKS - 1],
  ...Array.from({ length: 14 }, (_, index) => 4_999 * (index + 1)),
]);

/** How lora-packet reads the frames of a version: what it makes of a join-accept, and what stands in an uplink. */
interface IndependentReading {
  open(joinAccept: Uint8Array, devNonce: number): DeviceKeys;
  uplink(phyPayload: Uint8Array, keys: DeviceKeys, fullFCnt: number): unknown;
  downlink(phyPayload: Uint8Array, keys: DeviceKeys): unknown;
}

const buffer = (text: string): Buffer => Buffer.from(text, 'hex');
const counterBytes = (count: number): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, count);
  return bytes;
};

/** An uplink of LoRaWAN 1.0.x, with the upper half of its counter given as on no air it is. */
function readUplink10(phyPayload: Uint8Array, { nwkSKey, appSKey }: DeviceKeys, fullFCnt: number) {
  const packet = LoraPacket.fromWire(Buffer.from(phyPayload));
  const high = Buffer.of((fullFCnt >>> 16) & 0xff, fullFCnt >>> 24);
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
] as const;

let lab: Lab;
afterEach(() => lab.close());

/** What went over the air, as far as it is read afterwards. */
function createRecording() {
  const recording = {
    joinRequest: new Uint8Array(),
    joinAccept: new Uint8Array(),
    uplinkCount: 0,
    samples: new Map<number, Uint8Array>(),
    downlinks: [] as Uint8Array[],
    uplink({ phyPayload }: { readonly phyPayload: Uint8Array }): void {
      if (phyPayload[0] === 0x00) {
        recording.joinRequest = phyPayload.slice();
        return;
      }
      if (SAMPLES.has(recording.uplinkCount))
        recording.samples.set(recording.uplinkCount, phyPayload.slice());
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
    activation: { kind: 'otaa', appKey: hex(APP_KEY) },
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
    let keys: DeviceKeys | undefined;
    const pushDownlink = (count: number): void => {
      const [join] = lab.application.joins;
      keys ??= independent.open(
        recording.joinAccept,
        new DataView(recording.joinRequest.buffer).getUint16(17, true),
      );
      const payload = formatHex(counterBytes(count));
      const fCnt = (simulator.device(ID).fCntDown ?? -1) + 1;
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
    // A counter of its own: every downlink has the next one, those with MAC commands only included.
    const read = recording.downlinks.map((bytes) =>
      independent.downlink(bytes, keys as DeviceKeys),
    );
    expect(read).toEqual(read.map((_, fCnt) => expect.objectContaining({ fCnt, micValid: true })));
    expect(simulator.device(ID).fCntDown).toBe(read.length - 1);

    for (const [fullFCnt, bytes] of recording.samples)
      expect(independent.uplink(bytes, keys as DeviceKeys, fullFCnt)).toEqual({
        fCnt: fullFCnt % ROLL_OVER,
        micValid: true,
        payload: formatHex(counterBytes(fullFCnt)).toLowerCase(),
      });
    expect(recording.samples.size).toBeGreaterThanOrEqual(SAMPLES.size - 1);
    expect(
      independent.uplink(recording.samples.get(ROLL_OVER) as Uint8Array, keys as DeviceKeys, 0),
    ).toMatchObject({ micValid: false });
  },
  120_000,
);
