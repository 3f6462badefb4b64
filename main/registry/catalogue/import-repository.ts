import { create, toBinary } from '@bufbuild/protobuf';
import {
  EndDeviceBrandSchema,
  type EndDeviceModel_Photos,
  EndDeviceModel_PhotosSchema,
  EndDeviceModelSchema,
  MessagePayloadDecoderSchema,
  MessagePayloadEncoderSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import type { CatalogueCounts, CatalogueVersionWriter } from '../../store/index.ts';
import { notARepository } from './errors.ts';
import { type FieldReader, fieldsOf, isCatalogueId, readFields } from './fields.ts';
import { GENERIC_BRAND_ID } from './generic-brand.ts';
import { imageType } from './image-type.ts';
import type { ImportLimits } from './limits.ts';
import { readProfile } from './profile.ts';
import { type BrandIndex, type ReadBrand, readBrand, readBrandIndex } from './read-brand.ts';
import { readCodec } from './read-codec.ts';
import { type ReadModel, readModel } from './read-model.ts';
import { bandOfRegion } from './regions.ts';
import { FileProblem, type ProblemCode, type RepositorySource } from './repository-source.ts';
import { parseYaml } from './safe-yaml.ts';

/** Where images are served: below this path, by brand and file. */
export const IMAGE_PREFIX = '/vendor/';

export interface ImportTarget {
  readonly version: CatalogueVersionWriter;
  /** Runs `work` in one transaction. */
  readonly transaction: (work: () => void) => void;
}

export interface BrandProgress {
  readonly brandsDone: number;
  readonly brandsTotal: number;
  readonly brandId: string;
  readonly counts: CatalogueCounts;
}

/** Images are stored before the next device once there is so much of them. */
const MOST_PENDING_BYTES = 16 * 1024 * 1024;

/** What was read of a file, to be stored. */
type Stored = (version: CatalogueVersionWriter) => void;

/** State of one import. What was read is stored brand by brand, each in few transactions. */
interface ImportState {
  readonly source: RepositorySource;
  readonly limits: ImportLimits;
  readonly counts: Record<keyof CatalogueCounts, number>;
  /** Pending for the next transaction. */
  readonly pending: Stored[];
  /** Bytes of images that are pending. */
  pendingBytes: number;
  /** Stores what is pending. */
  readonly store: () => void;
  readonly beforeModel: () => void;
  /** Profiles, codecs and images that were dealt with, by path, and whether they can be used. */
  readonly usable: Map<string, boolean>;
  readonly report: (path: string, code: ProblemCode, text: string) => void;
}

/** Runs `work`; a file that is no good becomes a line of the report. */
async function attempt<T>(
  { report }: ImportState,
  path: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    report(path, error.code, error.message);
    return undefined;
  }
}

const wrongField =
  ({ report }: ImportState, path: string) =>
  (field: string): void =>
    report(path, 'field', `The field ${field} cannot be used.`);

async function readMapping(state: ImportState, path: string): Promise<FieldReader> {
  const bytes = await state.source.read(path, state.limits.yamlBytes);
  const fields = fieldsOf(parseYaml(bytes, 'text', state.limits));
  return readFields(fields, wrongField(state, path));
}

/** Deals with a file once, however often it is named; answers whether it can be used. */
async function once(
  { usable }: ImportState,
  path: string,
  take: () => Promise<boolean>,
): Promise<boolean> {
  const known = usable.get(path);
  if (known !== undefined) return known;
  const isUsable = await take();
  usable.set(path, isUsable);
  return isUsable;
}

/** @param vendorId number of the brand at the LoRa Alliance, 0 if it has none */
function takeProfile(
  state: ImportState,
  brandId: string,
  profileId: string,
  vendorId: number,
): Promise<boolean> {
  const path = `vendor/${brandId}/${profileId}.yaml`;
  return once(state, path, async () => {
    const read = await attempt(state, path, async () =>
      readProfile(await readMapping(state, path)),
    );
    if (!read) return false;
    const { profile, vendorProfileId } = read;
    state.counts.profiles += 1;
    state.pending.push((version) => {
      version.addProfile(brandId, profileId, JSON.stringify(profile));
      if (vendorId === 0 || vendorProfileId === 0) return;
      const target = JSON.stringify({ kind: 'profile', profileId });
      version.addProfileNumber(vendorId, vendorProfileId, brandId, target);
    });
    return true;
  });
}

async function readScript(
  state: ImportState,
  path: string,
  scripts: Map<string, string | undefined>,
): Promise<string | undefined> {
  if (!scripts.has(path))
    scripts.set(
      path,
      await attempt(state, path, async () =>
        new TextDecoder().decode(await state.source.read(path, state.limits.scriptBytes)),
      ),
    );
  return scripts.get(path);
}

