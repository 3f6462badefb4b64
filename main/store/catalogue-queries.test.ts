import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CatalogueQuery, queryCatalogue } from './catalogue-queries.ts';
import { openCatalogue } from './catalogue-reader.ts';
import { createCatalogueWriter } from './catalogue-writer.ts';
import { temporaryDirectory } from './testing/temporary-directory.ts';

const NO_COUNTS = { brands: 0, models: 0, profiles: 0, codecs: 0, images: 0, problems: 0 };

/** A catalogue whose messages are the ids of their rows. */
function catalogue() {
  const path = join(temporaryDirectory(), 'catalogue.db');
  const writer = createCatalogueWriter(path);
  const version = writer.begin({ source: 'test', importedAtMs: 1, builtInRevision: 0 });
  const encode = (text: string) => new TextEncoder().encode(text);
  const brands = [
    ['acme', 'Zürich Sensors', 'Orchards'],
    ['beta', 'acoustics', ''],
    ['gamma', 'Best', 'Measures in orchards too'],
  ] as const;
  for (const [brandId, name, description] of brands)
    version.addBrand({ brandId, name, description, message: encode(brandId) });
  const models = [
    ['acme', 'em300-th', 'EM300-TH', 'Temperature and humidity'],
    ['acme', 'valve', 'Water valve', 'Opens; not for temperature'],
    ['beta', 'noise', 'Noise level', 'Loudness'],
  ] as const;
  for (const [brandId, modelId, name, description] of models)
    version.addModel({ brandId, modelId, name, description, words: '', message: encode(modelId) });
  writer.activate(version.id, NO_COUNTS);
  const hidden = writer.begin({ source: 'not complete', importedAtMs: 1, builtInRevision: 0 });
  hidden.addBrand({
    brandId: 'delta',
    name: 'Hidden orchards',
    description: '',
    message: encode('delta'),
  });
  writer.close();
  const db = openCatalogue(path, 0);
  return (query: Partial<CatalogueQuery>): string[] => {
    const { messages, total } = queryCatalogue(db, {
      list: 'models',
      limit: 10,
      offset: 0,
      ...query,
    });
    return [...messages.map((message) => new TextDecoder().decode(message)), String(total)];
  };
}

const ask = (query: Partial<CatalogueQuery>): string[] => catalogue()(query);

test.each<[string, Partial<CatalogueQuery>, string[]]>([
  ['the beginning of a word', { search: 'temp' }, ['em300-th', 'valve', '2']],
  ['several words in any order', { search: 'humid EM300' }, ['em300-th', '1']],
  ['an id with its dashes', { search: 'em300-th' }, ['em300-th', '1']],
  ['a word that is nowhere', { search: 'temp moon' }, ['0']],
  ['no letter or digit', { search: '*" - (' }, ['0']],
  ['what would be an operator', { search: 'temp OR moon' }, ['0']],
  ['a brand alone', { brandId: 'beta' }, ['noise', '1']],
  ['a word in one brand', { brandId: 'beta', search: 'temp' }, ['0']],
  ['nothing', {}, ['em300-th', 'valve', 'noise', '3']],
  ['names backwards', { orderBy: 'name', descending: true }, ['valve', 'noise', 'em300-th', '3']],
  [
    'a word, by name',
    { search: 'temp', orderBy: 'name', descending: true },
    ['valve', 'em300-th', '2'],
  ],
  [
    'ids of models backwards',
    { orderBy: 'model_id', descending: true },
    ['valve', 'noise', 'em300-th', '3'],
  ],
  ['the second page', { limit: 1, offset: 1 }, ['valve', '3']],
])('models: %s', (_, query, expected) => {
  expect(ask(query)).toEqual(expected);
});

test.each<[string, Partial<CatalogueQuery>, string[]]>([
  ['the title counts as well as the description', { search: 'orchard' }, ['acme', 'gamma', '2']],
  ['letters without their dots', { search: 'zurich' }, ['acme', '1']],
  ['names whatever their case', { orderBy: 'name' }, ['beta', 'gamma', 'acme', '3']],
  ['ids backwards', { orderBy: 'brand_id', descending: true }, ['gamma', 'beta', 'acme', '3']],
])('brands: %s', (_, query, expected) => {
  expect(ask({ list: 'brands', ...query })).toEqual(expected);
});
