import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  CatalogueCountsSchema,
  CataloguePhase,
  ImportCatalogueProgressSchema,
} from '../../../main/api/gen/gatehouse/v1/catalogue_pb.js';
import { EndDeviceModelSchema } from '../../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import {
  bandLabel,
  countsText,
  progressPercent,
  progressText,
  versionRows,
} from './catalogue-words.ts';

test('counts are read as a sentence', () => {
  const counts = create(CatalogueCountsSchema, { brands: 1, models: 2_000, codecs: 0, images: 3 });
  expect(countsText(counts)).toBe('1 brand, 2,000 models, 0 codecs, 3 images');
  expect(countsText(undefined)).toBe('–');
});

test('progress is told by phase', () => {
  const at = (phase: CataloguePhase) =>
    create(ImportCatalogueProgressSchema, {
      phase,
      brandsDone: 1,
      brandsTotal: 4,
      brandId: 'acme',
      counts: { models: 12 },
    });
  expect(progressText(undefined)).toBe('Looking at the files');
  expect(progressText(at(CataloguePhase.LISTING))).toBe('Looking at the files');
  expect(progressText(at(CataloguePhase.READING))).toBe('acme: 12 models so far');
  expect(progressText(at(CataloguePhase.DONE))).toBe('0 brands, 12 models, 0 codecs, 0 images');
  expect(progressPercent(at(CataloguePhase.READING))).toBe(25);
  expect(progressPercent(create(ImportCatalogueProgressSchema))).toBe(0);
});

test('bands read as people write them', () => {
  expect(['EU_863_870', 'AS_923', 'CN_470_510_20_A'].map(bandLabel)).toEqual([
    'EU 863-870',
    'AS 923',
    'CN 470-510-20-A',
  ]);
});

test('a firmware is certified or has a formatter if it is so in any band', () => {
  const model = create(EndDeviceModelSchema, {
    firmwareVersions: [
      {
        version: '1.0',
        supportedHardwareVersions: ['a', 'b'],
        profiles: {
          US_902_928: { profileId: 'p', lorawanCertified: true },
          EU_863_870: { profileId: 'p', codecId: 'c' },
        },
      },
      { version: '2.0' },
    ],
  });
  expect(versionRows(model)).toEqual([
    {
      firmware: '1.0',
      hardware: 'a, b',
      bands: ['EU 863-870', 'US 902-928'],
      certified: true,
      hasFormatter: true,
    },
    { firmware: '2.0', hardware: '', bands: [], certified: false, hasFormatter: false },
  ]);
});
