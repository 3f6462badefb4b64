import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type EndDeviceModel,
  type EndDeviceModel_FirmwareVersionSchema,
  EndDeviceModelSchema,
  KeyProvisioningSchema,
  KeySecuritySchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { type FieldReader, isCatalogueId } from './fields.ts';
import { bandOfRegion } from './regions.ts';
import { FileProblem } from './repository-source.ts';

/** A model, and the images it names in its brand's folder. */
export interface ReadModel {
  readonly message: EndDeviceModel;
  readonly mainPhoto: string;
  readonly otherPhotos: readonly string[];
}

const VIDEO = /^https?:\/\/(?:www\.)?(?:youtube\.com\/watch\?|youtu\.be\/|vimeo\.com\/)/;

/** Number of an enum's value that repositories write as text, e.g. `join server`. */
function enumNumber(
  desc: typeof KeyProvisioningSchema | typeof KeySecuritySchema,
  prefix: string,
  text: string,
): number | undefined {
  const name = `${prefix}_${text.toUpperCase().replaceAll(/[ -]/g, '_')}`;
  return desc.values.find((value) => value.name === name)?.number;
}

type FirmwareInit = MessageInitShape<typeof EndDeviceModel_FirmwareVersionSchema>;

function firmware(fields: FieldReader, wrong: (field: string) => void): FirmwareInit {
  const profiles = fields.entries('profiles').flatMap(([region, entry]) => {
    const bandId = bandOfRegion(region);
    const profileId = entry.text('id');
    const codecId = entry.text('codec');
    const vendorId = entry.text('vendorID');
    if (bandId === undefined || !isCatalogueId(profileId)) {
      wrong(`profiles.${region}`);
      return [];
    }
    for (const [name, id] of [
      ['codec', codecId],
      ['vendorID', vendorId],
    ] as const)
      if (id !== '' && !isCatalogueId(id)) wrong(`profiles.${region}.${name}`);
    const profile = {
      vendorId: isCatalogueId(vendorId) ? vendorId : '',
      profileId,
      lorawanCertified: entry.flag('lorawanCertified') ?? false,
      codecId: isCatalogueId(codecId) ? codecId : '',
    };
    return [[bandId, profile] as const];
  });
  return {
    version: fields.text('version'),
    numeric: fields.whole('numeric') ?? 0,
    supportedHardwareVersions: fields.texts('hardwareVersions'),
    profiles: Object.fromEntries(profiles),
  };
}

function limits(fields: FieldReader | undefined) {
  if (!fields) return {};
  const [min, max] = [fields.number('min'), fields.number('max')];
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** Numbers of a mapping that are set. */
function measures<Name extends string>(
  fields: FieldReader | undefined,
  names: readonly Name[],
): Partial<Record<Name, number>> | undefined {
  if (!fields) return undefined;
  const found = names.flatMap((name) => {
    const value = fields.number(name, { min: 0 });
    return value === undefined ? [] : [[name, value] as const];
  });
  return found.length === 0
    ? undefined
    : (Object.fromEntries(found) as Partial<Record<Name, number>>);
}

function body(fields: FieldReader): MessageInitShape<typeof EndDeviceModelSchema> {
  const dimensions = measures(fields.child('dimensions'), [
    'width',
    'height',
    'diameter',
    'length',
  ] as const);
  const battery = fields.child('battery');
  const replaceable = battery?.flag('replaceable');
  const conditions = fields.child('operatingConditions');
  const temperature = conditions?.child('temperature');
  const humidity = conditions?.child('relativeHumidity');
  const weight = fields.number('weight', { min: 0 });
  return {
    ...(dimensions && { dimensions }),
    ...(weight !== undefined && { weight }),
    ...(battery && {
      battery: { type: battery.text('type'), ...(replaceable !== undefined && { replaceable }) },
    }),
    ...(conditions && {
      operatingConditions: {
        ...(temperature && { temperature: limits(temperature) }),
        ...(humidity && { relativeHumidity: limits(humidity) }),
      },
    }),
    ipCode: fields.text('ipCode'),
  };
}

function keys(
  fields: FieldReader,
): Pick<MessageInitShape<typeof EndDeviceModelSchema>, 'keyProvisioning' | 'keySecurity'> {
  return {
    keyProvisioning: fields
      .texts('keyProvisioning')
      .map((text) => enumNumber(KeyProvisioningSchema, 'KEY_PROVISIONING', text))
      .filter((number) => number !== undefined),
    keySecurity: enumNumber(KeySecuritySchema, 'KEY_SECURITY', fields.text('keySecurity')) ?? 0,
  };
}

function shop(fields: FieldReader): MessageInitShape<typeof EndDeviceModelSchema> {
  const compliances = fields.child('compliances');
  const compliance = (name: string) =>
    (compliances?.children(name) ?? []).map((one) => ({
      body: one.text('body'),
      norm: one.text('norm'),
      standard: one.text('standard'),
      version: one.text('version'),
    }));
  const videos = fields.child('videos');
  const main = videos?.url('main') ?? '';
  return {
    productUrl: fields.url('productURL'),
    datasheetUrl: fields.url('dataSheetURL'),
    resellers: fields.children('resellerURLs').map((one) => ({
      name: one.text('name'),
      region: one.texts('region'),
      url: one.url('url'),
    })),
    ...(videos && {
      videos: {
        main: VIDEO.test(main) ? main : '',
        other: videos.texts('other').filter((url) => VIDEO.test(url)),
      },
    }),
    ...(compliances && {
      compliances: { safety: compliance('safety'), radioEquipment: compliance('radioEquipment') },
    }),
  };
}

/** Reads a device file. A device without name or firmware is none. */
export function readModel(
  brandId: string,
  modelId: string,
  fields: FieldReader,
  wrong: (field: string) => void,
): ReadModel {
  const name = fields.text('name');
  const firmwareVersions = fields
    .children('firmwareVersions')
    .map((one) => firmware(one, wrong))
    .filter(({ version }) => version !== '');
  if (name === '' || firmwareVersions.length === 0)
    throw new FileProblem('field', 'A device needs a name and at least one firmware version.');
  const photos = fields.child('photos');
  const message = create(EndDeviceModelSchema, {
    brandId,
    modelId,
    name,
    description: fields.text('description'),
    hardwareVersions: fields.children('hardwareVersions').map((one) => ({
      version: one.text('version'),
      numeric: one.whole('numeric') ?? 0,
      partNumber: one.text('partNumber'),
    })),
    firmwareVersions,
    sensors: fields.texts('sensors'),
    additionalRadios: fields.texts('additionalRadios'),
    ...body(fields),
    ...keys(fields),
    ...shop(fields),
  } as MessageInitShape<typeof EndDeviceModelSchema>);
  return {
    message,
    mainPhoto: photos?.text('main') ?? '',
    otherPhotos: photos?.texts('other') ?? [],
  };
}
