import type { EndDevice, MACState } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { KeyEnvelope } from '../api/gen/ttn/lorawan/v3/keys_pb.js';
import { MACVersion, PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { band, frequencyPlan, parsePhyVersion } from '../lorawan/index.ts';
import {
  bandMismatch,
  fieldIsZero,
  fieldNotZero,
  frequencyPlanNotFound,
  networkFieldValue,
  noBandVersion,
} from './errors.ts';
import { isZeroBytes, touches } from './masks.ts';
import { sameBytes } from './session-messages.ts';

const refuse = (field: string, cause?: Error) =>
  networkFieldValue({ field }, cause ? { cause } : {});

/** LoRaWAN versions from 1.1 on have three network session keys. */
export function hasThreeKeys(version: MACVersion): boolean {
  return version === MACVersion.MAC_V1_1;
}

function checkVersions(device: EndDevice, paths: readonly string[]): void {
  if (touches(paths, 'frequency_plan_id') && device.frequencyPlanId === '')
    throw refuse('frequency_plan_id');
  if (touches(paths, 'lorawan_version') && device.lorawanVersion === MACVersion.MAC_UNKNOWN) {
    throw refuse('lorawan_version');
  }
  if (
    touches(paths, 'lorawan_phy_version') &&
    device.lorawanPhyVersion === PHYVersion.PHY_UNKNOWN
  ) {
    throw refuse('lorawan_phy_version');
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
  if (device.pendingSession)
    throw refuse('pending_session', fieldNotZero({ name: 'pending_session' }));
  if (device.pendingMacState)
    throw refuse('pending_mac_state', fieldNotZero({ name: 'pending_mac_state' }));
  if ((device.session?.keys?.sessionKeyId.length ?? 0) > 0) {
    throw refuse(
      'session.keys.session_key_id',
      fieldNotZero({ name: 'session.keys.session_key_id' }),
    );
  }
  if (device.ids?.devEui.length) return;
  if (device.lorawanVersion === MACVersion.MAC_UNKNOWN) throw refuse('lorawan_version');
  const needsDevEui = [MACVersion.MAC_V1_0_4, MACVersion.MAC_V1_1].includes(device.lorawanVersion);
  if (needsDevEui && !device.multicast) throw refuse('ids.dev_eui');
}

function checkOtaa(device: EndDevice): void {
  if (isZeroBytes(device.ids?.devEui))
    throw refuse('ids.dev_eui', fieldIsZero({ name: 'ids.dev_eui' }));
  // A JoinEUI of zeros is a valid one; an absent one is not.
  if (!device.ids?.joinEui.length)
    throw refuse('ids.join_eui', fieldIsZero({ name: 'ids.join_eui' }));
  if (device.session && !device.session.keys?.sessionKeyId.length)
    throw refuse('session.keys.session_key_id');
}

function checkKey(field: string, envelope: KeyEnvelope | undefined, expected: Uint8Array): void {
  if (envelope && envelope.key.length > 0 && !sameBytes(envelope.key, expected))
    throw refuse(field);
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
    if (hasThreeKeys(device.lorawanVersion)) {
      if (isZeroBytes(keys?.sNwkSIntKey?.key)) throw refuse(field('s_nwk_s_int_key'));
      if (isZeroBytes(keys?.nwkSEncKey?.key)) throw refuse(field('nwk_s_enc_key'));
    } else {
      checkKey(field('s_nwk_s_int_key'), keys?.sNwkSIntKey, fNwkSIntKey);
      checkKey(field('nwk_s_enc_key'), keys?.nwkSEncKey, fNwkSIntKey);
    }
  }
}

const BAND_PATHS = [
  'frequency_plan_id',
  'lorawan_phy_version',
  'version_ids.band_id',
  'mac_settings',
  'mac_state',
];

/** Checks that need the band: the plan exists, the band has the PHY version, data rates exist. */
function checkBand(device: EndDevice, paths: readonly string[]): void {
  if (!BAND_PATHS.some((path) => touches(paths, path)) || device.frequencyPlanId === '') return;
  const plan = frequencyPlan(device.frequencyPlanId);
  if (!plan) throw frequencyPlanNotFound({ id: device.frequencyPlanId });
  if (device.lorawanPhyVersion === PHYVersion.PHY_UNKNOWN) return;
  const version = PHYVersion[device.lorawanPhyVersion] ?? '';
  const phyVersion = parsePhyVersion(version);
  const rules = phyVersion && band(plan.bandId, phyVersion);
  if (!rules) throw noBandVersion({ id: plan.bandId, ver: version });
  const bandId = device.versionIds?.bandId;
  if (bandId && bandId !== plan.bandId) {
    throw refuse(
      'version_ids.band_id',
      bandMismatch({ dev_band_id: bandId, fp_band_id: plan.bandId }),
    );
  }
  const rates = [
    ['mac_settings.rx2_data_rate_index', device.macSettings?.rx2DataRateIndex],
    ['mac_settings.desired_rx2_data_rate_index', device.macSettings?.desiredRx2DataRateIndex],
  ] as const;
  for (const [field, rate] of rates) {
    if (rate && touches(paths, field) && !rules.dataRates.has(rate.value))
      throw refuse(`${field}.value`);
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
  checkVersions(device, paths);
  if (stored && touches(paths, 'supports_join') && stored.supportsJoin !== device.supportsJoin) {
    throw refuse('supports_join');
  }
  if (stored && touches(paths, 'multicast') && stored.multicast !== device.multicast)
    throw refuse('multicast');
  const touchesSession = touches(paths, 'session') || touches(paths, 'pending_session');
  if (touches(paths, 'supports_join') || touchesSession) {
    if (device.supportsJoin) checkOtaa(device);
    else if (touches(paths, 'supports_join')) checkAbp(device);
  }
  if (touches(paths, 'session.dev_addr') && device.session && isZeroBytes(device.session.devAddr)) {
    throw refuse('session.dev_addr');
  }
  if (touchesSession) checkSessionKeys(device);
  const macState: MACState | undefined = device.macState;
  if (macState && !device.session && touches(paths, 'mac_state')) throw refuse('session');
  checkBand(device, paths);
}
