import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { As } from '../main/api/gen/ttn/lorawan/v3/applicationserver_pb.js';
import { Configuration } from '../main/api/gen/ttn/lorawan/v3/configuration_services_pb.js';
import { Is } from '../main/api/gen/ttn/lorawan/v3/identityserver_pb.js';
import { ApplicationActivationSettingRegistry } from '../main/api/gen/ttn/lorawan/v3/joinserver_pb.js';
import { PHYVersion } from '../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { Ns } from '../main/api/gen/ttn/lorawan/v3/networkserver_pb.js';
import { CARRIERS, openServedApp, refusalOf, type ServedApp } from './support/served-app.ts';

const applicationIds = { applicationId: 'lab' };
const KEK = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
/** AS923-4 came with RP002-1.0.3. */
const AS_923_4_VERSIONS = ['RP002_V1_0_3', 'RP002_V1_0_4'] as const;
let served: ServedApp;

beforeAll(async () => {
  served = await openServedApp();
});
afterAll(() => served.close());

/** The network and its configuration are told to anybody, so these calls carry no key. */
describe.each(CARRIERS)('over %s', (carrier) => {
  const ns = () => createClient(Ns, served.transport(carrier, ''));
  const configuration = () => createClient(Configuration, served.transport(carrier, ''));

  test('new addresses lie in the block of the network, which lies in that of its NetID', async () => {
    expect((await ns().getNetID({})).netId).toEqual(Uint8Array.of(0, 0, 1));
    const { devAddrPrefixes } = await ns().getDeviceAddressPrefixes({});
    const [prefix = new Uint8Array()] = devAddrPrefixes;
    expect([...prefix.subarray(2)]).toEqual([0, 0, 16]);
    // NetID 000001 has the addresses 02000000/7 (TS002-1.1.0, table of NetID types).
    expect((prefix[0] ?? 0) >> 1).toBe(1);
    const addresses = await Promise.all(
      Array.from({ length: 8 }, async () => (await ns().generateDevAddr({})).devAddr),
    );
    for (const address of addresses) expect(address.subarray(0, 2)).toEqual(prefix.subarray(0, 2));
    expect(new Set(addresses.map((address) => Buffer.from(address).toString('hex'))).size).toBe(8);
  });

  test('default MAC settings are those of the band, the plan and this network', async () => {
    const settings = await ns().getDefaultMACSettings({
      frequencyPlanId: 'EU_863_870_TTN',
      lorawanPhyVersion: PHYVersion.PHY_V1_0_3_REV_A,
    });
    expect(settings).toMatchObject({
      rx1Delay: { value: 1 },
      desiredRx1Delay: { value: 5 },
      rx2DataRateIndex: { value: 0 },
      rx2Frequency: { value: 869_525_000n },
      // The plan asks for SF9 in RX2.
      desiredRx2DataRateIndex: { value: 3 },
      pingSlotFrequency: { value: 869_525_000n },
      desiredAdrAckLimitExponent: { value: 6 },
      desiredMaxEirp: { value: 5 },
      adrMargin: 15,
      statusCountPeriodicity: 200,
      classCTimeout: { seconds: 300n },
      statusTimePeriodicity: { seconds: 86_400n },
    });
    expect(settings.uplinkDwellTime).toBeUndefined();
    const unknown = ns().getDefaultMACSettings({ frequencyPlanId: 'MOON_1' });
    expect(await refusalOf(unknown)).toMatchObject({
      namespace: 'pkg/frequencyplans',
      name: 'not_found',
      code: 5,
    });
    const without = ns().getDefaultMACSettings({
      frequencyPlanId: 'AS_923_4',
      lorawanPhyVersion: PHYVersion.PHY_V1_0,
    });
    expect(await refusalOf(without)).toMatchObject({ name: 'no_band_version', code: 3 });
  });

  test('plans say what they vary, and which of them gateways are set up with', async () => {
    const { frequencyPlans } = await configuration().listFrequencyPlans({ baseFrequency: 868 });
    const byId = new Map(frequencyPlans.map((plan) => [plan.id, plan]));
    expect(byId.get('EU_863_870_TTN')).toMatchObject({ baseId: 'EU_863_870' });
    expect(byId.get('EU_863_870')).toMatchObject({ baseId: '', bandId: 'EU_863_870' });
    const forGateways = await configuration().listFrequencyPlans({
      bandId: 'EU_863_870',
      gatewaysOnly: true,
    });
    expect(forGateways.frequencyPlans.map(({ id }) => id)).toEqual(['EU_863_870', 'EU_868_1']);
    const every = await configuration().listFrequencyPlans({});
    for (const { id, baseId } of every.frequencyPlans) {
      if (baseId === '') continue;
      expect(
        every.frequencyPlans.map((plan) => plan.id),
        id,
      ).toContain(baseId);
    }
  });

  test('bands are described for each version that has them', async () => {
    const { versionInfo } = await configuration().getPhyVersions({ bandId: 'AS_923_4' });
    expect(versionInfo).toMatchObject([
      { bandId: 'AS_923_4', phyVersions: AS_923_4_VERSIONS.map((name) => PHYVersion[name]) },
    ]);
    const all = await configuration().getPhyVersions({});
    expect(all.versionInfo.length).toBeGreaterThan(15);
    const { descriptions } = await configuration().listBands({
      bandId: 'US_902_928',
      phyVersion: PHYVersion.RP002_V1_0_4,
    });
    expect(Object.keys(descriptions)).toEqual(['US_902_928']);
    const band = descriptions.US_902_928?.band.RP002_V1_0_4;
    // RP002-1.0.4 §2.5.
    expect(band).toMatchObject({
      maxUplinkChannels: 72,
      freqMultiplier: 100n,
      implementsCfList: true,
      cfListType: 1,
      maxAdrDataRateIndex: 3,
      defaultMaxEirp: 30,
      defaultRx2Parameters: { dataRateIndex: 8, frequency: 923_300_000n },
      joinAcceptDelay1: { seconds: 5n },
      relayForwardDelay: { nanos: 50_000_000 },
    });
    expect(band?.uplinkChannels).toHaveLength(72);
    expect(band?.uplinkChannels[64]).toMatchObject({ frequency: 903_000_000n, minDataRate: 4 });
    expect(band?.dataRates[0]?.rate?.modulation).toMatchObject({
      case: 'lora',
      value: { bandwidth: 125_000, spreadingFactor: 10 },
    });
    const unknown = configuration().listBands({ bandId: 'MOON' });
    expect(await refusalOf(unknown)).toMatchObject({
      namespace: 'pkg/band',
      name: 'band_not_found',
    });
  });

  test('the servers say what they offer', async () => {
    const as = createClient(As, served.transport(carrier));
    const { configuration: of } = await as.getConfiguration({});
    expect(of?.pubsub?.providers).toMatchObject({ mqtt: 2, nats: 2 });
    const is = createClient(Is, served.transport(carrier, ''));
    const answer = await is.getConfiguration({});
    expect(answer.configuration?.userRegistration?.enabled).toBe(false);
    expect(answer.configuration?.userRights?.createApplications).toBe(true);
  });

  test('activation settings of an application are kept, their key sealed', async () => {
    const settings = createClient(ApplicationActivationSettingRegistry, served.transport(carrier));
    const missing = settings.get({ applicationIds, fieldMask: { paths: ['kek'] } });
    expect(await refusalOf(missing)).toMatchObject({
      namespace: 'pkg/joinserver',
      name: 'application_activation_settings_not_found',
      code: 5,
    });
    const kek = { key: KEK };
    const set = (sent: object, paths: string[]) =>
      settings.set({ applicationIds, settings: sent, fieldMask: { paths } });
    expect(await refusalOf(set({}, []))).toMatchObject({
      name: 'field_mask',
      cause: { name: 'no_paths' },
    });
    expect(await refusalOf(set({ kek: { key: new Uint8Array(16) } }, ['kek.key']))).toMatchObject({
      name: 'field_value',
      attributes: { field: 'kek.key' },
    });
    expect(await refusalOf(set({ kek }, ['kek', 'kek_label']))).toMatchObject({
      name: 'no_kek_label',
      code: 3,
    });
    const homeNetId = Uint8Array.of(0, 0, 0x13);
    const stored = await set({ kek, kekLabel: 'as/kek', homeNetId }, [
      'kek.key',
      'kek_label',
      'home_net_id',
    ]);
    expect(stored).toMatchObject({ kek, kekLabel: 'as/kek', homeNetId });
    const read = await settings.get({ applicationIds, fieldMask: { paths: ['kek', 'kek_label'] } });
    expect(read).toMatchObject({ kek, kekLabel: 'as/kek', homeNetId: new Uint8Array() });
    await settings.delete({ applicationIds });
    expect(await refusalOf(settings.delete({ applicationIds }))).toMatchObject({ code: 5 });
  });
});

