import { createHash } from 'node:crypto';
import { create, toJsonString } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { EndDeviceModelSchema } from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { EndDeviceVersionIdentifiersSchema } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { PHYVersion } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { band, bandIds, PHY_VERSIONS, parsePhyVersion } from '../../lorawan/index.ts';
import { isCatalogueId } from './fields.ts';
import { GENERIC_REVISION, genericBrand } from './generic-brand.ts';
import { templateOf } from './template.ts';

const { brand, models, profiles } = genericBrand();
const choices = models.flatMap((model) =>
  model.firmwareVersions.flatMap(({ version, profiles: ofVersion }) =>
    Object.entries(ofVersion).map(([bandId, { profileId }]) => {
      const profile = profiles.get(profileId);
      if (!profile) throw new Error(`no profile ${profileId}`);
      return { model, version, bandId, profileId, profile };
    }),
  ),
);

test('there is a device for each class in every band and version that exist together', () => {
  const existing = PHY_VERSIONS.flatMap((phyVersion) =>
    bandIds().filter((bandId) => band(bandId, phyVersion) !== undefined),
  ).length;
  for (const { modelId } of models)
    expect(choices.filter(({ model }) => model.modelId === modelId)).toHaveLength(existing);
  const classes = models.map(({ modelId }) => {
    const one = choices.find(({ model }) => model.modelId === modelId)?.profile;
    return [modelId, one?.supportsJoin, one?.supportsClassB, one?.supportsClassC];
  });
  expect(classes).toEqual([
    ['class-a', true, false, false],
    ['class-b', true, true, false],
    ['class-c', true, false, true],
    ['class-a-abp', false, false, false],
    ['class-c-abp', false, false, true],
  ]);
});

test('every choice gives a template with the versions it is named after', () => {
  for (const { model, version, bandId, profileId, profile } of choices) {
    const ids = create(EndDeviceVersionIdentifiersSchema, {
      brandId: brand.brandId,
      modelId: model.modelId,
      firmwareVersion: version,
      bandId,
    });
    const { endDevice } = templateOf(ids, profile, false);
    expect(version).toBe(`${profile.macVersion} ${profile.regionalParametersVersion}`);
    expect(version.length).toBeLessThanOrEqual(32);
    expect(isCatalogueId(profileId), profileId).toBe(true);
    const phyVersion = parsePhyVersion(PHYVersion[endDevice?.lorawanPhyVersion ?? 0] ?? '');
    const regional = phyVersion && band(bandId, phyVersion);
    expect(regional, `${version} in ${bandId}`).toBeDefined();
    if (!profile.supportsJoin)
      expect(endDevice?.macSettings?.rx2Frequency?.value).toBe(
        BigInt(regional?.rx2.frequencyHz ?? 0),
      );
  }
});

test('ABP in Europe starts as the regional parameters say', () => {
  const { profile } = choices.find(
    ({ model, bandId, version }) =>
      model.modelId === 'class-a-abp' && bandId === 'EU_863_870' && version.startsWith('1.0.3 '),
  ) as (typeof choices)[number];
  // RP001-1.0.3 section 2.2: RX1 after one second, RX2 at 869.525 MHz with DR0, three default channels.
  expect(profile).toMatchObject({
    rx1DelayS: 1,
    rx1DataRateOffset: 0,
    rx2DataRateIndex: 0,
    rx2FrequencyHz: 869_525_000,
    factoryPresetFrequenciesHz: [868_100_000, 868_300_000, 868_500_000],
  });
});

test('a change of the data comes with a new revision', () => {
  const text = [
    ...models.map((model) => toJsonString(EndDeviceModelSchema, model)),
    JSON.stringify([...profiles]),
  ].join('\n');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  // Whoever changes the hash raises the revision; otherwise catalogues keep what they have.
  expect([GENERIC_REVISION, hash]).toEqual([1, 'b28b5baaac3ceb5c']);
});