function takeCodec(state: ImportState, brandId: string, codecId: string): Promise<boolean> {
  const { source, limits } = state;
  const path = `vendor/${brandId}/${codecId}.yaml`;
  return once(state, path, async () => {
    const codecs = await attempt(state, path, async () => {
      const bytes = await source.read(path, limits.yamlBytes);
      return readCodec(codecId, fieldsOf(parseYaml(bytes, 'typed', limits)));
    });
    const scripts = new Map<string, string | undefined>();
    let stored = 0;
    for (const { kind, fileName, message } of codecs ?? []) {
      const script = await readScript(state, `vendor/${brandId}/${fileName}`, scripts);
      if (script === undefined) continue;
      const bytes =
        message.$typeName === 'ttn.lorawan.v3.MessagePayloadEncoder'
          ? toBinary(MessagePayloadEncoderSchema, message)
          : toBinary(MessagePayloadDecoderSchema, message);
      stored += 1;
      state.pending.push((version) =>
        version.addCodec(brandId, codecId, kind, { message: bytes, script }),
      );
    }
    if (stored > 0) state.counts.codecs += 1;
    return stored > 0;
  });
}

/** Keeps an image and answers the address it is served at; empty if it cannot be used. */
async function takeImage(state: ImportState, brandId: string, file: string): Promise<string> {
  if (file === '') return '';
  const path = `vendor/${brandId}/${file}`;
  const address = `${IMAGE_PREFIX}${brandId}/${file.split('/').map(encodeURIComponent).join('/')}`;
  const isUsable = await once(state, path, async () => {
    const image = await attempt(state, path, async () => {
      const bytes = await state.source.read(path, state.limits.imageBytes);
      const type = imageType(bytes);
      if (type) return { bytes, type };
      throw new FileProblem(
        'image_type',
        'The content is no PNG, JPEG or WebP image, so it is left out.',
      );
    });
    if (!image) return false;
    state.counts.images += 1;
    state.pendingBytes += image.bytes.length;
    state.pending.push((version) => version.addImage(brandId, file, image.type, image.bytes));
    return true;
  });
  return isUsable ? address : '';
}

async function photosOf(
  state: ImportState,
  brandId: string,
  { mainPhoto, otherPhotos }: ReadModel,
): Promise<EndDeviceModel_Photos | undefined> {
  const main = await takeImage(state, brandId, mainPhoto);
  const other: string[] = [];
  for (const photo of otherPhotos) {
    const address = await takeImage(state, brandId, photo);
    if (address !== '') other.push(address);
  }
  return main === '' && other.length === 0
    ? undefined
    : create(EndDeviceModel_PhotosSchema, { main, other });
}

/** Reads what the firmware versions of a model refer to; what cannot be used is not offered. */
async function takeProfiles(
  state: ImportState,
  { brandId, loraAllianceVendorId }: ReadBrand['message'],
  { firmwareVersions }: ReadModel['message'],
): Promise<void> {
  for (const { profiles } of firmwareVersions)
    for (const [bandId, profile] of Object.entries(profiles)) {
      const { vendorId, profileId, codecId } = profile;
      const isUsable = vendorId
        ? await takeProfile(state, vendorId, profileId, 0)
        : await takeProfile(state, brandId, profileId, loraAllianceVendorId);
      if (!isUsable) delete profiles[bandId];
      else if (codecId !== '' && !(await takeCodec(state, brandId, codecId))) profile.codecId = '';
    }
}

async function takeModel(state: ImportState, brand: ReadBrand, modelId: string): Promise<void> {
  const { brandId, name } = brand.message;
  const path = `vendor/${brandId}/${modelId}.yaml`;
  if (!isCatalogueId(modelId)) {
    state.report(path, 'id', 'Ids have small letters, digits and single dashes.');
    return;
  }
  const model = await attempt(state, path, async () =>
    readModel(brandId, modelId, await readMapping(state, path), wrongField(state, path)),
  );
  if (!model) return;
  const { message } = model;
  const photos = await photosOf(state, brandId, model);
  if (photos) message.photos = photos;
  await takeProfiles(state, brand.message, message);
  state.counts.models += 1;
  const bytes = toBinary(EndDeviceModelSchema, message);
  state.pending.push((version) =>
    version.addModel({
      brandId,
      modelId,
      name: message.name,
      description: message.description,
      words: `${name} ${message.sensors.join(' ')}`,
      message: bytes,
    }),
  );
}