test('every REST binding', async () => {
  const get = async (path: string) => {
    const { status, json } = await served.rest('GET', path, undefined, '');
    expect(status, path).toBe(200);
    return json;
  };
  expect(await get('/ns/net_id')).toEqual({ net_id: '000001' });
  expect(await get('/ns/dev_addr')).toEqual({
    dev_addr: expect.stringMatching(/^0[23][0-9A-F]{6}$/),
  });
  expect(await get('/ns/dev_addr_prefixes')).toEqual({
    dev_addr_prefixes: [expect.stringMatching(/^0[23][0-9A-F]{2}0000\/16$/)],
  });
  expect(await get('/ns/default_mac_settings/US_902_928_FSB_2/PHY_V1_0_2_REV_B')).toMatchObject({
    rx2_frequency: '923300000',
    rx2_data_rate_index: 8,
    use_adr: true,
  });
  expect(
    (await get('/configuration/frequency-plans?gateways_only=true')).frequency_plans,
  ).toBeDefined();
  expect((await get('/configuration/phy-versions?band_id=EU_433')).version_info).toHaveLength(1);
  const bands = (json: Record<string, unknown>) =>
    json.descriptions as Record<string, { band: object }>;
  expect(Object.keys(bands(await get('/configuration/bands'))).length).toBeGreaterThan(15);
  const one = bands(await get('/configuration/bands/KR_920_923'));
  expect(Object.keys(one.KR_920_923?.band ?? {})).toContain('RP002_V1_0_0');
  const both = bands(await get('/configuration/bands/KR_920_923/RP002_V1_0_4'));
  expect(both.KR_920_923?.band).toEqual({
    RP002_V1_0_4: expect.objectContaining({ id: 'KR_920_923', freq_multiplier: '100' }),
  });
  const as = await served.rest('GET', '/as/configuration');
  expect(as.json).toMatchObject({
    configuration: { pubsub: { providers: { mqtt: 'DISABLED', nats: 'DISABLED' } } },
  });
  expect(await get('/is/configuration')).toMatchObject({
    configuration: { user_rights: { create_applications: true } },
  });
  const path = '/js/applications/lab/settings';
  const body = { settings: { home_net_id: '000013' }, field_mask: { paths: ['home_net_id'] } };
  expect((await served.rest('POST', path, body)).json).toEqual({ home_net_id: '000013' });
  expect((await served.rest('GET', `${path}?field_mask=home_net_id`)).json).toEqual({
    home_net_id: '000013',
  });
  expect(await served.rest('DELETE', path)).toMatchObject({ status: 200, json: {} });
  expect((await served.rest('GET', path, undefined, '')).status).toBe(403);
});
