/** Frequency plans of the user in the whole program: from the data folder and through the API, for devices and gateways. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AbpDevice, registerAbpDevice } from './support/abp-device.ts';
import { API_KEY, type HeadlessProcess, startHeadless } from './support/headless-process.ts';
import { type Json, programApi } from './support/program-api.ts';
import { rxpkOf } from './support/udp-conversation.ts';
import { createUdpForwarder } from './support/udp-forwarder.ts';

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-own-plans-'));
const folder = join(directory, 'frequency-plans');
const HALL = `band-id: EU_863_870
name: Hall, quiet
base-frequency: 868
max-eirp: 5
uplink-channels:
- {frequency: 868100000, min-data-rate: 0, max-data-rate: 5}
- {frequency: 868300000, min-data-rate: 0, max-data-rate: 5}
- {frequency: 868500000, min-data-rate: 0, max-data-rate: 5}
- {frequency: 867100000, min-data-rate: 0, max-data-rate: 5}
`;
let program: HeadlessProcess;

beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'HALL.yaml'), HALL);
  writeFileSync(join(folder, 'BROKEN.yaml'), HALL.replace('867100000', '902300000'));
  program = await startHeadless(directory);
});
afterAll(async () => {
  await program.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown, key = API_KEY) {
  const response = await fetch(`http://${program.addresses.http}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Json };
}
async function planIds(query = ''): Promise<string[]> {
  const { json } = await call('GET', `/configuration/frequency-plans${query}`);
  return (json.frequency_plans as { id: string }[]).map(({ id }) => id);
}

test('a broken file costs a line of the log and is listed with its line and field', async () => {
  const { json } = await call('GET', '/gatehouse/frequency-plans');
  expect(json).toMatchObject({
    directory: folder,
    files: [
      {
        name: 'BROKEN.yaml',
        problems: [
          {
            code: 'out_of_band',
            field: 'uplink-channels[3].frequency',
            line: 9,
            text: '902.3 MHz lies in no sub-band of EU868',
          },
        ],
      },
      { name: 'HALL.yaml', plan_ids: ['HALL'] },
    ],
  });
  const lines = (program.lines.join('\n') + program.errors()).match(/BROKEN\.yaml/g);
  expect(lines).toHaveLength(1);
});

test('own plans stand beside the built-in ones', async () => {
  const all = await planIds();
  expect(all).toHaveLength(72);
  expect(all.at(-1)).toBe('HALL');
  expect(await planIds('?base_frequency=868&band_id=EU_863_870')).toContain('HALL');
  expect(await planIds('?band_id=US_902_928')).not.toContain('HALL');
});

test('devices and gateways go by it: its channels are wanted, its power is not exceeded', async () => {
  const api = programApi(program);
  const device: AbpDevice = await registerAbpDevice(api, {
    applicationId: 'lab',
    deviceId: 'door-7',
    devAddr: '02ABCD01',
    frequencyPlanId: 'HALL',
  });
  const mac = await api(
    'GET',
    '/ns/applications/lab/devices/door-7?field_mask=mac_state.desired_parameters',
  );
  const { channels } = (mac.mac_state as { desired_parameters: { channels: Json[] } })
    .desired_parameters;
  expect(channels.map(({ uplink_frequency }) => uplink_frequency)).toEqual([
    '868100000',
    '868300000',
    '868500000',
    '867100000',
  ]);
  const { links } = (await api('GET', '/gatehouse/links')) as { links: { link: Json }[] };
  const udp = links.find(({ link }) => link.id === 'udp')?.link;
  const changed = { link: { ...udp, frequency_plan_id: 'HALL' } };
  const { address } = await api('PUT', '/gatehouse/links/udp', changed);
  const serverPort = Number(String(address).split(':')[1]);
  const forwarder = await createUdpForwarder({ gatewayEui: 'AA555A0000000D01', serverPort });
  await forwarder.pull();
  const answer = forwarder.nextDownlink();
  await forwarder.push({ rxpk: [rxpkOf(device.uplink({ confirmed: true }), 50_000_000)] });
  const { body, token } = await answer;
  forwarder.acknowledge(token);
  // In either window: 5 dBm EIRP less the 2.15 dB of a dipole, in whole dBm below.
  expect(body?.txpk).toMatchObject({ powe: 2 });

  // As soon as the plan is replaced, also for the session there is.
  const louder = HALL.replace('max-eirp: 5', 'max-eirp: 9');
  await api('PUT', '/gatehouse/frequency-plans/HALL.yaml', { content: louder });
  const next = forwarder.nextDownlink();
  await forwarder.push({ rxpk: [rxpkOf(device.uplink({ confirmed: true }), 70_000_000)] });
  const again = await next;
  forwarder.acknowledge(again.token);
  expect(again.body?.txpk).toMatchObject({ powe: 6 });
  await forwarder.close();
});

test('a plan is imported, refused with line and field, replaced and deleted over REST', async () => {
  const roam = { base_id: 'HALL', name: 'Roaming', max_eirp: 14 };
  const path = '/gatehouse/frequency-plans/ROAM.json';
  const put = (content: string) => call('PUT', path, { content });
  expect(await put(JSON.stringify(roam))).toEqual({
    status: 200,
    json: { name: 'ROAM.json', plan_ids: ['ROAM'] },
  });
  expect(await planIds()).toContain('ROAM');
  expect(readdirSync(folder)).toContain('ROAM.json');

  const refused = await put('{\n"base_id": "HALL",\n"max_eirp": "loud"}');
  expect(refused).toMatchObject({
    status: 400,
    json: {
      code: 3,
      message: expect.stringContaining('ROAM.json, line 3: max_eirp must be a number'),
    },
  });
  expect(JSON.stringify(refused.json)).toContain('"field":"max_eirp"');
  expect(await planIds()).toContain('ROAM');

  for (const name of ['..%2Fx.yaml', '%2Fetc%2Fx.yaml', 'x.txt'])
    expect(
      (await call('PUT', `/gatehouse/frequency-plans/${name}`, { content: HALL })).status,
    ).not.toBe(200);
  expect((await put('x'.repeat(70_000))).status).toBe(400);
  expect((await call('PUT', path, { content: HALL }, 'NNSXS.NOBODY.NOTHING')).status).toBe(401);

  expect((await call('DELETE', path)).status).toBe(200);
  expect(await planIds()).not.toContain('ROAM');
  expect((await call('DELETE', path)).status).toBe(404);
});

test('a plan that a link uses stays, and is there again after a restart', async () => {
  const { status, json } = await call('DELETE', '/gatehouse/frequency-plans/HALL.yaml');
  expect(status).toBe(400);
  expect(json).toMatchObject({ message: expect.stringContaining('is in use by') });
  await program.stop();
  program = await startHeadless(directory);
  expect(await planIds()).toContain('HALL');
  const { json: links } = await call('GET', '/gatehouse/links');
  expect(JSON.stringify(links)).toContain('"frequency_plan_id":"HALL"');
});
