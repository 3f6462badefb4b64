import type {
  ADRSettings_DynamicMode,
  EndDevice,
  MACParameters,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { PHYVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type Band,
  band,
  type FrequencyPlan,
  frequencyPlan,
  parsePhyVersion,
  subBandOfPlan,
} from '../lorawan/index.ts';
import { bandMismatch, frequencyPlanNotFound, networkFieldValue, noBandVersion } from './errors.ts';
import { touches } from './masks.ts';

/** Fields whose value depends on the band. A change of plan or version checks all of them again. */
const BAND_PATHS = ['frequency_plan_id', 'lorawan_phy_version'];
const DEPENDENT_PATHS = [
  'version_ids.band_id',
  'supports_class_b',
  'mac_settings',
  'mac_state',
  'pending_mac_state',
];

/** Refuses a field unless `ok`; fields that are not set are passed as undefined. */
type Check = (field: string, ok: boolean) => void;

const requireThat: Check = (field, ok) => {
  if (!ok) throw networkFieldValue({ field });
};

function checkDataRates(device: EndDevice, rules: Band): void {
  const settings = device.macSettings;
  const rates = [
    ['rx2_data_rate_index', settings?.rx2DataRateIndex],
    ['desired_rx2_data_rate_index', settings?.desiredRx2DataRateIndex],
    ['ping_slot_data_rate_index', settings?.pingSlotDataRateIndex],
    ['desired_ping_slot_data_rate_index', settings?.desiredPingSlotDataRateIndex],
  ] as const;
  for (const [name, rate] of rates) {
    requireThat(`mac_settings.${name}.value`, !rate || rules.dataRates.has(rate.value));
  }
}

/** Channels on which relays wake up: their data rate is one of the band's, and the default one exists. */
function checkRelays({ macSettings }: EndDevice, rules: Band): void {
  for (const [name, relay] of [
    ['relay', macSettings?.relay],
    ['desired_relay', macSettings?.desiredRelay],
  ] as const) {
    const mode = relay?.mode;
    if (!mode?.case) continue;
    const prefix = `mac_settings.${name}.mode.${mode.case}`;
    const second = mode.value.secondChannel;
    requireThat(
      `${prefix}.second_channel.data_rate_index`,
      !second || rules.dataRates.has(second.dataRateIndex),
    );
    if (mode.case !== 'serving') continue;
    requireThat(
      `${prefix}.default_channel_index`,
      (mode.value.defaultChannelIndex ?? 0) < rules.relayWorChannels.length,
    );
  }
}

function checkDynamicAdr(dynamic: ADRSettings_DynamicMode, rules: Band): void {
  const prefix = 'mac_settings.adr.mode.dynamic';
  for (const [name, rate] of [
    ['min_data_rate_index', dynamic.minDataRateIndex],
    ['max_data_rate_index', dynamic.maxDataRateIndex],
  ] as const) {
    const usable =
      !rate || (rules.dataRates.has(rate.value) && rate.value <= rules.maxAdrDataRateIndex);
    requireThat(`${prefix}.${name}.value`, usable);
  }
  for (const [name, power] of [
    ['min_tx_power_index', dynamic.minTxPowerIndex],
    ['max_tx_power_index', dynamic.maxTxPowerIndex],
  ] as const) {
    requireThat(`${prefix}.${name}`, power === undefined || power <= rules.maxTxPowerIndex);
  }
}

function checkAdr({ macSettings }: EndDevice, rules: Band): void {
  if (macSettings?.useAdr?.value) requireThat('mac_settings.use_adr.value', rules.dynamicAdr);
  const mode = macSettings?.adr?.mode;
  if (mode?.case === 'static') {
    const { dataRateIndex, txPowerIndex } = mode.value;
    const prefix = 'mac_settings.adr.mode.static';
    requireThat(`${prefix}.data_rate_index`, rules.dataRates.has(dataRateIndex));
    requireThat(`${prefix}.tx_power_index`, txPowerIndex <= rules.maxTxPowerIndex);
  }
  if (mode?.case === 'dynamic') {
    requireThat('mac_settings.adr.mode.dynamic', rules.dynamicAdr);
    checkDynamicAdr(mode.value, rules);
  }
}

/** A channel may lie where the band or the plan allows transmissions. */
function checkFactoryPresets(device: EndDevice, rules: Band, plan: FrequencyPlan): void {
  const frequencies = device.macSettings?.factoryPresetFrequencies ?? [];
  const isAllowed = (frequency: bigint): boolean =>
    rules.dynamicChannels
      ? [undefined, plan].some((limits) => subBandOfPlan(rules, limits, Number(frequency)))
      : rules.uplinkChannels.some(({ frequencyHz }) => frequencyHz === Number(frequency));
  requireThat('mac_settings.factory_preset_frequencies', frequencies.every(isAllowed));
}

/** Class B needs frequencies that the band fixes, or the device's own. */
function checkClassB(device: EndDevice, rules: Band): void {
  if (!device.supportsClassB) return;
  const settings = device.macSettings;
  if (rules.pingSlotFrequenciesHz.length !== 1) {
    requireThat(
      'mac_settings.ping_slot_frequency.value',
      (settings?.pingSlotFrequency ?? settings?.desiredPingSlotFrequency) !== undefined,
    );
  }
  if (rules.beacon.frequenciesHz.length !== 1) {
    requireThat(
      'mac_settings.beacon_frequency.value',
      (settings?.beaconFrequency ?? settings?.desiredBeaconFrequency) !== undefined,
    );
  }
}

function checkParameters(prefix: string, parameters: MACParameters, rules: Band): void {
  requireThat(`${prefix}.rx2_data_rate_index`, rules.dataRates.has(parameters.rx2DataRateIndex));
  requireThat(`${prefix}.adr_data_rate_index`, rules.dataRates.has(parameters.adrDataRateIndex));
  requireThat(`${prefix}.adr_tx_power_index`, parameters.adrTxPowerIndex <= rules.maxTxPowerIndex);
  const pingSlot = parameters.pingSlotDataRateIndexValue;
  requireThat(
    `${prefix}.ping_slot_data_rate_index_value.value`,
    !pingSlot || rules.dataRates.has(pingSlot.value),
  );
  const { channels } = parameters;
  requireThat(
    `${prefix}.channels`,
    channels.length <= rules.maxUplinkChannels &&
      channels.every(
        ({ minDataRateIndex, maxDataRateIndex }) => minDataRateIndex <= maxDataRateIndex,
      ),
  );
}

function checkMacStates(device: EndDevice, rules: Band): void {
  const states = [
    ['mac_state', device.macState],
    ['pending_mac_state', device.pendingMacState],
  ] as const;
  for (const [name, state] of states) {
    const { currentParameters, desiredParameters } = state ?? {};
    if (currentParameters) checkParameters(`${name}.current_parameters`, currentParameters, rules);
    if (desiredParameters) checkParameters(`${name}.desired_parameters`, desiredParameters, rules);
  }
}

function rulesOf(plan: FrequencyPlan, device: EndDevice): Band {
  const version = PHYVersion[device.lorawanPhyVersion] ?? '';
  const phyVersion = parsePhyVersion(version);
  const rules = phyVersion && band(plan.bandId, phyVersion);
  if (!rules) throw noBandVersion({ id: plan.bandId, ver: version });
  return rules;
}

/** Checks what depends on the band: plan and PHY version exist, and every value is one of the band's. */
export function checkBand(device: EndDevice, paths: readonly string[]): void {
  const isTouched = [...BAND_PATHS, ...DEPENDENT_PATHS].some((path) => touches(paths, path));
  if (!isTouched || device.frequencyPlanId === '') return;
  const plan = frequencyPlan(device.frequencyPlanId);
  if (!plan) throw frequencyPlanNotFound({ id: device.frequencyPlanId });
  if (device.lorawanPhyVersion === PHYVersion.PHY_UNKNOWN) return;
  const rules = rulesOf(plan, device);
  const bandId = device.versionIds?.bandId;
  if (bandId && bandId !== plan.bandId) {
    const cause = bandMismatch({ dev_band_id: bandId, fp_band_id: plan.bandId });
    throw networkFieldValue({ field: 'version_ids.band_id' }, { cause });
  }
  const isAffected = (path: string): boolean =>
    [...BAND_PATHS, path].some((touched) => touches(paths, touched));
  if (isAffected('mac_settings')) {
    checkDataRates(device, rules);
    checkRelays(device, rules);
    checkAdr(device, rules);
    checkFactoryPresets(device, rules, plan);
    const { uplinkDwellTime, downlinkDwellTime } = device.macSettings ?? {};
    const hasDwellTime = rules.txParamSetup;
    requireThat('mac_settings.uplink_dwell_time.value', hasDwellTime || !uplinkDwellTime);
    requireThat('mac_settings.downlink_dwell_time.value', hasDwellTime || !downlinkDwellTime);
  }
  if (isAffected('supports_class_b') || isAffected('mac_settings')) checkClassB(device, rules);
  if (isAffected('mac_state') || isAffected('pending_mac_state')) checkMacStates(device, rules);
}
