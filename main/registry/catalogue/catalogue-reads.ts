import { setImmediate as nextTurn } from 'node:timers/promises';
import { create, type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import {
  type EndDeviceBrand,
  EndDeviceBrandSchema,
  type EndDeviceModel,
  type EndDeviceModel_FirmwareVersion_Profile,
  EndDeviceModelSchema,
  type GetTemplateRequest,
  type ListEndDeviceModelsRequest,
  type MessagePayloadDecoder,
  MessagePayloadDecoderSchema,
  type MessagePayloadEncoder,
  MessagePayloadEncoderSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import type { EndDeviceTemplate } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  type EndDeviceVersionIdentifiers,
  EndDeviceVersionIdentifiersSchema,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import type { CatalogueFile, CatalogueReader, CodecKind } from '../../store/index.ts';
import { pickByPaths } from '../masks.ts';
import {
  bandNotFound,
  brandNotFound,
  endDeviceProfileNotFound,
  firmwareVersionNotFound,
  missingProfileIdentifiers,
  modelNotFound,
  noCodec,
  noDecoder,
  noEncoder,
  noProfileForBand,
  noTemplateIdentifiers,
  versionBrandNotFound,
  versionModelNotFound,
} from './errors.ts';
import type { LorawanProfile } from './profile.ts';
import type { ProfileTarget } from './read-brand.ts';
import { isBand } from './regions.ts';
import { templateOf } from './template.ts';

/** What a list request of the API asks for. */
export type ListRequest = Pick<
  ListEndDeviceModelsRequest,
  'limit' | 'page' | 'orderBy' | 'search'
> & { readonly brandId?: string };

/** Default and largest page of the API's lists. */
const LARGEST_PAGE = 1000;
/** Messages of a list that are read in one turn of the event loop; each takes some 50 µs. */
const PER_TURN = 50;

/** What the catalogue answers. */
export interface CatalogueReads {
  listBrands(
    request: ListRequest,
    paths: readonly string[],
  ): Promise<{ brands: EndDeviceBrand[]; total: number }>;
  listModels(
    request: ListRequest,
    paths: readonly string[],
  ): Promise<{ models: EndDeviceModel[]; total: number }>;
  brand(brandId: string, paths: readonly string[]): EndDeviceBrand;
  model(brandId: string, modelId: string, paths: readonly string[]): EndDeviceModel;
  template(request: GetTemplateRequest): EndDeviceTemplate;
  decoder(
    kind: 'uplink_decoder' | 'downlink_decoder',
    ids: EndDeviceVersionIdentifiers | undefined,
    paths: readonly string[],
  ): MessagePayloadDecoder;
  encoder(
    ids: EndDeviceVersionIdentifiers | undefined,
    paths: readonly string[],
  ): MessagePayloadEncoder;
  /** The script alone, for devices whose formatter is the catalogue's. */
  script(kind: CodecKind, ids: EndDeviceVersionIdentifiers): string;
}

function orderOf(orderBy: string) {
  const name = orderBy.replace(/^-/, '');
  if (name !== 'brand_id' && name !== 'model_id' && name !== 'name') return {};
  return { orderBy: name, descending: orderBy.startsWith('-') } as const;
}

async function list<Desc extends DescMessage>(
  file: CatalogueFile,
  which: { readonly list: 'brands' | 'models'; readonly desc: Desc },
  { limit, page, orderBy, search, brandId }: ListRequest,
  paths: readonly string[],
): Promise<{ messages: MessageShape<Desc>[]; total: number }> {
  const size = limit || LARGEST_PAGE;
  const { messages: rows, total } = await file.list({
    list: which.list,
    limit: size,
    offset: (Math.max(page, 1) - 1) * size,
    ...orderOf(orderBy),
    ...(search !== '' && { search }),
    ...(brandId !== undefined && brandId !== '' && { brandId }),
  });
  const messages: MessageShape<Desc>[] = [];
  for (const row of rows) {
    messages.push(pickByPaths(which.desc, fromBinary(which.desc, row), paths));
    if (messages.length % PER_TURN === 0) await nextTurn();
  }
  return { messages, total };
}

const attributesOf = ({ brandId, modelId, firmwareVersion }: EndDeviceVersionIdentifiers) => ({
  brand_id: brandId,
  model_id: modelId,
  firmware_version: firmwareVersion,
});

/** What a firmware has for a band. */
function versionProfile(
  reader: CatalogueReader,
  ids: EndDeviceVersionIdentifiers,
): EndDeviceModel_FirmwareVersion_Profile {
  const row = reader.model(ids.brandId, ids.modelId);
  if (!row) {
    const unknown = reader.brand(ids.brandId) ? versionModelNotFound : versionBrandNotFound;
    throw unknown({ brand_id: ids.brandId, model_id: ids.modelId });
  }
  const { firmwareVersions } = fromBinary(EndDeviceModelSchema, row);
  const firmware = firmwareVersions.find(({ version }) => version === ids.firmwareVersion);
  if (!firmware) throw firmwareVersionNotFound(attributesOf(ids));
  if (!isBand(ids.bandId)) throw bandNotFound({ band_id: ids.bandId });
  const profile = firmware.profiles[ids.bandId];
  if (!profile) throw noProfileForBand({ band_id: ids.bandId });
  return profile;
}

function readProfile(
  reader: CatalogueReader,
  brandId: string,
  profileId: string,
): LorawanProfile | undefined {
  const text = reader.profile(brandId, profileId);
  return text === undefined ? undefined : (JSON.parse(text) as LorawanProfile);
}

function versionTemplate(
  reader: CatalogueReader,
  ids: EndDeviceVersionIdentifiers,
): EndDeviceTemplate {
  const { vendorId, profileId, codecId } = versionProfile(reader, ids);
  const profile = readProfile(reader, vendorId || ids.brandId, profileId);
  // Its file was missing or broken; the report of the import says so.
  if (!profile) throw noProfileForBand({ band_id: ids.bandId });
  return templateOf(ids, profile, codecId !== '');
}

function numberedTemplate(
  reader: CatalogueReader,
  { vendorId, vendorProfileId }: NonNullable<GetTemplateRequest['endDeviceProfileIds']>,
): EndDeviceTemplate {
  if (vendorId === 0 || vendorProfileId === 0) throw missingProfileIdentifiers();
  const unknown = () =>
    endDeviceProfileNotFound({ vendor_id: vendorId, vendor_profile_id: vendorProfileId });
  const found = reader.profileNumber(vendorId, vendorProfileId);
  if (!found) throw unknown();
  const { brandId } = found;
  const target = JSON.parse(found.target) as ProfileTarget;
  if (target.kind === 'version') {
    const { kind: _, ...version } = target;
    return versionTemplate(
      reader,
      create(EndDeviceVersionIdentifiersSchema, { brandId, ...version }),
    );
  }
  const profile = readProfile(reader, brandId, target.profileId);
  if (!profile) throw unknown();
  return templateOf(create(EndDeviceVersionIdentifiersSchema, { brandId }), profile, false);
}

function codec(reader: CatalogueReader, kind: CodecKind, ids: EndDeviceVersionIdentifiers) {
  const { codecId } = versionProfile(reader, ids);
  if (codecId === '') throw noCodec({ firmware_version: ids.firmwareVersion, band_id: ids.bandId });
  const row = reader.codec(ids.brandId, codecId, kind);
  if (!row) throw (kind === 'downlink_encoder' ? noEncoder : noDecoder)({ codec_id: codecId });
  return row;
}

const NO_IDS = create(EndDeviceVersionIdentifiersSchema);
const FORMATTER_PATHS = ['formatter', 'formatter_parameter'];

/** Reads of the catalogue. They see what is served at the moment. */
export function createCatalogueReads(file: CatalogueFile): CatalogueReads {
  const reader = () => file.reader();
  const formatter = <Desc extends DescMessage>(
    desc: Desc,
    kind: CodecKind,
    ids: EndDeviceVersionIdentifiers,
    paths: readonly string[],
  ): MessageShape<Desc> => {
    const { message, script } = codec(reader(), kind, ids);
    const full = Object.assign(fromBinary(desc, message), { formatterParameter: script });
    return pickByPaths(desc, full, [...paths, ...FORMATTER_PATHS]);
  };
  return {
    async listBrands(request, paths) {
      const which = { list: 'brands', desc: EndDeviceBrandSchema } as const;
      const all = [...paths, 'brand_id'];
      const { messages: brands, total } = await list(file, which, request, all);
      return { brands, total };
    },
    async listModels(request, paths) {
      const which = { list: 'models', desc: EndDeviceModelSchema } as const;
      const all = [...paths, 'brand_id', 'model_id'];
      const { messages: models, total } = await list(file, which, request, all);
      return { models, total };
    },
    brand(brandId, paths) {
      const row = reader().brand(brandId);
      if (!row) throw brandNotFound({ brand_id: brandId });
      const message = fromBinary(EndDeviceBrandSchema, row);
      return pickByPaths(EndDeviceBrandSchema, message, [...paths, 'brand_id']);
    },
    model(brandId, modelId, paths) {
      const row = reader().model(brandId, modelId);
      if (!row) throw modelNotFound({ brand_id: brandId, model_id: modelId });
      const message = fromBinary(EndDeviceModelSchema, row);
      return pickByPaths(EndDeviceModelSchema, message, [...paths, 'brand_id', 'model_id']);
    },
    template({ versionIds, endDeviceProfileIds }) {
      if (endDeviceProfileIds) return numberedTemplate(reader(), endDeviceProfileIds);
      if (!versionIds) throw noTemplateIdentifiers();
      return versionTemplate(reader(), versionIds);
    },
    decoder: (kind, ids = NO_IDS, paths) =>
      formatter(MessagePayloadDecoderSchema, kind, ids, paths),
    encoder: (ids = NO_IDS, paths) =>
      formatter(MessagePayloadEncoderSchema, 'downlink_encoder', ids, paths),
    script: (kind, ids) => codec(reader(), kind, ids).script,
  };
}
