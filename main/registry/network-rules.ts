import { equals } from '@bufbuild/protobuf';
import {
  type ADRSettings_DynamicMode,
  type ADRSettings_DynamicMode_Overrides,
  type EndDevice,
  EndDeviceSchema,
  MACParametersSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { KeyEnvelope } from '../api/gen/ttn/lorawan/v3/keys_pb.js';
import { Class, MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { sameBytes } from '../base/bytes.ts';
import { fieldIsZero, fieldNotZero, networkFieldValue } from './errors.ts';
import { isPathSet, isZeroBytes, touches } from './masks.ts';
import { checkBand } from './network-band-rules.ts';

const refuse = (field: string, cause?: Error) =>
  networkFieldValue({ field }, cause ? { cause } : {});

function requireSet(device: EndDevice, field: string): void {
  if (!isPathSet(EndDeviceSchema, device, field)) {
    throw refuse(field, fieldIsZero({ name: field }));
  }
}

function requireNotSet(device: EndDevice, field: string): void {
  if (isPathSet(EndDeviceSchema, device, field)) {
    throw refuse(field, fieldNotZero({ name: field }));
  }
}

/** LoRaWAN versions from 1.1 on have three network session keys. */
export function hasThreeKeys(version: MACVersion): boolean {
  return version === MACVersion.MAC_V1_1;
}

function checkVersions(device: EndDevice, paths: readonly string[]): void {
  if (touches(paths, 'frequency_plan_id') && device.frequencyPlanId === '') {
    throw refuse('frequency_plan_id');
  }
  const versions = [
    ['lorawan_version', device.lorawanVersion],
    ['mac_state.lorawan_version', device.macState?.lorawanVersion],
    ['pending_mac_state.lorawan_version', device.pendingMacState?.lorawanVersion],
  ] as const;
  for (const [field, version] of versions) {
    if (touches(paths, field) && version === MACVersion.MAC_UNKNOWN) {
      throw refuse(field, fieldIsZero({ name: field }));
    }
  }
  const field = 'lorawan_phy_version';
  if (touches(paths, field) && device.lorawanPhyVersion === PHYVersion.PHY_UNKNOWN) {
    throw refuse(field, fieldIsZero({ name: field }));
  }
}

function checkAbp(device: EndDevice): void {
  const required = [
    ['session.dev_addr', device.session?.devAddr],
    ['session.keys.f_nwk_s_int_key.key', device.session?.keys?.fNwkSIntKey?.key],
  ] as const;
  for (const [field, value] of required) {
    if (isZeroBytes(value)) throw refuse(field, fieldIsZero({ name: field }));
  }
  requireNotSet(device, 'pending_session');
  requireNotSet(device, 'pending_mac_state');
  requireNotSet(device, 'session.keys.session_key_id');
  if (device.supportsClassB) requireSet(device, 'mac_settings.ping_slot_periodicity');
  if (device.ids?.devEui.length) return;
  if (device.lorawanVersion === MACVersion.MAC_UNKNOWN) throw refuse('lorawan_version');
  const needsDevEui = [MACVersion.MAC_V1_0_4, MACVersion.MAC_V1_1].includes(device.lorawanVersion);
  if (needsDevEui && !device.multicast) throw refuse('ids.dev_eui');
}

function checkOtaa(device: EndDevice): void {
  if (isZeroBytes(device.ids?.devEui)) {
    throw refuse('ids.dev_eui', fieldIsZero({ name: 'ids.dev_eui' }));
  }
  // A JoinEUI of zeros is a valid one; an absent one is not.
  requireSet(device, 'ids.join_eui');
  if (device.session) requireSet(device, 'session.keys.session_key_id');
}

/** What only makes sense with uplinks, which a multicast group has none of. */
const UPLINK_FIELDS = [
  'supports_join',
  'mac_settings.relay',
  'mac_settings.desired_relay',
  'mac_settings.schedule_downlinks',
  'mac_state.last_adr_change_f_cnt_up',
  'mac_state.last_confirmed_downlink_at',
  'mac_state.last_dev_status_f_cnt_up',
  'mac_state.pending_application_downlink',
  'mac_state.pending_requests',
  'mac_state.queued_responses',
  'mac_state.rejected_adr_data_rate_indexes',
  'mac_state.rejected_adr_tx_power_indexes',
  'mac_state.rejected_data_rate_ranges',
  'mac_state.rejected_frequencies',
  'mac_state.rx_windows_available',
  'session.last_conf_f_cnt_down',
  'session.last_f_cnt_up',
];
const MULTICAST_PATHS = [
  'multicast',
  'supports_class_b',
  'supports_class_c',
  'mac_state',
  'session',
  ...UPLINK_FIELDS,
];

function checkMulticast(device: EndDevice, paths: readonly string[]): void {
  for (const field of UPLINK_FIELDS) requireNotSet(device, field);
  if (!device.supportsClassB && !device.supportsClassC) throw refuse('supports_class_b');
  if (device.supportsClassB) requireSet(device, 'mac_settings.ping_slot_periodicity');
  if (!device.session) throw refuse('session');
  if (device.macState?.deviceClass === Class.A) throw refuse('mac_state.device_class');
  // A group answers nothing, so nothing can be asked of it.
  const { currentParameters, desiredParameters } = device.macState ?? {};
  if (!touches(paths, 'mac_state') || !currentParameters || !desiredParameters) return;
  if (!equals(MACParametersSchema, currentParameters, desiredParameters))
    throw refuse('mac_state.desired_parameters');
}

function checkKey(field: string, envelope: KeyEnvelope | undefined, expected: Uint8Array): void {
  if (envelope && envelope.key.length > 0 && !sameBytes(envelope.key, expected)) {
    throw refuse(field);
  }
}

/** Keys of a session must fit the LoRaWAN version: one of them before 1.1, three from then on. */
function checkSessionKeys(device: EndDevice): void {
  for (const name of ['session', 'pending_session'] as const) {
    const session = name === 'session' ? device.session : device.pendingSession;
    if (!session) continue;
    const { keys } = session;
    const field = (key: string): string => `${name}.keys.${key}.key`;
    const fNwkSIntKey = keys?.fNwkSIntKey?.key;
    if (!fNwkSIntKey || isZeroBytes(fNwkSIntKey)) throw refuse(field('f_nwk_s_int_key'));
    if (isZeroBytes(session.devAddr)) throw refuse(`${name}.dev_addr`);
    if (hasThreeKeys(device.lorawanVersion)) {
      if (isZeroBytes(keys?.sNwkSIntKey?.key)) throw refuse(field('s_nwk_s_int_key'));
      if (isZeroBytes(keys?.nwkSEncKey?.key)) throw refuse(field('nwk_s_enc_key'));
    } else {
      checkKey(field('s_nwk_s_int_key'), keys?.sNwkSIntKey, fNwkSIntKey);
      checkKey(field('nwk_s_enc_key'), keys?.nwkSEncKey, fNwkSIntKey);
    }
  }
}

function checkOrder(field: string, minimum: number | undefined, maximum: number | undefined): void {
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) throw refuse(field);
}

const DATA_RATES = Array.from({ length: 16 }, (_, index) => index);

/** Limits of dynamic ADR: no minimum above its maximum. The offending field is the maximum. */
function checkDynamicLimits(dynamic: ADRSettings_DynamicMode): void {
  const prefix = 'mac_settings.adr.mode.dynamic';
  checkOrder(
    `${prefix}.max_data_rate_index.value`,
    dynamic.minDataRateIndex?.value,
    dynamic.maxDataRateIndex?.value,
  );
  checkOrder(`${prefix}.max_tx_power_index`, dynamic.minTxPowerIndex, dynamic.maxTxPowerIndex);
  checkOrder(`${prefix}.max_nb_trans`, dynamic.minNbTrans, dynamic.maxNbTrans);
  const { overrides } = dynamic;
  if (!overrides) return;
  for (const index of DATA_RATES) {
    const name = `dataRate${index}` as keyof ADRSettings_DynamicMode_Overrides &
      `dataRate${number}`;
    const override = overrides[name];
    const field = `${prefix}.overrides.data_rate_${index}.max_nb_trans`;
    checkOrder(field, override?.minNbTrans, override?.maxNbTrans);
  }
}

/** The old and the new way to set ADR exclude each other. */
function checkAdr(device: EndDevice, paths: readonly string[]): void {
  const { adr, useAdr, adrMargin } = device.macSettings ?? {};
  if (adr?.mode.case === 'dynamic') checkDynamicLimits(adr.mode.value);
  if (!adr || (useAdr === undefined && adrMargin === undefined)) return;
  const old = useAdr === undefined ? 'mac_settings.adr_margin' : 'mac_settings.use_adr.value';
  throw refuse(touches(paths, 'mac_settings.adr') ? 'mac_settings.adr' : old);
}

/** What a device is cannot change: an update may not turn it into another kind. */
function checkKind(
  device: EndDevice,
  paths: readonly string[],
  stored: EndDevice | undefined,
): void {
  if (!stored) return;
  if (touches(paths, 'supports_join') && stored.supportsJoin !== device.supportsJoin) {
    throw refuse('supports_join');
  }
  if (touches(paths, 'multicast') && stored.multicast !== device.multicast) {
    throw refuse('multicast');
  }
}

/**
 * Checks a device as it would be after the call. A rule runs only if the mask touches one of its fields. Throws
 * `pkg/networkserver:field_value` with the offending path, or the error of the frequency plan or band.
 */
export function checkNetworkDevice(
  device: EndDevice,
  paths: readonly string[],
  stored: EndDevice | undefined,
): void {
  const isTouched = (...fields: readonly string[]): boolean =>
    fields.some((field) => touches(paths, field));
  checkVersions(device, paths);
  checkKind(device, paths, stored);
  if (device.multicast && isTouched(...MULTICAST_PATHS)) checkMulticast(device, paths);
  if (device.supportsJoin) {
    if (isTouched('supports_join', 'session', 'pending_session')) checkOtaa(device);
  } else if (isTouched('supports_join')) {
    checkAbp(device);
  }
  if (isTouched('session', 'pending_session', 'lorawan_version')) checkSessionKeys(device);
  if (device.macState && !device.session && isTouched('mac_state')) throw refuse('session');
  if (isTouched('mac_settings')) checkAdr(device, paths);
  checkBand(device, paths);
}
