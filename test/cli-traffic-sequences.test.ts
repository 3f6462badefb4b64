/**
 * The calls that the command line of The Things Stack makes for traffic and events, with messages that are built from
 * published field numbers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import type { Json } from './support/program-api.ts';
import { type StackClient, type StackStream, stackClient } from './support/stack-client.ts';
import { application_ids, codeOf, hex, masked, pump, time } from './support/stack-commands.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-cli-traffic-'));
const meter = { device_id: 'meter', application_ids };
let program: HeadlessProcess;
let stack: StackClient;

const call = async (service: string, method: string, request: Json = {}): Promise<Json> =>
  (await stack.call(service, method, request)).message;

/** An ABP device, as `create --abp --with-session` makes it. */
async function createMeter(): Promise<void> {
  const { dev_addr } = await call('Ns', 'GenerateDevAddr');
  await call('EndDeviceRegistry', 'Create', { end_device: { ids: meter } });
  await call('NsEndDeviceRegistry', 'Set', {
    end_device: {
      ids: meter,
      frequency_plan_id: 'EU_863_870',
      lorawan_version: 'MAC_V1_0_2',
      lorawan_phy_version: 'RP001_V1_0_2_REV_B',
      session: { dev_addr, keys: { f_nwk_s_int_key: { key: Buffer.alloc(16, 1) } } },
    },
    ...masked(
      'supports_join',
      'frequency_plan_id',
      'lorawan_version',
      'lorawan_phy_version',
      'session.dev_addr',
      'session.keys.f_nwk_s_int_key.key',
      'session.keys.session_key_id',
    ),
  });
  await call('AsEndDeviceRegistry', 'Set', {
    end_device: {
      ids: meter,
      session: { dev_addr, keys: { app_s_key: { key: Buffer.alloc(16, 2) } } },
    },
    ...masked('session.dev_addr', 'session.keys.app_s_key.key', 'session.keys.session_key_id'),
  });
}

beforeAll(async () => {
  program = await startHeadless(directory);
  stack = stackClient(program.addresses.grpc ?? '');
  await call('ApplicationRegistry', 'Create', {
    application: { ids: application_ids },
    collaborator: { user_ids: { user_id: 'admin' } },
  });
  await call('EndDeviceRegistry', 'Create', { end_device: { ids: pump } });
  await call('AsEndDeviceRegistry', 'Set', { end_device: { ids: pump } });
  await createMeter();
});
afterAll(async () => {
  stack.close();
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

const downlinks = [
  {
    f_port: 10,
    frm_payload: hex('010203'),
    confirmed: true,
    priority: 'HIGH',
    correlation_ids: ['order:1'],
  },
  { f_port: 11, frm_payload: hex('FF'), priority: 'NORMAL' },
];

/** A stream of the application's events that stands: what happens from now on is in it. */
async function followEvents(options: Json = {}): Promise<StackStream> {
  const events = stack.stream('Events', 'Stream', {
    identifiers: [{ application_ids }],
    ...options,
  });
  expect(await events.next()).toMatchObject({ name: 'events.stream.start', time });
  return events;
}

async function queued(): Promise<Json[]> {
  const list = await call('AppAs', 'DownlinkQueueList', meter);
  return (list.downlinks ?? []) as Json[];
}

test('downlink push, replace, list and clear, with the reports that subscribe sees', async () => {
  const events = await followEvents({ names: ['as.application.subscribe'] });
  const ups = stack.stream('AppAs', 'Subscribe', application_ids);
  expect(await events.next()).toMatchObject({ name: 'as.application.subscribe' });
  events.cancel();
  const [first, second] = downlinks;
  await call('AppAs', 'DownlinkQueuePush', { end_device_ids: meter, downlinks: [first] });
  await call('AppAs', 'DownlinkQueuePush', { end_device_ids: meter, downlinks: [second] });
  expect(await queued()).toMatchObject([
    { ...first, correlation_ids: expect.arrayContaining(['order:1']) },
    { ...second, f_cnt: 1 },
  ]);
  expect(await ups.next()).toMatchObject({
    end_device_ids: meter,
    up: 'downlink_queued',
    downlink_queued: { ...first, correlation_ids: expect.arrayContaining(['order:1']) },
  });
  await call('AppAs', 'DownlinkQueueReplace', { end_device_ids: meter, downlinks: [second] });
  expect(await queued()).toMatchObject([second]);
  await call('AppAs', 'DownlinkQueueReplace', { end_device_ids: meter });
  expect(await queued()).toEqual([]);
  ups.cancel();
});

test('simulate application-uplink reaches whoever subscribed', async () => {
  const events = await followEvents({ names: ['as.application.subscribe'] });
  const ups = stack.stream('AppAs', 'Subscribe', application_ids);
  expect(await events.next()).toMatchObject({ name: 'as.application.subscribe' });
  const uplink = {
    f_port: 7,
    f_cnt: 42,
    frm_payload: hex('CAFE'),
    settings: {
      data_rate: {
        modulation: 'lora',
        lora: { bandwidth: 125000, spreading_factor: 9, coding_rate: '4/5' },
      },
      frequency: 868300000,
    },
  };
  await call('AppAs', 'SimulateUplink', {
    end_device_ids: pump,
    uplink_message: uplink,
  });
  expect(await ups.next()).toMatchObject({
    end_device_ids: pump,
    received_at: time,
    simulated: true,
    up: 'uplink_message',
    uplink_message: uplink,
  });
  ups.cancel();
  events.cancel();
});

test('events follows what the command line does to a device, and --tail repeats it', async () => {
  const names = ['end_device.update'];
  const events = await followEvents({ names });
  await call('EndDeviceRegistry', 'Update', {
    end_device: { ids: pump, name: 'Pump 3' },
    ...masked('name'),
  });
  const update = await events.next();
  expect(update).toMatchObject({
    name: 'end_device.update',
    time,
    identifiers: [{ ids: 'device_ids', device_ids: pump }],
    unique_id: expect.any(String),
  });
  events.cancel();
  const again = stack.stream('Events', 'Stream', {
    identifiers: [{ application_ids }],
    names,
    tail: 1,
  });
  const first = await again.next();
  const repeated = first.name === 'events.stream.start' ? await again.next() : first;
  expect(repeated).toEqual(update);
  again.cancel();
});

test('who follows a program that stops is told that it is unavailable, and may come back', async () => {
  const events = await followEvents({ names: ['as.application.subscribe'] });
  const ups = stack.stream('AppAs', 'Subscribe', application_ids);
  await events.next();
  const cut = [codeOf(events.next()), codeOf(ups.next())];
  await program.stop();
  expect(await Promise.all(cut)).toEqual([status.UNAVAILABLE, status.UNAVAILABLE]);
});
