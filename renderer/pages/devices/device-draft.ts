import { create } from '@bufbuild/protobuf';
import {
  type EndDevice,
  EndDeviceSchema,
} from '../../../main/api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion, PHYVersion } from '../../../main/api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../../../main/api/gen/ttn/lorawan/v3/messages_pb.js';
import { isId } from '../../formats/device-id.ts';
import { readIdentifier } from '../../formats/identifier-reading.ts';
import { phyVersionsFor } from '../../formats/lorawan-versions.ts';

/** What the registration form holds, as typed. */
export interface DeviceDraft {
  readonly activation: 'otaa' | 'abp';
  readonly applicationId: string;
  readonly deviceId: string;
  readonly name: string;
  readonly frequencyPlanId: string;
  readonly macVersion: MACVersion;
  readonly phyVersion: PHYVersion;
  readonly devEui: string;
  readonly joinEui: string;
  readonly appKey: string;
  readonly nwkKey: string;
  readonly devAddr: string;
  /** NwkSKey of 1.0.x, FNwkSIntKey of 1.1. */
  readonly nwkSKey: string;
  readonly sNwkSIntKey: string;
  readonly nwkSEncKey: string;
  readonly appSKey: string;
  /** ABP devices that begin at 0 after each reset. */
  readonly resetsFCnt: boolean;
  /** Listens all the time. */
  readonly supportsClassC: boolean;
  readonly simulate: boolean;
  readonly formatter: PayloadFormatter;
  readonly formatterCode: string;
}

export type DraftField = keyof DeviceDraft;
export type DraftProblems = Partial<Record<DraftField, string>>;

export const INITIAL_DRAFT: DeviceDraft = {
  activation: 'otaa',
  applicationId: 'lab',
  deviceId: '',
  name: '',
  frequencyPlanId: '',
  macVersion: MACVersion.MAC_V1_0_3,
  phyVersion: PHYVersion.PHY_V1_0_3_REV_A,
  devEui: '',
  joinEui: '0000000000000001',
  appKey: '',
  nwkKey: '',
  devAddr: '',
  nwkSKey: '',
  sNwkSIntKey: '',
  nwkSEncKey: '',
  appSKey: '',
  resetsFCnt: false,
  supportsClassC: false,
  simulate: false,
  formatter: PayloadFormatter.FORMATTER_NONE,
  formatterCode:
    'function decodeUplink(input) {\n  return {\n    data: { bytes: input.bytes },\n  };\n}\n',
};

/** Changes one field and what follows from it. */
export function changeDraft(draft: DeviceDraft, change: Partial<DeviceDraft>): DeviceDraft {
  const next = { ...draft, ...change };
  const versions = phyVersionsFor(next.macVersion);
  const phyVersion = versions.includes(next.phyVersion) ? next.phyVersion : versions[0];
  return phyVersion === undefined ? next : { ...next, phyVersion };
}

export function isVersion11(draft: DeviceDraft): boolean {
  return draft.macVersion === MACVersion.MAC_V1_1;
}

interface IdentifierRule {
  readonly field: DraftField & ('devEui' | 'joinEui' | 'devAddr' | KeyField);
  readonly lengthBytes: number;
  readonly required: boolean;
  readonly what: string;
}

type KeyField = 'appKey' | 'nwkKey' | 'nwkSKey' | 'sNwkSIntKey' | 'nwkSEncKey' | 'appSKey';

function rulesFor(draft: DeviceDraft): readonly IdentifierRule[] {
  const v11 = isVersion11(draft);
  const key = (field: KeyField, what: string): IdentifierRule => ({
    field,
    lengthBytes: 16,
    required: true,
    what,
  });
  if (draft.activation === 'otaa') {
    return [
      { field: 'devEui', lengthBytes: 8, required: true, what: 'the DevEUI' },
      { field: 'joinEui', lengthBytes: 8, required: true, what: 'the JoinEUI' },
      key('appKey', 'the AppKey'),
      ...(v11 ? [key('nwkKey', 'the NwkKey')] : []),
    ];
  }
  return [
    {
      field: 'devEui',
      lengthBytes: 8,
      required: draft.macVersion === MACVersion.MAC_V1_0_4,
      what: 'the DevEUI',
    },
    { field: 'devAddr', lengthBytes: 4, required: true, what: 'the DevAddr' },
    key('nwkSKey', v11 ? 'the FNwkSIntKey' : 'the NwkSKey'),
    ...(v11 ? [key('sNwkSIntKey', 'the SNwkSIntKey'), key('nwkSEncKey', 'the NwkSEncKey')] : []),
    key('appSKey', 'the AppSKey'),
  ];
}

