import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Frame, Outcome } from '../main/api/gen/gatehouse/v1/frames_pb.js';
import { MACVersion, PHYVersion } from '../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  openVirtualWorkspace,
  type VirtualWorkspace,
  type VirtualWorkspaceOptions,
} from './support/virtual-workspace.ts';

const MINUTE = 60_000;
let directory: string;
let open: VirtualWorkspace | undefined;
/** Wall clock of the next start; time goes on while the program does not run. */
let nowMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-simulate-'));
  nowMs = Date.UTC(2026, 0, 1);
});
afterEach(async () => {
  await stop();
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<VirtualWorkspaceOptions> = {}): Promise<VirtualWorkspace> {
  open = await openVirtualWorkspace({ directory, startMs: nowMs, ...options });
  return open;
}
async function stop(): Promise<void> {
  if (!open) return;
  nowMs = open.clock.now() + MINUTE;
  await open.close();
  open = undefined;
}

/** Every frame, oldest first. */
async function allFrames({ frames }: VirtualWorkspace): Promise<Frame[]> {
  return (await frames.list({ limit: 1_000 })).frames.toReversed();
}
/** Frames that were not taken or not sent, each in a word or two. */
const troubles = (frames: readonly Frame[]): string[] =>
  frames
    .filter(({ verdict }) => {
      const outcome = verdict?.outcome ?? Outcome.UNSPECIFIED;
      return ![Outcome.ACCEPTED, Outcome.TRANSMITTED, Outcome.SCHEDULED].includes(outcome);
    })
    .map(({ fType, verdict }) => `${fType} ${verdict?.cause} ${verdict?.text}`);
const ofType = (frames: readonly Frame[], fType: string): Frame[] =>
  frames.filter((frame) => frame.fType === fType);

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const SOME_DEVICE = {
  ids: {
    deviceId: 'door-7',
    applicationIds: { applicationId: 'lab' },
    devEui: hex('70B3D57ED0000007'),
  },
  frequencyPlanId: 'EU_863_870',
  lorawanVersion: MACVersion.MAC_V1_0_3,
  lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
};
/** Channels of the plan, so that the network has none to add. */
const EU_CHANNELS_HZ = [8681, 8683, 8685, 8671, 8673, 8675, 8677, 8679].map(
  (steps) => BigInt(steps) * 100_000n,
);
const ABP = {
  ...SOME_DEVICE,
  macSettings: { factoryPresetFrequencies: EU_CHANNELS_HZ },
  session: {
    devAddr: hex('02001234'),
    keys: { fNwkSIntKey: { key: hex('11'.repeat(16)) }, appSKey: { key: hex('22'.repeat(16)) } },
  },
};
const OTAA = {
  ...SOME_DEVICE,
  ids: { ...SOME_DEVICE.ids, joinEui: hex('0000000000000001') },
  supportsJoin: true,
  rootKeys: { appKey: { key: hex('33'.repeat(16)) } },
};

const V11 = {
  lorawanVersion: MACVersion.MAC_V1_1,
  lorawanPhyVersion: PHYVersion.PHY_V1_1_REV_B,
};
const ABP_11 = {
  ...ABP,
  ...V11,
  session: {
    ...ABP.session,
    keys: {
      ...ABP.session.keys,
      sNwkSIntKey: { key: hex('44'.repeat(16)) },
      nwkSEncKey: { key: hex('55'.repeat(16)) },
    },
  },
};
const OTAA_11 = {
  ...OTAA,
  ...V11,
  rootKeys: { ...OTAA.rootKeys, nwkKey: { key: hex('66'.repeat(16)) } },
};

describe('a simulated device of one’s own', () => {
  test.each([
    ['personalized', ABP, 0],
    ['joined', OTAA, 1],
    ['of LoRaWAN 1.1, personalized', ABP_11, 0],
    ['of LoRaWAN 1.1, joined', OTAA_11, 1],
  ])('%s goes on after a restart, and nothing of it is refused', async (_, endDevice, joins) => {
    const first = await start();
    await first.links.create({
      link: {
        name: 'Virtual',
        enabled: true,
        frequencyPlanId: 'EU_863_870',
        config: { case: 'virtual', value: {} },
      },
    });
    await first.registration.register({ endDevice, simulate: true });
    await first.clock.advance(5 * MINUTE);
    const before = (await first.simulator.list({})).devices[0];
    expect(before?.fCntUp).toBeGreaterThan(5);
    await stop();
    const second = await start();
    await second.clock.advance(5 * MINUTE);
    const after = (await second.simulator.list({})).devices[0];
    expect(after?.fCntUp).toBeGreaterThan((before?.fCntUp ?? 0) + 5);
    expect(after?.devAddr).toEqual(before?.devAddr);
    const frames = await allFrames(second);
    expect(troubles(frames)).toEqual([]);
    expect(ofType(frames, 'JOIN_REQUEST')).toHaveLength(joins);
  });

  test('says its version and class, rejoins, and makes the mistakes it is told to', async () => {
    const workspace = await start();
    const { clock, links, registration, simulator } = workspace;
    await links.create({
      link: {
        name: 'Virtual',
        enabled: true,
        frequencyPlanId: 'EU_863_870',
        config: { case: 'virtual', value: {} },
      },
    });
    await registration.register({
      endDevice: { ...OTAA_11, supportsClassC: true },
      simulate: true,
    });
    await clock.advance(5 * MINUTE);
    const [device] = (await simulator.list({})).devices;
    expect(device?.config).toMatchObject({ lorawanVersion: '1.1', deviceClass: 'C' });
    expect(device?.config?.nwkKey).toHaveLength(0);
    expect(device?.sessionConfirmed).toBe(true);

    await simulator.rejoin({ id: 'door-7', type: 1 });
    await clock.advance(2 * MINUTE);
    const [renewed] = (await simulator.list({})).devices;
    expect(renewed?.devAddr).not.toEqual(device?.devAddr);
    expect(renewed?.sessionConfirmed).toBe(true);
    const before = await allFrames(workspace);
    expect(ofType(before, 'REJOIN_REQUEST')).toHaveLength(1);
    expect(troubles(before)).toEqual([]);

    await simulator.sendUplink({ id: 'door-7', fault: 'wrong_region', faultBandId: 'AS_923' });
    await clock.advance(MINUTE);
    expect(troubles(await allFrames(workspace))).toMatchObject([
      expect.stringContaining('uplink_channel_not_found'),
    ]);
    await expect(
      simulator.sendUplink({ id: 'door-7', fault: 'lose_downlinks_by_chance', faultValue: 2 }),
    ).rejects.toThrow(/between 0 and 1/);
    await expect(simulator.rejoin({ id: 'door-7', type: 3 })).rejects.toThrow(/type/);
  });
});

describe('--simulate', () => {
  test('runs that many devices, which join one after another without harming each other', async () => {
    const workspace = await start({ simulate: 6 });
    // All have joined, and the uplinks of the first at its interval, which may meet any other, have not begun.
    await workspace.clock.advance(32_000);
    const { devices } = await workspace.simulator.list({});
    expect(devices.map(({ state }) => state)).toEqual(Array(6).fill('joined'));
    const frames = await allFrames(workspace);
    expect(troubles(frames)).toEqual([]);
    const times = ofType(frames, 'JOIN_REQUEST').map(({ time }) => Number(time?.seconds));
    expect(times).toHaveLength(6);
    for (const [at, time] of times.entries()) {
      if (at > 0) expect(time - (times[at - 1] ?? 0)).toBeGreaterThan(3);
    }
    const heardBy = frames.flatMap(({ receptions }) => receptions.map(({ linkId }) => linkId));
    expect(new Set(heardBy)).toEqual(new Set(['simulated-gateway']));
  });

  test('brings many up in minutes', async () => {
    const workspace = await start({ simulate: 60 });
    await workspace.clock.advance(3 * MINUTE);
    const { devices } = await workspace.simulator.list({});
    expect(devices.filter(({ state }) => state === 'joined').length).toBeGreaterThan(55);
    expect(devices).toHaveLength(60);
  });

  test('finds its devices again, neither more of them nor new ones', async () => {
    const first = await start({ simulate: 3 });
    await first.clock.advance(MINUTE);
    const sessions = ({ devices }: Awaited<ReturnType<typeof first.simulator.list>>) =>
      devices.map(({ config, devAddr }) => [config?.id, Buffer.from(devAddr).toString('hex')]);
    const before = sessions(await first.simulator.list({}));
    expect(before.map(([id]) => id)).toEqual(['sim-00001', 'sim-00002', 'sim-00003']);
    await stop();
    const second = await start({ simulate: 4 });
    await second.clock.advance(MINUTE);
    const after = sessions(await second.simulator.list({}));
    expect(after.slice(0, 3)).toEqual(before);
    expect(after).toHaveLength(4);
    expect(ofType(await allFrames(second), 'JOIN_REQUEST')).toHaveLength(4);
    expect((await second.links.list({})).links.map(({ link }) => link?.id)).toEqual([
      'simulated-gateway',
      'udp',
    ]);
  });

  test.each([[0], [undefined]])('%s leaves nothing of an earlier number', async (simulate) => {
    const first = await start({ simulate: 3 });
    await first.clock.advance(MINUTE);
    await stop();
    const second = await start(simulate === undefined ? {} : { simulate });
    await second.clock.advance(MINUTE);
    expect((await second.simulator.list({})).devices).toEqual([]);
    const { store } = second;
    expect(store.identityDevices.count()).toBe(0);
    expect(store.gateways.count()).toBe(0);
    expect(store.applications.list().rows.map(({ applicationId }) => applicationId)).toEqual([
      'lab',
    ]);
    expect((await second.links.list({})).links.map(({ link }) => link?.id)).toEqual(['udp']);
  });

  test('leaves the devices of the user alone', async () => {
    const first = await start({ simulate: 2 });
    const endDevice = {
      ...ABP,
      ids: { ...ABP.ids, applicationIds: { applicationId: 'simulated' } },
    };
    await first.registration.register({ endDevice, simulate: true });
    await stop();
    const second = await start();
    expect((await second.simulator.list({})).devices.map(({ config }) => config?.id)).toEqual([
      'door-7',
    ]);
    expect(second.store.identityDevices.count('simulated')).toBe(1);
  });

  test('replaces a device whose registration was deleted', async () => {
    const first = await start({ simulate: 2 });
    await first.registration.delete({
      deviceId: 'sim-00001',
      applicationIds: { applicationId: 'simulated' },
    });
    await stop();
    const second = await start({ simulate: 2 });
    await second.clock.advance(MINUTE);
    const { devices } = await second.simulator.list({});
    expect(devices.map(({ config, state }) => [config?.id, state])).toEqual([
      ['sim-00001', 'joined'],
      ['sim-00002', 'joined'],
    ]);
  });
});
