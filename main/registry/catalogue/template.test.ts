import { create, fromJson, toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GetTemplateRequestSchema } from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import {
  type EndDeviceTemplate,
  EndDeviceTemplateSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  type EndDeviceVersionIdentifiers,
  EndDeviceVersionIdentifiersSchema,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { MACVersion, PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { CatalogueReads } from './catalogue-reads.ts';
import type { LorawanProfile } from './profile.ts';
import { templateOf } from './template.ts';
import { type CatalogueLab, createCatalogueLab, REPOSITORY } from './testing/catalogue-lab.ts';

let lab: CatalogueLab;
let reads: CatalogueReads;
beforeAll(async () => {
  lab = await createCatalogueLab();
  await lab.import({ path: REPOSITORY });
  reads = await lab.catalogue.ready();
});
afterAll(() => lab.close());

const version = (change: Partial<EndDeviceVersionIdentifiers> = {}) =>
  create(EndDeviceVersionIdentifiersSchema, {
    brandId: 'acme-sensors',
    modelId: 'thermo',
    firmwareVersion: '1.0',
    hardwareVersion: 'rev-z',
    bandId: 'EU_863_870',
    ...change,
  });
const byVersion = (change: Partial<EndDeviceVersionIdentifiers> = {}): EndDeviceTemplate =>
  reads.template(create(GetTemplateRequestSchema, { versionIds: version(change) }));
const byNumber = (vendorId: number, vendorProfileId: number): EndDeviceTemplate =>
  reads.template(
    create(GetTemplateRequestSchema, { endDeviceProfileIds: { vendorId, vendorProfileId } }),
  );
const bytes = (template: EndDeviceTemplate): string =>
  Buffer.from(toBinary(EndDeviceTemplateSchema, template)).toString('hex');

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

test('a joining device gets what its profile says, in hertz and steps of the API', () => {
  const expected = fromJson(EndDeviceTemplateSchema, {
    endDevice: {
      versionIds: {
        brandId: 'acme-sensors',
        modelId: 'thermo',
        firmwareVersion: '1.0',
        // Any will do: profiles depend on the firmware.
        hardwareVersion: 'rev-z',
        bandId: 'EU_863_870',
      },
      supportsJoin: true,
      supportsClassB: true,
      supportsClassC: true,
      lorawanVersion: 'MAC_V1_0_3',
      lorawanPhyVersion: 'RP001_V1_0_3_REV_A',
      formatters: { upFormatter: 'FORMATTER_REPOSITORY', downFormatter: 'FORMATTER_REPOSITORY' },
      macSettings: {
        classBTimeout: '60s',
        classCTimeout: '20s',
        pingSlotDataRateIndex: { value: 'DATA_RATE_3' },
        pingSlotFrequency: { value: '869525000' },
        pingSlotPeriodicity: { value: 'PING_EVERY_128S' },
        supports32BitFCnt: { value: true },
        // 0.3 of the time: a quarter is the next lower step.
        maxDutyCycle: { value: 'DUTY_CYCLE_4' },
      },
    },
    fieldMask:
      'versionIds,supportsJoin,supportsClassB,supportsClassC,lorawanVersion,lorawanPhyVersion,formatters',
  });
  const template = byVersion();
  const paths = template.fieldMask?.paths ?? [];
  expect(
    bytes(create(EndDeviceTemplateSchema, { ...template, fieldMask: expected.fieldMask as never })),
  ).toBe(bytes(expected));
  expect(paths).toEqual([
    'version_ids',
    'supports_join',
    'supports_class_b',
    'supports_class_c',
    'lorawan_version',
    'lorawan_phy_version',
    'formatters',
    'mac_settings.class_b_timeout',
    'mac_settings.class_c_timeout',
    'mac_settings.ping_slot_data_rate_index',
    'mac_settings.ping_slot_frequency',
    'mac_settings.ping_slot_periodicity',
    'mac_settings.supports_32_bit_f_cnt',
    'mac_settings.max_duty_cycle',
  ]);
});

test('a personalized device also gets its windows and its power, from the profile of another vendor', () => {
  const { endDevice, fieldMask } = byVersion({ modelId: 'valve', firmwareVersion: '3' });
  expect(endDevice).toMatchObject({
    supportsJoin: false,
    lorawanVersion: MACVersion.MAC_V1_0_2,
    lorawanPhyVersion: PHYVersion.PHY_V1_0_2_REV_B,
    macSettings: {
      rx1Delay: { value: 1 },
      rx1DataRateOffset: { value: 0 },
      rx2DataRateIndex: { value: 0 },
      rx2Frequency: { value: 869_525_000n },
      factoryPresetFrequencies: [868_100_000n, 868_300_000n, 868_500_000n],
    },
    macState: { desiredParameters: { maxEirp: 16 } },
  });
  expect(endDevice?.formatters).toBeUndefined();
  expect(fieldMask?.paths).toContain('mac_state.desired_parameters.max_eirp');
  expect(fieldMask?.paths).not.toContain('formatters');
});

test('the numbers on a QR code lead to the version they stand for', () => {
  expect(byNumber(42, 1).endDevice?.versionIds).toMatchObject({
    brandId: 'acme-sensors',
    modelId: 'thermo',
    firmwareVersion: '1.0',
    hardwareVersion: 'rev-a',
    bandId: 'EU_863_870',
  });
  expect(byNumber(42, 1).endDevice?.formatters).toBeDefined();
});

test('the number of a profile file leads to the profile alone', () => {
  const { endDevice } = byNumber(42, 7);
  expect(endDevice?.versionIds).toMatchObject({ brandId: 'acme-sensors', modelId: '' });
  expect(endDevice?.macSettings?.classCTimeout?.seconds).toBe(20n);
  expect(endDevice?.formatters).toBeUndefined();
});

const REMOTE = 'pkg/devicerepository/store/remote';
const BLEVE = 'pkg/devicerepository/store/bleve';
test.each([
  ['an unknown brand', () => byVersion({ brandId: 'nobody' }), `${REMOTE}:brand_not_found`],
  ['an unknown model', () => byVersion({ modelId: 'nothing' }), `${REMOTE}:model_not_found`],
  [
    'an unknown firmware',
    () => byVersion({ firmwareVersion: '1' }),
    `${REMOTE}:firmware_version_not_found`,
  ],
  ['an unknown band', () => byVersion({ bandId: 'EU863-870' }), `${REMOTE}:band_not_found`],
  [
    'a band without profile',
    () => byVersion({ bandId: 'AU_915_928' }),
    `${REMOTE}:no_profile_for_band`,
  ],
  [
    'a band whose profile is lost',
    () => byVersion({ bandId: 'AS_923_2' }),
    `${REMOTE}:no_profile_for_band`,
  ],
  [
    'unknown regional parameters',
    () => byVersion({ bandId: 'US_902_928' }),
    'pkg/devicerepository/store:regional_parameters_version',
  ],
  ['an unknown number', () => byNumber(42, 999), `${BLEVE}:end_device_profile_not_found`],
  [
    'a number whose profile is lost',
    () => byNumber(42, 3),
    `${BLEVE}:end_device_profile_not_found`,
  ],
  ['half a number', () => byNumber(42, 0), `${BLEVE}:missing_profile_identifiers`],
  [
    'no identifiers',
    () => reads.template(create(GetTemplateRequestSchema)),
    `${REMOTE}:no_template_identifiers`,
  ],
])('%s is refused', (_, work, code) => {
  expect(codeOf(work)).toBe(code);
});

describe('codecs', () => {
  test('a decoder has its script, and examples if they are asked for', () => {
    const decoder = reads.decoder('uplink_decoder', version(), ['examples', 'codec_id']);
    expect(decoder.formatterParameter).toContain('function decodeUplink');
    expect(decoder).toMatchObject({ formatter: 3, codecId: 'thermo-codec' });
    expect(decoder.examples).toMatchObject([
      {
        description: '21.5 degrees',
        input: { fPort: 1, frmPayload: Uint8Array.of(0, 215) },
        output: { data: { temperature: 21.5 } },
      },
      { output: { errors: ['too short'] } },
    ]);
    expect(reads.decoder('uplink_decoder', version(), [])).toMatchObject({
      formatter: 3,
      codecId: '',
      examples: [],
    });
    expect(reads.encoder(version(), ['examples']).examples).toMatchObject([
      { input: { data: { interval: 10 } }, output: { fPort: 2, frmPayload: Uint8Array.of(10) } },
    ]);
  });

  test.each([
    [
      'a direction the codec lacks',
      () => reads.decoder('downlink_decoder', version(), []),
      `${REMOTE}:no_decoder`,
    ],
    [
      'a firmware without codec',
      () => reads.encoder(version({ firmwareVersion: '2.0' }), []),
      `${REMOTE}:no_codec`,
    ],
    ['nothing said', () => reads.encoder(undefined, []), `${REMOTE}:brand_not_found`],
  ])('%s is refused', (_, work, code) => {
    expect(codeOf(work)).toBe(code);
  });
});

/** Names of the regional parameters in repositories, by the numbers of the API. */
const PHY_VERSIONS: Readonly<Record<string, number>> = {
  'TS001-1.0': 1,
  'TS001-1.0.1': 2,
  'RP001-1.0.2': 3,
  'RP001-1.0.2-RevB': 4,
  'RP001-1.1-RevA': 5,
  'RP001-1.1-RevB': 6,
  'RP001-1.0.3-RevA': 7,
  'RP002-1.0.0': 8,
  'RP002-1.0.1': 9,
  'RP002-1.0.2': 10,
  'RP002-1.0.3': 11,
  'RP002-1.0.4': 12,
};
const profile = (change: Partial<LorawanProfile>): LorawanProfile => ({
  macVersion: '1.0.4',
  regionalParametersVersion: 'RP002-1.0.3',
  supportsJoin: true,
  supportsClassB: false,
  supportsClassC: false,
  ...change,
});

test.each(Object.entries(PHY_VERSIONS))('%s is regional parameters %i', (name, number) => {
  const template = templateOf(version(), profile({ regionalParametersVersion: name }), false);
  expect(template.endDevice?.lorawanPhyVersion).toBe(number);
});

test.each([
  [1, 0],
  [0.5, 1],
  [0.1, 4],
  [0.01, 7],
  [0.001, 10],
  [0.000001, 15],
])('a duty cycle of %d is step %i', (maxDutyCycle, step) => {
  const { endDevice } = templateOf(version(), profile({ maxDutyCycle }), false);
  expect(endDevice?.macSettings?.maxDutyCycle?.value).toBe(step);
});