/** What has to be mended before the device can be registered. */
export function draftProblems(draft: DeviceDraft): DraftProblems {
  const problems: DraftProblems = {};
  for (const { field, lengthBytes, required, what } of rulesFor(draft)) {
    const reading = readIdentifier(draft[field], lengthBytes);
    if (reading.kind === 'error') problems[field] = reading.message;
    if (reading.kind === 'empty' && required) problems[field] = `Enter or generate ${what}`;
  }
  if (!isId(draft.deviceId)) {
    problems.deviceId =
      draft.deviceId === ''
        ? 'Enter an id for the device'
        : '3 to 36 lower-case letters, digits and single dashes';
  }
  if (draft.name.length > 50) problems.name = 'At most 50 characters';
  if (draft.frequencyPlanId === '') problems.frequencyPlanId = 'Choose a frequency plan';
  if (draft.applicationId === '') problems.applicationId = 'Choose an application';
  return problems;
}

function bytesOf(text: string, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const reading = readIdentifier(text, lengthBytes);
  return reading.kind === 'ok' ? reading.bytes : new Uint8Array();
}

function keyOf(text: string) {
  return { key: bytesOf(text, 16) };
}

function activationParts(draft: DeviceDraft) {
  const v11 = isVersion11(draft);
  if (draft.activation === 'otaa') {
    return {
      supportsJoin: true,
      rootKeys: { appKey: keyOf(draft.appKey), ...(v11 ? { nwkKey: keyOf(draft.nwkKey) } : {}) },
    };
  }
  const network = keyOf(draft.nwkSKey);
  return {
    supportsJoin: false,
    session: {
      devAddr: bytesOf(draft.devAddr, 4),
      keys: {
        fNwkSIntKey: network,
        // In 1.0.x one key plays all three parts.
        ...(v11
          ? { sNwkSIntKey: keyOf(draft.sNwkSIntKey), nwkSEncKey: keyOf(draft.nwkSEncKey) }
          : {}),
        appSKey: keyOf(draft.appSKey),
      },
    },
    macSettings: draft.resetsFCnt ? { resetsFCnt: { value: true } } : undefined,
  };
}

function formattersOf(formatter: PayloadFormatter, code: string) {
  if (formatter === PayloadFormatter.FORMATTER_NONE) return undefined;
  const parameter = formatter === PayloadFormatter.FORMATTER_JAVASCRIPT ? code : '';
  return {
    upFormatter: formatter,
    upFormatterParameter: parameter,
    downFormatter: formatter,
    downFormatterParameter: parameter,
  };
}

/** The device as the registration call wants it. The draft has to be free of problems. */
export function draftToEndDevice(draft: DeviceDraft): EndDevice {
  const otaa = draft.activation === 'otaa';
  const { macSettings, ...parts } = { macSettings: undefined, ...activationParts(draft) };
  const formatters = formattersOf(draft.formatter, draft.formatterCode);
  return create(EndDeviceSchema, {
    ids: {
      deviceId: draft.deviceId,
      applicationIds: { applicationId: draft.applicationId },
      devEui: bytesOf(draft.devEui, 8),
      joinEui: otaa ? bytesOf(draft.joinEui, 8) : new Uint8Array(),
      devAddr: otaa ? new Uint8Array() : bytesOf(draft.devAddr, 4),
    },
    name: draft.name.trim(),
    frequencyPlanId: draft.frequencyPlanId,
    lorawanVersion: draft.macVersion,
    lorawanPhyVersion: draft.phyVersion,
    supportsClassC: draft.supportsClassC,
    ...parts,
    ...(macSettings === undefined ? {} : { macSettings }),
    ...(formatters === undefined ? {} : { formatters }),
  });
}

const FIELD_BY_PATH: Readonly<Record<string, DraftField>> = {
  device_id: 'deviceId',
  application_id: 'applicationId',
  dev_eui: 'devEui',
  join_eui: 'joinEui',
  dev_addr: 'devAddr',
  name: 'name',
  frequency_plan_id: 'frequencyPlanId',
  lorawan_version: 'macVersion',
  lorawan_phy_version: 'phyVersion',
  app_key: 'appKey',
  nwk_key: 'nwkKey',
  f_nwk_s_int_key: 'nwkSKey',
  s_nwk_s_int_key: 'sNwkSIntKey',
  nwk_s_enc_key: 'nwkSEncKey',
  app_s_key: 'appSKey',
  up_formatter_parameter: 'formatterCode',
};

/** Which field of the form a server's field path means, from its end: `end_device.ids.dev_eui` → DevEUI. */
export function fieldOfPath(path: string | undefined): DraftField | undefined {
  for (const part of (path ?? '').split('.').reverse()) {
    const field = FIELD_BY_PATH[part];
    if (field !== undefined) return field;
  }
  return undefined;
}

/** Fields that a well-known failure is about although it names none. */
const FIELD_BY_ERROR: Readonly<Record<string, DraftField>> = {
  end_device_euis_taken: 'devEui',
  dev_eui_taken: 'devEui',
  id_taken: 'deviceId',
  already_exists: 'deviceId',
};

export function fieldOfError(code: string | undefined): DraftField | undefined {
  const reason = (code ?? '').split(':').at(-1) ?? '';
  return FIELD_BY_ERROR[reason];
}
