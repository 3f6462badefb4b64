import { create, type DescEnum } from '@bufbuild/protobuf';
import {
  BoolValueSchema,
  type EndDevice,
  MACSettingsSchema,
  type Session,
  SessionSchema,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  EndDeviceIdentifiersSchema,
  EndDeviceVersionIdentifiersSchema,
  LoRaAllianceProfileIdentifiersSchema,
} from '../../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import {
  KeyEnvelopeSchema,
  RootKeysSchema,
  type SessionKeys,
  SessionKeysSchema,
} from '../../api/gen/ttn/lorawan/v3/keys_pb.js';
import {
  MACVersionSchema,
  PHYVersionSchema,
  RxDelaySchema,
  RxDelayValueSchema,
} from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { formatHex } from '../../lorawan/index.ts';
import { namesOf } from '../json/contract-options.ts';

/** A kind of cell: how it is read (undefined if it cannot be) and what it has to be. */
interface CellKind<Value> {
  readonly expected: string;
  /** Value of an empty cell, which is an error without it. */
  readonly zero?: () => Value;
  read(cell: string): Value | undefined;
}

/** A column of the file; `path` is what a field mask says of it. */
export interface CsvColumn {
  readonly name: string;
  readonly paths: readonly string[];
  /** Its cells are key material. */
  readonly isKey: boolean;
  readonly expected: string;
  /** Puts a cell into a device; false if the cell cannot be read. */
  read(device: EndDevice, cell: string): boolean;
  /** The cell of a device, empty if it has none. */
  write(device: EndDevice): string;
}

const text: CellKind<string> = {
  expected: 'text',
  zero: () => '',
  read: (cell) => cell,
};
const hex = (bytes: number): CellKind<Uint8Array> => ({
  expected: `${bytes * 2} hex digits`,
  zero: () => new Uint8Array(bytes),
  read: (cell) =>
    cell.length === bytes * 2 && /^[0-9a-fA-F]+$/.test(cell)
      ? new Uint8Array(Buffer.from(cell, 'hex'))
      : undefined,
});
const MOST_UINT32 = 0xffff_ffff;
const wholeNumber: CellKind<number> = {
  expected: `a whole number from 0 to ${MOST_UINT32}`,
  read: (cell) =>
    /^\d{1,10}$/.test(cell) && Number(cell) <= MOST_UINT32 ? Number(cell) : undefined,
};
const hexNumber: CellKind<number> = {
  expected: 'a number in hex digits',
  read: (cell) => (/^[0-9a-fA-F]{1,8}$/.test(cell) ? Number.parseInt(cell, 16) : undefined),
};
const FLAGS = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((one) => [one, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((one) => [one, false] as const),
]);
const flag: CellKind<boolean> = { expected: 'true or false', read: (cell) => FLAGS.get(cell) };
const strictFlag: CellKind<boolean> = {
  expected: 'true or false',
  read: (cell) => (cell === 'true' || cell === 'false' ? cell === 'true' : undefined),
};
const choice = (desc: DescEnum): CellKind<number> => ({
  expected: `a value of ${desc.name}`,
  read: (cell) => namesOf(desc).in.get(cell) ?? (/^\d{1,3}$/.test(cell) ? Number(cell) : undefined),
});
/** A choice as it is written, or nothing for the value that says nothing. */
const choiceText = (desc: DescEnum, value: number): string =>
  value === 0 ? '' : String(namesOf(desc).out.get(value) ?? value);

function column<Value>(
  name: string,
  paths: string | readonly string[],
  kind: CellKind<Value>,
  put: (device: EndDevice, value: Value) => void,
  write: (device: EndDevice) => string,
): CsvColumn {
  return {
    name,
    paths: typeof paths === 'string' ? [paths] : paths,
    isKey: name.endsWith('_key'),
    expected: kind.expected,
    read(device, cell) {
      const value = cell === '' ? kind.zero?.() : kind.read(cell);
      if (value === undefined) return false;
      put(device, value);
      return true;
    },
    write,
  };
}

const bytesText = (bytes: Uint8Array | undefined): string => (bytes ? formatHex(bytes) : '');

const ids = (device: EndDevice) => (device.ids ??= create(EndDeviceIdentifiersSchema));
const versions = (device: EndDevice) =>
  (device.versionIds ??= create(EndDeviceVersionIdentifiersSchema));
const profile = (device: EndDevice) =>
  (device.loraAllianceProfileIds ??= create(LoRaAllianceProfileIdentifiersSchema));
const rootKeys = (device: EndDevice) => (device.rootKeys ??= create(RootKeysSchema));
const macSettings = (device: EndDevice) => (device.macSettings ??= create(MACSettingsSchema));
const session = (device: EndDevice): Session => (device.session ??= create(SessionSchema));
const sessionKeys = (device: EndDevice): SessionKeys =>
  (session(device).keys ??= create(SessionKeysSchema));
const envelope = (key: Uint8Array) => create(KeyEnvelopeSchema, { key });

function rootKey(name: string, field: 'appKey' | 'nwkKey', path: string): CsvColumn {
  return column(
    name,
    [`root_keys.${path}.key`, 'supports_join'],
    hex(16),
    (device, key) => {
      rootKeys(device)[field] = envelope(key);
      device.supportsJoin = true;
    },
    (device) => bytesText(device.rootKeys?.[field]?.key),
  );
}

