import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type EndDeviceSchema,
  type EndDeviceTemplate,
  EndDeviceTemplateSchema,
  type MACSettingsSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { EndDeviceVersionIdentifiers } from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  AggregatedDutyCycle,
  type DataRateIndex,
  type DataRateOffset,
  MACVersionSchema,
  PHYVersionSchema,
  type PingSlotPeriod,
  type RxDelay,
} from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../../api/gen/ttn/lorawan/v3/messages_pb.js';
import { macVersionName, parseMacVersion, parsePhyVersion } from '../../lorawan/index.ts';
import { regionalParametersVersion } from './errors.ts';
import type { LorawanProfile } from './profile.ts';

type MacSettingsInit = Exclude<MessageInitShape<typeof MACSettingsSchema>, { $typeName: string }>;
type EndDeviceInit = Exclude<MessageInitShape<typeof EndDeviceSchema>, { $typeName: string }>;

/** A setting with its path in a field mask. */
type Setting = readonly [name: string, setting: MacSettingsInit];

/** Number of the regional parameters that a repository names like `RP001-1.0.3-RevA`. */
function phyVersionNumber(text: string): number {
  const name = text.replace(/^(TS001|RP00[12])-/, '$1-V').replaceAll(/[-.]/g, '_');
  const version = parsePhyVersion(name.replace(/_Rev([AB])$/, '_REV_$1'));
  const number = PHYVersionSchema.values.find((value) => value.name === version)?.number;
  if (number === undefined) throw regionalParametersVersion({ phy_version: text });
  return number;
}

function macVersionNumber(text: string): number | undefined {
  const version = parseMacVersion(text);
  const name = version && macVersionName(version);
  return MACVersionSchema.values.find((value) => value.name === name)?.number;
}

/** The next lower step: 1/2^n of the time at most. */
function dutyCycle(share: number): AggregatedDutyCycle {
  const step = Math.ceil(-Math.log2(share));
  return Math.min(Math.max(step, 0), AggregatedDutyCycle.DUTY_CYCLE_32768);
}

const set = <T>(value: T | undefined, setting: (value: T) => Setting): Setting[] =>
  value === undefined ? [] : [setting(value)];

const seconds = (value: number) => ({ seconds: BigInt(value), nanos: 0 });

const positive = (value: number | undefined) => (value ? value : undefined);

/** Settings of classes B and C. */
function classSettings(profile: LorawanProfile): Setting[] {
  return [
    ...set(
      positive(profile.classBTimeoutS),
      (value): Setting => ['class_b_timeout', { classBTimeout: seconds(value) }],
    ),
    ...set(
      positive(profile.classCTimeoutS),
      (value): Setting => ['class_c_timeout', { classCTimeout: seconds(value) }],
    ),
    ...set(
      profile.pingSlotDataRateIndex,
      (value): Setting => [
        'ping_slot_data_rate_index',
        { pingSlotDataRateIndex: { value: value as DataRateIndex } },
      ],
    ),
    ...set(
      positive(profile.pingSlotFrequencyHz),
      (value): Setting => ['ping_slot_frequency', { pingSlotFrequency: { value: BigInt(value) } }],
    ),
    ...set(
      profile.pingSlotPeriodS,
      (value): Setting => [
        'ping_slot_periodicity',
        { pingSlotPeriodicity: { value: Math.log2(value) as PingSlotPeriod } },
      ],
    ),
  ];
}

/** Settings of receive windows, counters and channels. */
function radioSettings(profile: LorawanProfile): Setting[] {
  return [
    ...set(
      profile.rx1DelayS,
      (value): Setting => ['rx1_delay', { rx1Delay: { value: value as RxDelay } }],
    ),
    ...set(
      profile.rx1DataRateOffset,
      (value): Setting => [
        'rx1_data_rate_offset',
        { rx1DataRateOffset: { value: value as DataRateOffset } },
      ],
    ),
    ...set(
      profile.rx2DataRateIndex,
      (value): Setting => [
        'rx2_data_rate_index',
        { rx2DataRateIndex: { value: value as DataRateIndex } },
      ],
    ),
    ...set(
      profile.rx2FrequencyHz,
      (value): Setting => ['rx2_frequency', { rx2Frequency: { value: BigInt(value) } }],
    ),
    ...set(
      profile.supports32BitFCnt,
      (value): Setting => ['supports_32_bit_f_cnt', { supports32BitFCnt: { value } }],
    ),
    ...set(
      profile.factoryPresetFrequenciesHz,
      (value): Setting => [
        'factory_preset_frequencies',
        { factoryPresetFrequencies: value.map(BigInt) },
      ],
    ),
    ...set(
      profile.maxDutyCycle,
      (value): Setting => ['max_duty_cycle', { maxDutyCycle: { value: dutyCycle(value) } }],
    ),
  ];
}

/** What a profile says about a device, and the paths of what it says. */
export function templateOf(
  versionIds: EndDeviceVersionIdentifiers,
  profile: LorawanProfile,
  hasCodec: boolean,
): EndDeviceTemplate {
  const macVersion = macVersionNumber(profile.macVersion);
  const macSettings = [...classSettings(profile), ...radioSettings(profile)];
  const maxEirp = profile.supportsJoin ? undefined : profile.maxEirpDbm;
  const repository = PayloadFormatter.FORMATTER_REPOSITORY;
  const endDevice: EndDeviceInit = {
    versionIds,
    supportsJoin: profile.supportsJoin,
    supportsClassB: profile.supportsClassB,
    supportsClassC: profile.supportsClassC,
    lorawanVersion: macVersion ?? 0,
    lorawanPhyVersion: phyVersionNumber(profile.regionalParametersVersion),
    ...(hasCodec && { formatters: { upFormatter: repository, downFormatter: repository } }),
    ...(macSettings.length > 0 && {
      macSettings: Object.assign({}, ...macSettings.map(([, setting]) => setting)),
    }),
    ...(maxEirp && { macState: { desiredParameters: { maxEirp } } }),
  };
  return create(EndDeviceTemplateSchema, {
    endDevice,
    fieldMask: {
      paths: [
        'version_ids',
        'supports_join',
        'supports_class_b',
        'supports_class_c',
        ...(macVersion === undefined ? [] : ['lorawan_version']),
        'lorawan_phy_version',
        ...(hasCodec ? ['formatters'] : []),
        ...macSettings.map(([name]) => `mac_settings.${name}`),
        ...(maxEirp ? ['mac_state.desired_parameters.max_eirp'] : []),
      ],
    },
  });
}
