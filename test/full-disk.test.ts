/** A disk that fills up under the running network: nothing is said that is not stored, and all goes on when there is room. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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

const door = personalizedDevice(1, true);
const keys = door.keys as SessionKeys;
const devices = `/applications/${APPLICATION}/devices`;
const queue = `/as${devices}/${door.id}/down`;
const FULL = {
  status: 429,
  json: {
    code: 8,
    message: expect.stringMatching(/disk is full.*gatehouse\.db.*Free some space/),
    details: [{ namespace: 'gatehouse/store', name: 'full' }],
  },
};

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
});
afterEach(() => lab.close());

interface FrameJson {
  readonly id: string;
  readonly phy_payload: string;
  readonly verdict: {
    readonly outcome: string;
    readonly cause: string;
    readonly suggestion: string;
  };
}

async function frames(): Promise<FrameJson[]> {
  const { status, json } = await lab.call('GET', '/gatehouse/frames?limit=1000');
  expect(status).toBe(200);
  return (json.frames ?? []) as FrameJson[];
}

async function verdictOf(phyPayload: Buffer): Promise<FrameJson['verdict'] | undefined> {
  const data = phyPayload.toString('base64');
  return (await frames()).find((frame) => frame.phy_payload === data)?.verdict;
}

/** Hears a frame and lets its windows pass; resolves with what was transmitted meanwhile. */
async function hear(phyPayload: Buffer, forMs = 2_000): Promise<readonly Buffer[]> {
  const before = lab.forwarder.transmitted.length;
  await lab.hear(phyPayload);
  await lab.clock.advance(forMs);
  await lab.forwarder.sync();
  return lab.forwarder.transmitted.slice(before);
}

const confirmed = (fCnt: number): Buffer => dataUplink(keys, fCnt, true);

const push = (text: string) =>
  lab.call('POST', `${queue}/push`, {
    downlinks: [{ f_port: 2, frm_payload: Buffer.from(text).toString('base64') }],
  });

async function queued(): Promise<string[]> {
  const { json } = await lab.call('GET', queue);
  const { downlinks = [] } = json as { downlinks?: { frm_payload: string }[] };
  return downlinks.map((one) => Buffer.from(one.frm_payload, 'base64').toString());
}

async function answered(phyPayload: Buffer): Promise<void> {
  const before = lab.forwarder.transmitted.length;
  await hear(phyPayload);
  expect(lab.forwarder.transmitted.length).toBe(before + 1);
}

const counters = (): number[] =>
  downlinksOf(lab.forwarder.transmitted, [keys]).map(({ fCnt, micValid }) =>
    micValid ? fCnt : -1,
  );

async function storeCause(): Promise<unknown> {
  const { json } = await lab.call('GET', '/gatehouse/diagnostics');
  return json.store_cause_code ?? '';
}

test('API writes on a full disk name the cause and leave nothing behind', async () => {
  expect(await push('before')).toMatchObject({ status: 200 });
  lab.setFull('registry', true);
  const created = lab.call('POST', devices, { end_device: { ids: { device_id: 'late' } } });
  expect(await created).toMatchObject(FULL);
  expect(await lab.call('GET', `${devices}/late`)).toMatchObject({ status: 404 });
  const ids = { device_id: door.id, application_ids: { application_id: APPLICATION } };
  const renamed = lab.call('PUT', `${devices}/${door.id}`, {
    end_device: { ids, name: 'Late' },
    field_mask: { paths: ['name'] },
  });
  expect(await renamed).toMatchObject(FULL);
  const { json } = await lab.call('GET', `${devices}/${door.id}?field_mask=name`);
  expect(json.name ?? '').toBe('');
  expect(await push('late')).toMatchObject(FULL);
  expect(await queued()).toEqual(['before']);
  expect(await lab.call('DELETE', `${devices}/${door.id}`)).toMatchObject(FULL);
  expect(await lab.call('GET', '/gatehouse/diagnostics')).toMatchObject({
    json: { store_cause_code: 'gatehouse/store:full', store_cause_text: FULL.json.message },
  });
  expect(lab.log.filter((line) => line.includes('"code":"gatehouse/store:full"'))).toHaveLength(1);
  lab.setFull('registry', false);
  await lab.clock.advance(2_000);
  expect(await storeCause()).toBe('');
  expect(lab.log.at(-1)).toContain('storing works again');
  expect(await push('after')).toMatchObject({ status: 200 });
  expect(await queued()).toEqual(['before', 'after']);
});

