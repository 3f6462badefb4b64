import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type EndDeviceBrand,
  EndDeviceBrandSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import { type FieldReader, isCatalogueId } from './fields.ts';

/** A brand of the index. */
export interface ReadBrand {
  readonly message: EndDeviceBrand;
  readonly description: string;
  /** File of the logo inside the brand's folder; empty without one. */
  readonly logo: string;
}

/** Reads an entry of `vendor/index.yaml`; undefined if it has no id or is a draft. */
export function readBrand(
  fields: FieldReader,
  invalid: (id: string) => void,
): ReadBrand | undefined {
  if (fields.flag('draft')) return undefined;
  const brandId = fields.text('id');
  if (!isCatalogueId(brandId)) {
    invalid(brandId);
    return undefined;
  }
  const message: MessageInitShape<typeof EndDeviceBrandSchema> = {
    brandId,
    name: fields.text('name') || brandId,
    privateEnterpriseNumber: fields.whole('pen') ?? 0,
    organizationUniqueIdentifiers: fields
      .texts('ouis')
      .map((oui) => oui.toUpperCase())
      .filter((oui) => /^[0-9A-F]{6}$/.test(oui)),
    loraAllianceVendorId: fields.whole('vendorID', 0xffff) ?? 0,
    website: fields.url('website'),
    email: fields.text('email'),
  };
  return {
    message: create(EndDeviceBrandSchema, message),
    description: fields.text('description'),
    logo: fields.text('logo'),
  };
}

/** What a vendor's number for a profile stands for. */
export type ProfileTarget =
  | {
      readonly kind: 'version';
      readonly modelId: string;
      readonly hardwareVersion: string;
      readonly firmwareVersion: string;
      readonly bandId: string;
    }
  | { readonly kind: 'profile'; readonly profileId: string };

/** A brand's own index. */
export interface BrandIndex {
  readonly modelIds: readonly string[];
  readonly profileNumbers: readonly {
    readonly vendorProfileId: number;
    readonly target: ProfileTarget;
  }[];
}

/** Reads `vendor/<brand>/index.yaml`. */
export function readBrandIndex(
  fields: FieldReader,
  bandOfRegion: (region: string) => string | undefined,
): BrandIndex {
  const profileNumbers = fields.entries('profileIDs').flatMap(([number, entry]) => {
    const vendorProfileId = /^\d{1,5}$/.test(number) ? Number(number) : 0;
    const modelId = entry.text('endDeviceID');
    const bandId = bandOfRegion(entry.text('region'));
    const profileId = entry.text('id');
    const target: ProfileTarget | undefined =
      modelId !== '' && bandId !== undefined
        ? {
            kind: 'version',
            modelId,
            hardwareVersion: entry.text('hardwareVersion'),
            firmwareVersion: entry.text('firmwareVersion'),
            bandId,
          }
        : profileId === ''
          ? undefined
          : { kind: 'profile', profileId };
    return vendorProfileId > 0 && vendorProfileId <= 0xffff && target
      ? [{ vendorProfileId, target }]
      : [];
  });
  return { modelIds: fields.texts('endDevices'), profileNumbers };
}