async function takeProfileNumbers(
  state: ImportState,
  { brandId, loraAllianceVendorId }: ReadBrand['message'],
  { profileNumbers }: BrandIndex,
): Promise<void> {
  if (loraAllianceVendorId === 0) return;
  for (const { vendorProfileId, target } of profileNumbers) {
    if (target.kind === 'profile')
      await takeProfile(state, brandId, target.profileId, loraAllianceVendorId);
    state.pending.push((version) =>
      version.addProfileNumber(
        loraAllianceVendorId,
        vendorProfileId,
        brandId,
        JSON.stringify(target),
      ),
    );
  }
}

async function takeBrand(state: ImportState, brand: ReadBrand): Promise<void> {
  const { message, description } = brand;
  const path = `vendor/${message.brandId}/index.yaml`;
  message.logo = await takeImage(state, message.brandId, brand.logo);
  state.counts.brands += 1;
  const bytes = toBinary(EndDeviceBrandSchema, message);
  const { brandId, name } = message;
  state.pending.push((version) => version.addBrand({ brandId, name, description, message: bytes }));
  // Many brands are listed without any device.
  if (!state.source.has(path)) return;
  const index = await attempt(state, path, async () =>
    readBrandIndex(await readMapping(state, path), bandOfRegion),
  );
  if (!index) return;
  await takeProfileNumbers(state, message, index);
  for (const modelId of index.modelIds) {
    state.beforeModel();
    await takeModel(state, brand, modelId);
    if (state.pendingBytes > MOST_PENDING_BYTES) state.store();
  }
}

function brandsOf(state: ImportState, path: string, index: FieldReader): ReadBrand[] {
  const brands = new Map<string, ReadBrand>();
  for (const entry of index.children('vendors')) {
    const brand = readBrand(entry, (id) =>
      state.report(path, 'id', `"${id.slice(0, 64)}" is no id of a brand.`),
    );
    if (!brand) continue;
    const { brandId } = brand.message;
    if (brandId === GENERIC_BRAND_ID)
      state.report(path, 'id', `"${brandId}" is the brand of the profiles of this program.`);
    else if (brands.has(brandId))
      state.report(path, 'duplicate', `"${brandId}" is listed twice; the first counts.`);
    else brands.set(brandId, brand);
  }
  return [...brands.values()];
}

async function readIndex(state: ImportState, sourceName: string): Promise<ReadBrand[]> {
  const path = 'vendor/index.yaml';
  try {
    const brands = brandsOf(state, path, await readMapping(state, path));
    if (brands.length > 0) return brands;
  } catch (error) {
    if (error instanceof FileProblem)
      throw notARepository({ source: sourceName, reason: error.message }, { cause: error });
    throw error;
  }
  throw notARepository({ source: sourceName, reason: 'It lists none.' });
}

/**
 * Reads a repository into a version of the catalogue. Broken files become lines of its report. Throws if there is nothing to
 * import.
 */
export async function importRepository(options: {
  readonly source: RepositorySource;
  readonly sourceName: string;
  readonly limits: ImportLimits;
  readonly target: ImportTarget;
  /** Lines of the report from listing the files. */
  readonly problems: readonly { path: string; code: ProblemCode; text: string }[];
  readonly onBrand: (progress: BrandProgress) => void;
  /** Called before each device; the import ends with what it throws. */
  readonly beforeModel: () => void;
}): Promise<CatalogueCounts> {
  const { source, limits, target, onBrand } = options;
  const counts = { brands: 0, models: 0, profiles: 0, codecs: 0, images: 0, problems: 0 };
  const pending: Stored[] = [];
  const report = (path: string, code: ProblemCode, text: string): void => {
    counts.problems += 1;
    if (counts.problems <= limits.problems)
      pending.push((version) => version.addProblem({ path, code, text }));
  };
  const state: ImportState = {
    source,
    limits,
    counts,
    pending,
    pendingBytes: 0,
    usable: new Map(),
    report,
    beforeModel: options.beforeModel,
    store() {
      const stored = pending.splice(0);
      state.pendingBytes = 0;
      target.transaction(() => {
        for (const one of stored) one(target.version);
      });
    },
  };
  for (const { path, code, text } of options.problems) report(path, code, text);
  const brands = await readIndex(state, options.sourceName);
  for (const [index, brand] of brands.entries()) {
    await takeBrand(state, brand);
    state.store();
    onBrand({
      brandsDone: index + 1,
      brandsTotal: brands.length,
      brandId: brand.message.brandId,
      counts: { ...counts },
    });
  }
  return counts;
}
