import { create } from '@bufbuild/protobuf';
import {
  type EndDeviceBrand,
  EndDeviceBrandSchema,
  type EndDeviceModel,
  EndDeviceModelSchema,
} from '../../api/gen/ttn/lorawan/v3/devicerepository_pb.js';
import {
  type Band,
  band,
  bandIds,
  MAC_VERSIONS,
  type MacVersion,
  type PhyVersion,
  phyVersionsOf,
} from '../../lorawan/index.ts';
import type { LorawanProfile } from './profile.ts';

/** The brand of the profiles that ship with the program. */
export const GENERIC_BRAND_ID = 'generic';

/** To be raised whenever what {@link genericBrand} answers changes, so that catalogues are filled anew. */
export const GENERIC_REVISION = 1;

/** The brand with its models and the profiles they name. */
export interface GenericBrand {
  readonly brand: EndDeviceBrand;
  readonly description: string;
  readonly models: readonly EndDeviceModel[];
  readonly profiles: ReadonlyMap<string, LorawanProfile>;
}

interface Kind {
  readonly modelId: string;
  readonly name: string;
  readonly join: boolean;
  readonly classB: boolean;
  readonly classC: boolean;
}

const KINDS: readonly Kind[] = [
  { modelId: 'class-a', name: 'Class A, joins (OTAA)', join: true, classB: false, classC: false },
  { modelId: 'class-b', name: 'Class B, joins (OTAA)', join: true, classB: true, classC: false },
  { modelId: 'class-c', name: 'Class C, joins (OTAA)', join: true, classB: false, classC: true },
  {
    modelId: 'class-a-abp',
    name: 'Class A, personalized (ABP)',
    join: false,
    classB: false,
    classC: false,
  },
  {
    modelId: 'class-c-abp',
    name: 'Class C, personalized (ABP)',
    join: false,
    classB: false,
    classC: true,
  },
];

const PHY_NAMES: Readonly<Record<PhyVersion, string>> = {
  PHY_V1_0: 'TS001-1.0',
  PHY_V1_0_1: 'TS001-1.0.1',
  PHY_V1_0_2_REV_A: 'RP001-1.0.2',
  PHY_V1_0_2_REV_B: 'RP001-1.0.2-RevB',
  PHY_V1_0_3_REV_A: 'RP001-1.0.3-RevA',
  PHY_V1_1_REV_A: 'RP001-1.1-RevA',
  PHY_V1_1_REV_B: 'RP001-1.1-RevB',
  RP002_V1_0_0: 'RP002-1.0.0',
  RP002_V1_0_1: 'RP002-1.0.1',
  RP002_V1_0_2: 'RP002-1.0.2',
  RP002_V1_0_3: 'RP002-1.0.3',
  RP002_V1_0_4: 'RP002-1.0.4',
};

/** Versions are written as documents name them: `1.0`, `1.0.3`, `1.1`. */
const documentVersion = (version: MacVersion): string =>
  version === '1.0.0' ? '1.0' : version === '1.1.0' ? '1.1' : version;

const VERSIONS = MAC_VERSIONS.flatMap((macVersion) =>
  phyVersionsOf(macVersion).map((phyVersion) => ({ macVersion, phyVersion })),
);

/** Name of a pair of versions; it stands for the firmware version of a generic model. */
const versionName = (macVersion: MacVersion, phyVersion: PhyVersion): string =>
  `${documentVersion(macVersion)} ${PHY_NAMES[phyVersion]}`;

/** Id of a profile, at most 36 characters: `a-abp-rp001-102-revb-cn47051020a`. */
const profileIdOf = (...parts: readonly string[]): string =>
  parts.map((part) => part.toLowerCase().replaceAll(/[._]/g, '')).join('-');

/** What a personalized device has to be told, since no join-accept tells it. */
function personalized(regional: Band): Partial<LorawanProfile> {
  return {
    rx1DelayS: regional.receiveDelay1Ms / 1_000,
    rx1DataRateOffset: 0,
    rx2DataRateIndex: regional.rx2.dataRateIndex,
    rx2FrequencyHz: regional.rx2.frequencyHz,
    ...(regional.dynamicChannels && {
      factoryPresetFrequenciesHz: regional.uplinkChannels.map(({ frequencyHz }) => frequencyHz),
    }),
  };
}

function profileOf(kind: Kind, macVersion: MacVersion, regional: Band): LorawanProfile {
  return {
    macVersion: documentVersion(macVersion),
    regionalParametersVersion: PHY_NAMES[regional.phyVersion],
    supportsJoin: kind.join,
    supportsClassB: kind.classB,
    supportsClassC: kind.classC,
    supports32BitFCnt: true,
    ...(!kind.join && personalized(regional)),
  };
}

/** One device for each class and way to activate, in every version and band this program knows. */
export function genericBrand(): GenericBrand {
  const profiles = new Map<string, LorawanProfile>();
  const models = KINDS.map((kind) =>
    create(EndDeviceModelSchema, {
      brandId: GENERIC_BRAND_ID,
      modelId: kind.modelId,
      name: kind.name,
      description:
        'Settings that fit any device of this class, by LoRaWAN version and band. Take it where nobody describes the device itself.',
      firmwareVersions: VERSIONS.map(({ macVersion, phyVersion }, index) => ({
        version: versionName(macVersion, phyVersion),
        numeric: index + 1,
        profiles: Object.fromEntries(
          bandIds().flatMap((bandId) => {
            const regional = band(bandId, phyVersion);
            if (!regional) return [];
            // Without a join what a device starts with depends on its band; with one it does not.
            const own = kind.join ? [] : [bandId];
            const name = kind.modelId.replace('class-', '');
            const profileId = profileIdOf(name, PHY_NAMES[phyVersion], ...own);
            profiles.set(profileId, profileOf(kind, macVersion, regional));
            return [[bandId, { profileId }]];
          }),
        ),
      })),
    }),
  );
  const brand = create(EndDeviceBrandSchema, { brandId: GENERIC_BRAND_ID, name: 'Generic' });
  return { brand, description: 'Devices of any maker', models, profiles };
}
