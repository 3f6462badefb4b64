import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Outcome } from '../main/api/gen/gatehouse/v1/frames_pb.js';
import type { SerialPortList } from '../main/concentrator/discovery/list-serial-ports.ts';
import {
  openVirtualWorkspace,
  type VirtualWorkspace,
  type VirtualWorkspaceOptions,
} from './support/virtual-workspace.ts';

let directory: string;
const running = new Set<VirtualWorkspace>();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gatehouse-demo-'));
});
afterEach(async () => {
  await Promise.all([...running].map(stop));
  rmSync(directory, { recursive: true, force: true });
});

async function start(options: Partial<VirtualWorkspaceOptions> = {}): Promise<VirtualWorkspace> {
  const opened = await openVirtualWorkspace({ directory, offerDemo: true, ...options });
  running.add(opened);
  return opened;
}
async function stop(opened: VirtualWorkspace): Promise<void> {
  running.delete(opened);
  await opened.close();
}
const openInterface = async ({ workspace }: VirtualWorkspace): Promise<boolean> =>
  (await workspace.openInterface({})).demoRunning;
const ports = (...list: { path: string; vendorId?: string; productId?: string }[]) => ({
  listPorts: async (): Promise<SerialPortList> => ({ kind: 'listed', ports: list }),
});

describe('the demonstration starts by itself', () => {
  test('when an interface opens on a workspace nobody used, and not before', async () => {
    const opened = await start();
    expect((await opened.workspace.getInfo({})).demoRunning).toBe(false);
    expect(await openInterface(opened)).toBe(true);
    expect(opened.store.identityDevices.count()).toBe(3);
  });

  test('once, though two pages open at the same moment', async () => {
    const opened = await start();
    expect(await Promise.all([openInterface(opened), openInterface(opened)])).toEqual([true, true]);
    expect(opened.store.identityDevices.count()).toBe(3);
    expect((await opened.links.list({})).links).toHaveLength(2);
  });

  test('beside ports that lead to no concentrator, or that cannot be listed', async () => {
    const opened = await start(ports({ path: '/dev/ttyS0' }, { path: 'COM3', vendorId: '046D' }));
    expect(await openInterface(opened)).toBe(true);
    await stop(opened);
    const failing = await start({
      listPorts: async () => ({ kind: 'failed', error: new Error('no udevadm') as never }),
    });
    expect(await openInterface(failing)).toBe(true);
  });

  test('not where a known concentrator is plugged in', async () => {
    const opened = await start(
      ports({ path: '/dev/ttyS0' }, { path: '/dev/ttyACM0', vendorId: '0483', productId: '5740' }),
    );
    expect(await openInterface(opened)).toBe(false);
    expect(opened.store.identityDevices.count()).toBe(0);
  });

  test('not where the command line says so', async () => {
    expect(await openInterface(await start({ offerDemo: false }))).toBe(false);
  });

  test('not where somebody has added a link already', async () => {
    const opened = await start();
    await opened.links.create({
      link: { name: 'Mine', enabled: false, config: { case: 'virtual', value: {} } },
    });
    expect(await openInterface(opened)).toBe(false);
  });

  test('not among other simulated devices', async () => {
    const opened = await start({ simulate: 1 });
    expect(await openInterface(opened)).toBe(false);
    expect(opened.store.identityDevices.count()).toBe(1);
  });
});

describe('the demonstration, removed', () => {
  test('leaves nothing behind and does not come back by itself, but on request', async () => {
    const opened = await start();
    await openInterface(opened);
    await opened.clock.advance(120_000);
    expect(opened.store.gateways.count()).toBe(1);
    expect((await opened.workspace.removeDemo({})).demoRunning).toBe(false);
    await opened.clock.advance(120_000);
    const expectNothing = async ({ links, simulator, store }: VirtualWorkspace) => {
      expect(store.identityDevices.count()).toBe(0);
      expect(store.gateways.count()).toBe(0);
      const applications = store.applications.list().rows.map((row) => row.applicationId);
      expect(applications).toEqual(['lab']);
      expect((await links.list({})).links.map(({ link }) => link?.id)).toEqual(['udp']);
      expect((await simulator.list({})).devices).toEqual([]);
    };
    await expectNothing(opened);
    expect(await openInterface(opened)).toBe(false);
    await stop(opened);
    const again = await start();
    expect(await openInterface(again)).toBe(false);
    await expectNothing(again);
    expect((await again.workspace.startDemo({})).demoRunning).toBe(true);
  });

  test('before all its devices started, starts none of the others', async () => {
    const opened = await start();
    await openInterface(opened);
    await opened.clock.advance(1_000);
    await opened.workspace.removeDemo({});
    await opened.clock.advance(60_000);
    expect((await opened.simulator.list({})).devices).toEqual([]);
  });

  test('by a restart, comes back as it began', async () => {
    const opened = await start();
    await openInterface(opened);
    await opened.clock.advance(30_000);
    await stop(opened);
    const again = await start();
    expect(again.store.identityDevices.count()).toBe(0);
    expect(await openInterface(again)).toBe(true);
  });
});

test('no frame on the first screen tells of a failure', async () => {
  // The simulator draws its own chances, so one run would prove little.
  for (let run = 0; run < 8; run += 1) {
    const opened = await start({ directory: join(directory, String(run)) });
    await openInterface(opened);
    await opened.clock.advance(20_000);
    const { devices } = await opened.simulator.list({});
    expect(devices.map(({ state }) => state)).toEqual(['joined', 'joined', 'joined']);
    const { frames } = await opened.frames.list({ limit: 1_000 });
    const failed = frames.filter(({ verdict }) =>
      [Outcome.FAILED, Outcome.DROPPED].includes(verdict?.outcome ?? Outcome.FAILED),
    );
    expect(failed.map(({ fType, verdict }) => [fType, verdict?.text])).toEqual([]);
    expect(frames.filter(({ fType }) => fType === 'JOIN_REQUEST')).toHaveLength(3);
    await stop(opened);
  }
});
