/**
 * Makes the databases that a release leaves behind, for the test that later versions open them:
 * `node scripts/make-database-fixture.mjs` (Node 24) writes `main/store/testdata/v<version>/` with the version of package.json.
 * Run it once per release, before the release is tagged, and commit what it wrote; a folder that exists is never made anew.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../main/app.ts';
import { silentLogger } from '../main/base/logger.ts';
import { virtualClock } from '../main/base/virtual-clock.ts';
import { createStore } from '../main/store/index.ts';
import { FIXTURE, fixtureContents } from '../test/support/fixture-contents.ts';
import {
  createForwarder,
  dataUplink,
  joinRequest,
  openJoinAccept,
} from '../test/support/radio-fleet.ts';
import { root, say } from './tool-chain.mjs';

const NOTE = `Databases as this version of Gatehouse left them, for tests only. Made by scripts/make-database-fixture.mjs; do not edit.
All keys in here, data.key included, are test material: they are published with the source and protect nothing.
`;
const API_KEY = 'NNSXS.FIXTURE.FIXTURE';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const target = join(root, 'main', 'store', 'testdata', `v${version}`);
if (existsSync(target)) {
  say(`${target} exists. A released fixture is never made anew.`);
  process.exit(1);
}

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-fixture-'));
const clock = virtualClock();
const options = { clock, logger: silentLogger() };

async function open() {
  const store = await createStore({ directory, ...options });
  const app = await createApp({
    store,
    ...options,
    rendererFolder: directory,
    version,
    buildId: 'fixture',
    udp: { host: '127.0.0.1', port: 0, explicit: false },
    offerDemo: false,
    listeners: () => [],
    apiKey: API_KEY,
  });
  await app.links.start();
  const caller = app.callerOf(`Bearer ${API_KEY}`);
  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  const call = async (method, path, body) => {
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await app.handle(new Request(`http://127.0.0.1/api/v3${path}`, init), caller);
    const json = /** @type {Record<string, unknown>} */ (await response.json());
    if (response.status !== 200) throw new Error(`${path}: ${JSON.stringify(json)}`);
    return { json };
  };
  return { app, call };
}

/** @param {Awaited<ReturnType<typeof open>>['call']} call */
async function register(call) {
  const { abp, otaa, neverJoined, application } = FIXTURE;
  const application_ids = { application_id: application };
  await call('POST', '/users/admin/applications', { application: { ids: application_ids } });
  const common = {
    frequency_plan_id: 'EU_863_870',
    lorawan_version: '1.0.3',
    lorawan_phy_version: '1.0.3-a',
    mac_settings: { rx1_delay: 'RX_DELAY_1', desired_rx1_delay: 'RX_DELAY_1' },
  };
  const session = {
    dev_addr: abp.keys.devAddr,
    keys: {
      f_nwk_s_int_key: { key: abp.keys.nwkSKey.toString('hex') },
      app_s_key: { key: abp.keys.appSKey.toString('hex') },
    },
  };
  const devices = [
    {
      ...common,
      ids: { device_id: abp.id, application_ids },
      name: 'Meter, personalized',
      session,
    },
    ...[otaa, { ...otaa, ...neverJoined }].map(({ id, devEui, joinEui, appKey }) => ({
      ...common,
      ids: { device_id: id, application_ids, dev_eui: devEui, join_eui: joinEui },
      name: `Meter ${id}`,
      supports_join: true,
      root_keys: { app_key: { key: appKey.toString('hex') } },
    })),
  ];
  for (const end_device of devices)
    await call('POST', `/gatehouse/applications/${application}/devices`, { end_device });
  await call('POST', `/as/applications/${application}/devices/${abp.id}/down/push`, {
    downlinks: [abp.sent, ...abp.queued].map((text) => ({
      f_port: 2,
      frm_payload: Buffer.from(text).toString('base64'),
    })),
  });
}

const { app, call } = await open();
await register(call);
const forwarder = await createForwarder(FIXTURE.gatewayEui, () => clock.monotonic());
const udp = app.links.list().find(({ link }) => link?.id === 'udp');
forwarder.connect(udp?.address ?? '');
await forwarder.sync();

/**
 * @param {Buffer} phyPayload
 * @param {number} forMs
 */
async function hear(phyPayload, forMs) {
  forwarder.push(phyPayload);
  await forwarder.sync();
  await clock.advance(forMs);
  await forwarder.sync();
}

const { abp, otaa } = FIXTURE;
await hear(dataUplink(abp.keys, abp.lastFCntUp, false), 20_000);
// A counter of the past: a frame with a cause.
await hear(dataUplink(abp.keys, abp.lastFCntUp - 1, false), 3_000);
await hear(joinRequest(otaa, otaa.appKey, otaa.devNonce), 8_000);
const joined = openJoinAccept(
  forwarder.transmitted.at(-1) ?? Buffer.alloc(0),
  otaa.appKey,
  otaa.devNonce,
);
if (!joined) throw new Error('The device did not join.');
await hear(dataUplink(joined, 0, false), 3_000);
// Heard, and undecided when the program ends.
await hear(dataUplink(abp.keys, abp.lastFCntUp + 9, false), 0);
forwarder.close();
await app.close();

mkdirSync(target, { recursive: true });
for (const name of ['gatehouse.db', 'frames.db', 'data.key']) {
  if (existsSync(join(directory, `${name}-wal`))) throw new Error(`${name} has a log left.`);
  copyFileSync(join(directory, name), join(target, name));
}
writeFileSync(join(target, 'README.txt'), NOTE);
const again = await open();
const contents = await fixtureContents((method, path) => again.call(method, path));
writeFileSync(join(target, 'expected.json'), `${JSON.stringify(contents, undefined, 2)}\n`);
await again.app.close();
rmSync(directory, { recursive: true, force: true });
say(`Wrote ${target}.`);
