/** From a repository on disk to a decoded payload: import, template, registration, uplink and downlink of the whole program. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { oneBrand } from '../main/registry/catalogue/testing/catalogue-lab.ts';
import { buildZip } from '../main/registry/catalogue/testing/zip-builder.ts';
import { type InProcessApp, openInProcessApp } from './support/in-process-app.ts';
import { personalizedDevice } from './support/kill-fleet.ts';
import { dataUplink, type SessionKeys } from './support/radio-fleet.ts';

const FILES = {
  'index.yaml': 'endDevices: [meter, probe]',
  'meter.yaml': `name: Meter
firmwareVersions: [{ version: '7', profiles: { EU863-870: { id: profile, codec: codec } } }]`,
  'probe.yaml': `name: Probe
firmwareVersions: [{ version: '1', profiles: { EU863-870: { id: probe-profile } } }]`,
  'probe-profile.yaml': `macVersion: '1.0.3'
regionalParametersVersion: RP001-1.0.3-RevA
supportsJoin: false
rx1Delay: 5
rx1DataRateOffset: 0
rx2DataRateIndex: 0
rx2Frequency: 869.525
factoryPresetFrequencies: [868.1, 868.3, 868.5, 867.1]
maxEIRP: 14`,
  'profile.yaml': `macVersion: '1.0.3'
regionalParametersVersion: RP001-1.0.3-RevA
supportsJoin: false
supportsClassB: false
supportsClassC: false
rx1Delay: 1
rx1DataRateOffset: 0
rx2DataRateIndex: 0
rx2Frequency: 869.525
supports32bitFCnt: true`,
  'codec.yaml': 'uplinkDecoder: { fileName: codec.js }\ndownlinkEncoder: { fileName: codec.js }',
  'codec.js': `function decodeUplink({ bytes }) { return { data: { length: bytes.length } }; }
function encodeDownlink({ data }) { return { fPort: 9, bytes: [data.level] }; }`,
};
const VERSION = {
  brand_id: 'acme',
  model_id: 'meter',
  firmware_version: '7',
  band_id: 'EU_863_870',
};
const meter = personalizedDevice(1, true);
const keys = meter.keys as SessionKeys;

/** The formatters' thread starts. */
const PATIENT = { timeout: 15_000 };

let lab: InProcessApp;
beforeAll(async () => {
  lab = await openInProcessApp();
});
afterAll(() => lab.close());

const ok = async (method: string, path: string, body?: unknown) => {
  const { status, json } = await lab.call(method, path, body);
  expect([path, status, json.message]).toEqual([path, 200, undefined]);
  return json;
};