test('frames heard on a full disk are not taken, not answered, and taken when there is room', async () => {
  await answered(confirmed(0));
  lab.setFull('registry', true);
  expect(await hear(confirmed(1))).toEqual([]);
  expect(await verdictOf(confirmed(1))).toMatchObject({
    outcome: 'OUTCOME_DROPPED',
    cause: 'store_full',
    suggestion: expect.stringContaining('Make room'),
  });
  const request = joinRequest(OTAA, OTAA.appKey, 7);
  expect(await hear(request, 8_000)).toEqual([]);
  expect(await verdictOf(request)).toMatchObject({ cause: 'store_full' });
  const events = await lab.events(APPLICATION);
  const told = events.filter(({ data }) => data?.name === 'store_full').map(({ name }) => name);
  expect(told).toEqual(['ns.up.data.drop', 'ns.up.join.drop']);
  expect(events.map(({ name }) => name)).not.toContain('js.join.accept');
  expect(events.filter(({ name }) => name === 'as.up.data.forward')).toHaveLength(1);

  lab.setFull('registry', false);
  await lab.clock.advance(2_000);
  await answered(confirmed(1));
  expect(counters()).toEqual([0, 1]);
  const [accept] = await hear(request, 8_000);
  expect(openJoinAccept(accept as Buffer, OTAA.appKey, 7)).toBeDefined();
});

test('a disk that fills before the answer keeps it back, and its counter is given to the next one', async () => {
  await push('hello');
  await lab.hear(confirmed(0));
  await lab.clock.advance(250);
  lab.setFull('registry', true);
  const before = lab.forwarder.transmitted.length;
  await lab.clock.advance(2_000);
  await lab.forwarder.sync();
  expect(lab.forwarder.transmitted.length).toBe(before);
  const failed = (await lab.events(APPLICATION)).find(
    ({ name }) => name === 'ns.down.data.schedule.fail',
  );
  expect(failed?.data).toMatchObject({ name: 'store_full' });
  lab.setFull('registry', false);
  await answered(confirmed(1));
  await answered(confirmed(2));
  expect(downlinksOf(lab.forwarder.transmitted, [keys])).toMatchObject([
    { fCnt: 0, micValid: true, payload: 'hello' },
    { fCnt: 1, micValid: true, payload: '' },
  ]);
});

test('a gateway heard for the first time on a full disk is served and registered later', async () => {
  lab.setFull('registry', true);
  const second = await createForwarder('AA555A0000000202');
  second.connect(lab.udpLink()?.address ?? '');
  await vi.waitFor(() => expect(lab.udpLink()?.gateways).toHaveLength(2));
  const path = '/gateways/eui-aa555a0000000202';
  expect(await lab.call('GET', path)).toMatchObject({ status: 404 });
  lab.setFull('registry', false);
  await lab.clock.advance(6_000);
  second.push(confirmed(0));
  await expect.poll(async () => (await lab.call('GET', path)).status).toBe(200);
  second.close();
});

test('without room for frames the network works on, and the frames are stored when there is room', async () => {
  await answered(confirmed(0));
  await frames();
  lab.setFull('frames', true);
  for (const fCnt of [1, 2, 3]) await answered(confirmed(fCnt));
  expect(counters()).toEqual([0, 1, 2, 3]);
  expect(await push('works')).toMatchObject({ status: 200 });
  expect(await lab.call('GET', '/gatehouse/diagnostics')).toMatchObject({
    json: {
      store_cause_code: 'gatehouse/store:full',
      store_cause_text: expect.stringContaining('frames.db'),
    },
  });
  expect(await verdictOf(confirmed(0))).toMatchObject({ outcome: 'OUTCOME_ACCEPTED' });
  const events = await lab.events(APPLICATION);
  expect(events.filter(({ name }) => name === 'as.up.data.forward')).toHaveLength(4);
  lab.setFull('frames', false);
  await lab.clock.advance(1_000);
  expect(await storeCause()).toBe('');
  for (const fCnt of [1, 2, 3])
    expect(await verdictOf(confirmed(fCnt))).toMatchObject({ outcome: 'OUTCOME_ACCEPTED' });
  const ids = (await frames()).map(({ id }) => Number(id));
  expect(ids).toEqual([...ids].sort((left, right) => right - left));
  expect(ids).toHaveLength(8);
  const { json } = await lab.call('GET', '/gatehouse/diagnostics');
  expect(json.counters).toMatchObject({ frames_lost: '0', frames_recorded: '8' });
});
