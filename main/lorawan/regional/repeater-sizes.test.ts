import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { PhyVersion } from '../versions.ts';
import { band, maxMacPayload } from './index.ts';

/** Sizes for frames that go through a repeater, as ChirpStack has them. */
interface Published {
  readonly band: string;
  readonly versions: readonly PhyVersion[];
  readonly dwellTime: boolean;
  readonly maxMacPayload: Readonly<Record<string, number>>;
}

const tables = JSON.parse(
  readFileSync(new URL('../testdata/repeater-sizes.json', import.meta.url), 'utf8'),
) as readonly Published[];

const cases = tables.flatMap((table) =>
  table.versions
    .filter((version) => band(table.band, version))
    .map((version) => ({ ...table, version })),
);

test.each(cases)('$band in $version, dwell time $dwellTime', (given) => {
  const regional = band(given.band, given.version)!;
  const published = Object.entries(given.maxMacPayload)
    // Data rates that the band does not have.
    .filter(([index]) => regional.dataRates.has(Number(index)))
    // A few entries are above what the documents allow every repeater.
    .map(([index, bytes]) => [Number(index), Math.min(bytes, 230)]);
  expect(published.length).toBeGreaterThan(0);
  const sizes = published.map(([index = -1]) => [
    index,
    maxMacPayload(regional, index, given.dwellTime, true),
  ]);
  expect(sizes).toEqual(published);
});