function sessionKey(name: string, field: 'appSKey' | 'fNwkSIntKey'): CsvColumn {
  return column(
    name,
    `session.keys.${name}.key`,
    hex(16),
    (device, key) => {
      sessionKeys(device)[field] = envelope(key);
    },
    (device) => bytesText(device.session?.keys?.[field]?.key),
  );
}

function counter(name: string, field: 'lastFCntUp' | 'lastNFCntDown' | 'lastAFCntDown'): CsvColumn {
  return column(
    name,
    `session.${name}`,
    wholeNumber,
    (device, count) => {
      session(device)[field] = count;
    },
    (device) => (device.session ? String(device.session[field]) : ''),
  );
}

function version(
  name: string,
  field: 'brandId' | 'modelId' | 'hardwareVersion' | 'firmwareVersion' | 'bandId',
): CsvColumn {
  return column(
    name,
    `version_ids.${name}`,
    text,
    (device, value) => {
      versions(device)[field] = value;
    },
    (device) => device.versionIds?.[field] ?? '',
  );
}

function vendor(name: string, field: 'vendorId' | 'vendorProfileId'): CsvColumn {
  return column(
    name,
    `lora_alliance_profile_ids.${name}`,
    hexNumber,
    (device, value) => {
      profile(device)[field] = value;
    },
    (device) =>
      device.loraAllianceProfileIds
        ? device.loraAllianceProfileIds[field].toString(16).toUpperCase().padStart(4, '0')
        : '',
  );
}

function joinEui(name: string): CsvColumn {
  return column(
    name,
    'ids.join_eui',
    hex(8),
    (device, eui) => {
      ids(device).joinEui = eui;
    },
    (device) => bytesText(device.ids?.joinEui),
  );
}

const identityColumns: readonly CsvColumn[] = [
  column(
    'id',
    'ids.device_id',
    text,
    (device, id) => {
      ids(device).deviceId = id;
    },
    (device) => device.ids?.deviceId ?? '',
  ),
  column(
    'dev_eui',
    'ids.dev_eui',
    hex(8),
    (device, eui) => {
      ids(device).devEui = eui;
    },
    (device) => bytesText(device.ids?.devEui),
  ),
  joinEui('join_eui'),
  joinEui('app_eui'),
  column(
    'name',
    'name',
    text,
    (device, name) => {
      device.name = name;
    },
    ({ name }) => name,
  ),
  column(
    'description',
    'description',
    text,
    (device, description) => {
      device.description = description;
    },
    ({ description }) => description,
  ),
];

const networkColumns: readonly CsvColumn[] = [
  column(
    'frequency_plan_id',
    'frequency_plan_id',
    text,
    (device, id) => {
      device.frequencyPlanId = id;
    },
    ({ frequencyPlanId }) => frequencyPlanId,
  ),
  column(
    'lorawan_version',
    'lorawan_version',
    choice(MACVersionSchema),
    (device, value) => {
      device.lorawanVersion = value;
    },
    ({ lorawanVersion }) => choiceText(MACVersionSchema, lorawanVersion),
  ),
  column(
    'lorawan_phy_version',
    'lorawan_phy_version',
    choice(PHYVersionSchema),
    (device, value) => {
      device.lorawanPhyVersion = value;
    },
    ({ lorawanPhyVersion }) => choiceText(PHYVersionSchema, lorawanPhyVersion),
  ),
  column(
    'supports_class_c',
    'supports_class_c',
    flag,
    (device, value) => {
      device.supportsClassC = value;
    },
    ({ supportsClassC }) => String(supportsClassC),
  ),
  column(
    'rx1_delay',
    'mac_settings.rx1_delay',
    choice(RxDelaySchema),
    (device, value) => {
      macSettings(device).rx1Delay = create(RxDelayValueSchema, { value });
    },
    ({ macSettings: settings }) =>
      settings?.rx1Delay ? `RX_DELAY_${settings.rx1Delay.value}` : '',
  ),
  column(
    'supports_32_bit_f_cnt',
    'mac_settings.supports_32_bit_f_cnt',
    strictFlag,
    (device, value) => {
      macSettings(device).supports32BitFCnt = create(BoolValueSchema, { value });
    },
    ({ macSettings: settings }) =>
      settings?.supports32BitFCnt ? String(settings.supports32BitFCnt.value) : '',
  ),
];

const sessionColumns: readonly CsvColumn[] = [
  column(
    'dev_addr',
    'session.dev_addr',
    hex(4),
    (device, address) => {
      session(device).devAddr = address;
    },
    (device) => bytesText(device.session?.devAddr),
  ),
  sessionKey('app_s_key', 'appSKey'),
  sessionKey('f_nwk_s_int_key', 'fNwkSIntKey'),
  counter('last_f_cnt_up', 'lastFCntUp'),
  counter('last_n_f_cnt_down', 'lastNFCntDown'),
  counter('last_a_f_cnt_down', 'lastAFCntDown'),
];

/** All columns, in the order in which they are written. */
export const CSV_COLUMNS: readonly CsvColumn[] = [
  ...identityColumns,
  ...networkColumns,
  rootKey('app_key', 'appKey', 'app_key'),
  rootKey('nwk_key', 'nwkKey', 'nwk_key'),
  ...sessionColumns,
  version('brand_id', 'brandId'),
  version('model_id', 'modelId'),
  version('hardware_version', 'hardwareVersion'),
  version('firmware_version', 'firmwareVersion'),
  version('band_id', 'bandId'),
  vendor('vendor_id', 'vendorId'),
  vendor('vendor_profile_id', 'vendorProfileId'),
];
