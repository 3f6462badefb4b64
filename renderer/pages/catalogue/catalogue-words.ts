import {
  type CatalogueCounts,
  CataloguePhase,
  type ImportCatalogueProgress,
} from '../../../main/api/gen/gatehouse/v1/catalogue_pb.js';
import type { EndDeviceModel } from '../../../main/api/gen/ttn/lorawan/v3/devicerepository_pb.js';

const number = (value: number): string => value.toLocaleString('en');

function counted(count: number, one: string): string {
  return `${number(count)} ${one}${count === 1 ? '' : 's'}`;
}

/** What an import brought, in words. */
export function countsText(counts: CatalogueCounts | undefined): string {
  if (counts === undefined) return '–';
  return [
    counted(counts.brands, 'brand'),
    counted(counts.models, 'model'),
    counted(counts.codecs, 'codec'),
    counted(counts.images, 'image'),
  ].join(', ');
}

/** What an import is doing. */
export function progressText(progress: ImportCatalogueProgress | undefined): string {
  switch (progress?.phase) {
    case CataloguePhase.READING:
      return `${progress.brandId}: ${counted(progress.counts?.models ?? 0, 'model')} so far`;
    case CataloguePhase.ACTIVATING:
      return 'Everything is read and becomes active';
    case CataloguePhase.DONE:
      return countsText(progress.counts);
    default:
      return 'Looking at the files';
  }
}

/** How far an import is, from 0 to 100. */
export function progressPercent(progress: ImportCatalogueProgress | undefined): number {
  if (progress === undefined || progress.brandsTotal === 0) return 0;
  return (100 * progress.brandsDone) / progress.brandsTotal;
}

/** Band of an id such as `EU_863_870`, as people write it. */
export function bandLabel(bandId: string): string {
  const [region = '', ...rest] = bandId.split('_');
  return rest.length === 0 ? region : `${region} ${rest.join('-')}`;
}

export interface VersionRow {
  readonly firmware: string;
  readonly hardware: string;
  readonly bands: readonly string[];
  readonly certified: boolean;
  readonly hasFormatter: boolean;
}

/** One row for each firmware version of a model. */
export function versionRows({ firmwareVersions }: EndDeviceModel): VersionRow[] {
  return firmwareVersions.map(({ version, supportedHardwareVersions, profiles }) => ({
    firmware: version,
    hardware: supportedHardwareVersions.join(', '),
    bands: Object.keys(profiles).sort().map(bandLabel),
    certified: Object.values(profiles).some(({ lorawanCertified }) => lorawanCertified),
    hasFormatter: Object.values(profiles).some(({ codecId }) => codecId !== ''),
  }));
}