/** Calls a method whose answer is a stream; every message of it. */
async function stream(
  path: string,
  body: unknown,
): Promise<{ result?: Record<string, unknown> }[]> {
  const request = new Request(`http://127.0.0.1/api/v3${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  const response = await lab.app.handle(request, { kind: 'desktop' });
  const lines = (await response.text()).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as { result?: Record<string, unknown> });
}

test('an uploaded repository is imported, and tells what it brought', async () => {
  const bytes = buildZip(oneBrand(FILES));
  const half = Math.ceil(bytes.length / 2);
  const first = { data: bytes.subarray(0, half).toString('base64'), name: 'devices.zip' };
  const { upload_id } = await ok('POST', '/gatehouse/catalogue/upload', first);
  const second = { upload_id, offset: String(half), data: bytes.subarray(half).toString('base64') };
  expect((await ok('POST', '/gatehouse/catalogue/upload', second)).size).toBe(String(bytes.length));
  const progress = await stream('/gatehouse/catalogue/import', { upload_id });
  expect(progress.at(-1)?.result).toMatchObject({
    phase: 'CATALOGUE_PHASE_DONE',
    counts: { brands: 1, models: 2, profiles: 2, codecs: 1 },
    version: { active: true, source: 'devices.zip' },
  });
});

test('a device made from its template decodes and encodes with the codec of the catalogue', async () => {
  const path = '/dr/brands/acme/models/meter/7/EU_863_870/template';
  const { end_device } = await ok('GET', path);
  const ids = { device_id: meter.id, application_ids: { application_id: 'lab' } };
  const session = {
    dev_addr: keys.devAddr,
    keys: {
      f_nwk_s_int_key: { key: keys.nwkSKey.toString('hex') },
      app_s_key: { key: keys.appSKey.toString('hex') },
    },
  };
  await ok('POST', '/gatehouse/applications/lab/devices', {
    end_device: { ...(end_device as object), ids, session, frequency_plan_id: 'EU_863_870' },
  });
  await lab.hear(dataUplink(keys, 1, false));
  // Only until the frame is decided: the time scripts have passes with this clock too.
  await lab.clock.advance(300);
  await vi.waitFor(async () => {
    const forwarded = (await lab.events('lab')).find(({ name }) => name === 'as.up.data.forward');
    expect(forwarded?.data).toMatchObject({
      uplink_message: { decoded_payload: { length: expect.any(Number) }, version_ids: VERSION },
    });
  }, PATIENT);
  const queue = `/as/applications/lab/devices/${meter.id}/down`;
  const downlinks = [{ f_port: 1, decoded_payload: { level: 200 } }];
  await ok('POST', `${queue}/push`, { downlinks });
  expect((await ok('GET', queue)).downlinks).toMatchObject([{ f_port: 9, frm_payload: 'yA==' }]);
});

test('the network server takes a template by its mask, the power of a personalized device too', async () => {
  const template = await ok('GET', '/dr/brands/acme/models/probe/1/EU_863_870/template');
  const { end_device, field_mask } = template as {
    end_device: object;
    field_mask: { paths: string[] };
  };
  const ids = { device_id: 'probe-1', application_ids: { application_id: 'lab' } };
  await ok('POST', '/applications/lab/devices', { end_device: { ids } });
  const path = '/ns/applications/lab/devices/probe-1';
  const key = { key: '00112233445566778899AABBCCDDEEFF' };
  const session = { dev_addr: '02000099', keys: { f_nwk_s_int_key: key } };
  const more = ['frequency_plan_id', 'session.dev_addr', 'session.keys.f_nwk_s_int_key.key'];
  await ok('PUT', path, {
    end_device: { ...end_device, ids, session, frequency_plan_id: 'EU_863_870' },
    field_mask: { paths: [...field_mask.paths, ...more] },
  });
  const mask = 'mac_settings,mac_state.current_parameters,mac_state.desired_parameters';
  expect(await ok('GET', `${path}?field_mask=${mask}`)).toMatchObject({
    mac_settings: {
      factory_preset_frequencies: ['868100000', '868300000', '868500000', '867100000'],
    },
    mac_state: {
      current_parameters: { rx1_delay: 5, channels: { length: 4 } },
      desired_parameters: { max_eirp: 14 },
    },
  });
});

test('a formatter is tried with the codec of any version, or says what it lacks', async () => {
  const path = `/as/applications/lab/devices/${meter.id}/up/decode`;
  const settings = {
    data_rate: { lora: { bandwidth: 125000, spreading_factor: 7, coding_rate: '4/5' } },
    frequency: '868100000',
  };
  const uplink = {
    f_port: 3,
    frm_payload: 'AQID',
    settings,
    rx_metadata: [{ gateway_ids: { gateway_id: 'near' } }],
    received_at: '2031-05-04T10:20:30Z',
  };
  const body = { uplink, formatter: 'FORMATTER_REPOSITORY' };
  expect(await ok('POST', path, { ...body, version_ids: VERSION })).toMatchObject({
    uplink: { decoded_payload: { length: 3 } },
  });
  const unknown = { ...VERSION, firmware_version: '8' };
  for (const [version_ids, namespace, name, code] of [
    [undefined, 'pkg/messageprocessors/devicerepository', 'no_version_identifiers', 3],
    [unknown, 'pkg/devicerepository/store/remote', 'firmware_version_not_found', 5],
  ] as const) {
    const { json } = await lab.call('POST', path, { ...body, version_ids });
    expect(json).toMatchObject({ code, details: [{ namespace, name }] });
  }
});

test('every generic template of a band makes a device that can be registered', async () => {
  const { models } = await ok('GET', '/dr/brands/generic/models?field_mask=firmware_versions');
  let number = 0;
  for (const model of models as {
    model_id: string;
    firmware_versions: { version: string; profiles: Record<string, unknown> }[];
  }[])
    for (const { version, profiles } of model.firmware_versions) {
      if (!('EU_863_870' in profiles)) continue;
      const address = `${model.model_id}/${encodeURIComponent(version)}/EU_863_870`;
      const { end_device } = await ok('GET', `/dr/brands/generic/models/${address}/template`);
      number += 1;
      const eui = number.toString(16).toUpperCase().padStart(16, '0');
      const key = (name: string) => ({ key: `${name}${eui}${eui}`.slice(-32) });
      const joins = (end_device as { supports_join?: boolean }).supports_join ?? false;
      const isNew = version.startsWith('1.1');
      const ids = {
        device_id: `generic-${number}`,
        application_ids: { application_id: 'lab' },
        dev_eui: eui,
        join_eui: '0000000000000001',
      };
      const activation = joins
        ? { root_keys: { app_key: key('A'), ...(isNew && { nwk_key: key('B') }) } }
        : {
            session: {
              dev_addr: `020000${number.toString(16).padStart(2, '0')}`,
              keys: {
                f_nwk_s_int_key: key('C'),
                app_s_key: key('D'),
                ...(isNew && { s_nwk_s_int_key: key('E'), nwk_s_enc_key: key('F') }),
              },
            },
          };
      await ok('POST', '/gatehouse/applications/lab/devices', {
        end_device: {
          ...(end_device as object),
          ids,
          ...activation,
          frequency_plan_id: 'EU_863_870',
        },
      });
    }
  // Five kinds of device in twelve pairs of versions.
  expect(number).toBe(60);
});
