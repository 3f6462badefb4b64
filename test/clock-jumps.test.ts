/** A wall clock that is set and a computer that sleeps, under the running network. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InProcessApp, openInProcessApp } from './support/in-process-app.ts';
import { APPLICATION, OTAA, personalizedDevice, registrationOf } from './support/kill-fleet.ts';
import {
  createForwarder,
  dataUplink,
  downlinksOf,
  joinRequest,
  openJoinAccept,
  type SessionKeys,
} from './support/radio-fleet.ts';

const HOUR_MS = 3_600_000;
const door = personalizedDevice(1, true);
const keys = door.keys as SessionKeys;
const devices = `/applications/${APPLICATION}/devices`;

let lab: InProcessApp;
beforeEach(async () => {
  lab = await openInProcessApp();
  await lab.call('POST', '/users/admin/applications', {
    application: { ids: { application_id: APPLICATION } },
  });
  for (const device of [door, { ...door, id: 'joiner', keys: undefined }]) {
    const end_device = registrationOf(device);
    expect(await lab.call('POST', `/gatehouse${devices}`, { end_device })).toMatchObject({
      status: 200,
    });
  }
  await lab.call('POST', `/as${devices}/${door.id}/down/push`, {
    downlinks: [{ f_port: 2, frm_payload: Buffer.from('hello').toString('base64') }],
  });
});
afterEach(() => lab.close());

interface FrameJson {
  readonly id: string;
  readonly phy_payload: string;
  readonly direction: string;
  readonly f_type: string;
  readonly receptions?: unknown[];
  readonly verdict: { readonly outcome: string; readonly cause: string };
}

async function frames(): Promise<FrameJson[]> {
  const { json } = await lab.call('GET', '/gatehouse/frames?limit=1000');
  return (json.frames ?? []) as FrameJson[];
}

async function frameOf(phyPayload: Buffer): Promise<FrameJson | undefined> {
  const data = phyPayload.toString('base64');
  return (await frames()).find((frame) => frame.phy_payload === data);
}

const confirmed = (fCnt: number): Buffer => dataUplink(keys, fCnt, true);
const heardByDoor = () => downlinksOf(lab.forwarder.transmitted, [keys]);

async function pass(ms: number): Promise<void> {
  await lab.clock.advance(ms);
  await lab.forwarder.sync();
}

test.each([HOUR_MS, -HOUR_MS])(
  'a wall clock that jumps by %i ms breaks nothing',
  async (jumpMs) => {
    const { clock, forwarder } = lab;
    const second = await createForwarder('AA555A0000000202', () => clock.monotonic());
    second.connect(lab.udpLink()?.address ?? '');
    await second.sync();
    const copies = [forwarder, second];

    // In the deduplication window, before the downlink, and before the next uplink.
    await clock.advance(1_000);
    const heardAtUs = clock.monotonic() * 1000;
    await lab.hear(confirmed(0));
    clock.jumpWallClock(jumpMs);
    second.push(confirmed(0));
    await second.sync();
    await pass(2_000);
    expect(heardByDoor()).toMatchObject([{ fCnt: 0, micValid: true, payload: 'hello' }]);
    expect(forwarder.timestamps).toEqual([heardAtUs + 1_000_000]);
    expect((await frameOf(confirmed(0)))?.receptions).toHaveLength(copies.length);

    const seenUpTo = (await lab.events(APPLICATION)).at(-1)?.time ?? '';
    await lab.hear(confirmed(1));
    await clock.advance(400);
    clock.jumpWallClock(-jumpMs);
    await pass(2_000);
    clock.jumpWallClock(jumpMs);
    expect(heardByDoor().map(({ fCnt }) => fCnt)).toEqual([0, 1]);
    await clock.advance(20_000);
    await lab.hear(confirmed(1));
    await pass(2_000);
    expect(await frameOf(confirmed(1))).toMatchObject({ verdict: { cause: 'f_cnt_too_low' } });

    const ids = (await frames()).map(({ id }) => Number(id));
    expect(ids).toEqual([5, 4, 3, 2, 1]);
    const names = (await lab.events(APPLICATION, seenUpTo)).map(({ name }) => name);
    expect(names).toContain('as.up.data.forward');
    expect(names).toContain('ns.up.data.drop');
    expect(lab.udpLink()?.gateways.map(({ connected }) => connected)).toEqual([true, true]);
    second.close();
  },
);

test('keep-alives go by the time that passed, not by the wall clock', async () => {
  const gateway = () => lab.udpLink()?.gateways[0];
  for (const jumpMs of [HOUR_MS, -2 * HOUR_MS]) {
    lab.clock.jumpWallClock(jumpMs);
    await pass(60_000);
    expect(gateway()).toMatchObject({ connected: true, downlinkReady: true });
  }
  await lab.clock.advance(200_000);
  expect(gateway()).toMatchObject({ connected: false, downlinkReady: false });
  await pass(0);
  expect(gateway()).toMatchObject({ connected: true, downlinkReady: true });
});

test.each(['stand_still', 'fire_late'] as const)(
  'after an hour of sleep (timers %s) nothing late is sent, and everything goes on',
  async (timers) => {
    const { clock } = lab;
    const request = joinRequest(OTAA, OTAA.appKey, 1);
    await lab.hear(confirmed(0));
    await lab.hear(request);
    await clock.advance(300);
    await lab.hear(confirmed(1));
    clock.suspend(HOUR_MS, timers);
    await pass(9_000);
    expect(lab.forwarder.transmitted).toEqual([]);
    const failed = (await frames()).filter(({ direction }) => direction === 'DIRECTION_DOWNLINK');
    // Whether the gateway counts as gone by then depends on which timer comes first.
    const late = /^(too_late|no_downlink_path)$/;
    for (const f_type of ['JOIN_ACCEPT', 'UNCONFIRMED_DOWN']) {
      const verdict = { outcome: 'OUTCOME_FAILED', cause: expect.stringMatching(late) };
      expect(failed).toContainEqual(
        expect.objectContaining({ f_type, verdict: expect.objectContaining(verdict) }),
      );
    }
    for (const fCnt of [0, 1])
      expect(await frameOf(confirmed(fCnt))).toMatchObject({
        verdict: { outcome: 'OUTCOME_ACCEPTED' },
      });

    await pass(20_000);
    for (const fCnt of [2, 3]) {
      const heardAtUs = Math.round(clock.monotonic() * 1000) % 2 ** 32;
      await lab.hear(confirmed(fCnt));
      await pass(2_000);
      expect(lab.forwarder.timestamps.at(-1)).toBe((heardAtUs + 1_000_000) % 2 ** 32);
    }
    const heard = heardByDoor();
    expect(heard.filter(({ payload }) => payload === 'hello')).toHaveLength(1);
    const counters = heard.map(({ fCnt }) => fCnt);
    expect(heard.every(({ micValid }) => micValid)).toBe(true);
    expect(counters).toEqual([...new Set(counters)].sort((left, right) => left - right));
    await lab.hear(joinRequest(OTAA, OTAA.appKey, 2));
    await pass(8_000);
    const accept = lab.forwarder.transmitted.at(-1) as Buffer;
    expect(openJoinAccept(accept, OTAA.appKey, 2)).toBeDefined();
  },
);
