import { clone, create } from '@bufbuild/protobuf';
import {
  type EndDevice,
  type MACParameters,
  type MACParameters_Channel,
  MACParameters_ChannelSchema,
  MACParametersSchema,
  type MACSettings,
  type MACState,
  MACStateSchema,
} from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import {
  type ADRAckDelayExponent,
  type ADRAckLimitExponent,
  AggregatedDutyCycle,
  Class,
  type DataRateIndex,
  MACVersion,
  PHYVersion,
  type RxDelay,
} from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  type Band,
  band,
  type FrequencyPlan,
  frequencyPlan,
  MAX_EIRP_DBM,
  parsePhyVersion,
} from '../lorawan/index.ts';

/** RX1 delay the network asks for unless the device's settings say otherwise, in seconds. */
export const DESIRED_RX1_DELAY_S = 5;

/** Band and plan of a device, or undefined if its versions or plan are not known. */
export function bandOf(device: EndDevice): { band: Band; plan: FrequencyPlan } | undefined {
  const plan = frequencyPlan(device.frequencyPlanId);
  const phyVersion = parsePhyVersion(PHYVersion[device.lorawanPhyVersion] ?? '');
  const rules = plan && phyVersion && band(plan.bandId, phyVersion);
  return rules && { band: rules, plan };
}

function channel(
  uplinkHz: number,
  downlinkHz: number,
  rates: readonly [number, number],
  enableUplink: boolean,
): MACParameters_Channel {
  return create(MACParameters_ChannelSchema, {
    uplinkFrequency: BigInt(uplinkHz),
    downlinkFrequency: BigInt(downlinkHz),
    minDataRateIndex: rates[0] as DataRateIndex,
    maxDataRateIndex: rates[1] as DataRateIndex,
    enableUplink,
  });
}

/**
 * Channels a device has after its start: the band's default ones. Of these only the ones in the factory presets are in
 * use if there are presets; their other frequencies are further channels where the band lets channels change.
 */
function bootChannels(rules: Band, presets: readonly bigint[] = []): MACParameters_Channel[] {
  const { uplinkChannels, downlinkChannels } = rules;
  const isPreset = (hz: number): boolean => presets.length === 0 || presets.includes(BigInt(hz));
  const channels = uplinkChannels.map((one, index) => {
    const { frequencyHz, minDataRateIndex, maxDataRateIndex } = one;
    const down = downlinkChannels[index % downlinkChannels.length]?.frequencyHz ?? frequencyHz;
    return channel(frequencyHz, down, [minDataRateIndex, maxDataRateIndex], isPreset(frequencyHz));
  });
  if (!rules.dynamicChannels) return channels;
  const further = presets.filter(
    (preset) => !channels.some((one) => one.uplinkFrequency === preset),
  );
  const added = further.map((preset) =>
    channel(Number(preset), Number(preset), [0, rules.maxAdrDataRateIndex], true),
  );
  return [...channels, ...added].slice(0, rules.maxUplinkChannels);
}

/** Channels the plan wants: known ones are enabled, others are added where the band lets them. */
function planChannels(
  rules: Band,
  plan: FrequencyPlan,
  current: readonly MACParameters_Channel[],
): MACParameters_Channel[] {
  const channels = current.map((one) =>
    create(MACParameters_ChannelSchema, { ...one, enableUplink: false }),
  );
  const wanted = plan.uplinkChannels.map((one) => ({
    frequencyHz: one.frequencyHz,
    rates: [one.minDataRateIndex, one.maxDataRateIndex] as const,
  }));
  const standard = plan.loraStandardChannel;
  if (standard && !rules.dynamicChannels) {
    wanted.push({
      frequencyHz: standard.frequencyHz,
      rates: [standard.dataRateIndex, standard.dataRateIndex],
    });
  }
  for (const [position, { frequencyHz, rates }] of wanted.entries()) {
    const downlinkHz = plan.downlinkChannels[position]?.frequencyHz;
    const index = channels.findIndex((one) => one.uplinkFrequency === BigInt(frequencyHz));
    const known = channels[index];
    if (!known && !rules.dynamicChannels) continue;
    const one = known ?? channel(frequencyHz, frequencyHz, rates, true);
    if (!known) channels.push(one);
    one.enableUplink = true;
    if (!rules.dynamicChannels) continue;
    // Devices refuse to change their default channels, so those keep the rates they have.
    if (index >= rules.uplinkChannels.length)
      [one.minDataRateIndex, one.maxDataRateIndex] = rates as [DataRateIndex, DataRateIndex];
    one.downlinkFrequency = BigInt(downlinkHz ?? frequencyHz);
  }
  return channels;
}

/** Channels of a multicast group, which only listens. */
function groupChannels({ downlinkChannels }: Band): MACParameters_Channel[] {
  return downlinkChannels.map(({ frequencyHz, minDataRateIndex, maxDataRateIndex }) =>
    channel(0, frequencyHz, [minDataRateIndex, maxDataRateIndex], false),
  );
}

/** The only one of several, or 0: with more than one the device hops, with none nobody knows. */
function onlyFrequency(frequenciesHz: readonly number[]): bigint {
  const [only] = frequenciesHz;
  return frequenciesHz.length === 1 && only !== undefined ? BigInt(only) : 0n;
}

/** Ping slots and beacon, which a device of class A or C only reports. */
function classBParameters(rules: Band, settings: MACSettings | undefined) {
  const beaconRate = rules.beacon.dataRateIndex as DataRateIndex;
  return {
    pingSlotFrequency:
      settings?.pingSlotFrequency?.value ?? onlyFrequency(rules.pingSlotFrequenciesHz),
    pingSlotDataRateIndexValue: {
      value: settings?.pingSlotDataRateIndex?.value ?? beaconRate,
    },
    beaconFrequency: settings?.beaconFrequency?.value ?? onlyFrequency(rules.beacon.frequenciesHz),
  };
}

function currentParameters(rules: Band, settings: MACSettings | undefined): MACParameters {
  return create(MACParametersSchema, {
    maxEirp: rules.defaultMaxEirpDbm,
    adrAckLimitExponent: { value: Math.log2(rules.adrAckLimit) as ADRAckLimitExponent },
    adrAckDelayExponent: { value: Math.log2(rules.adrAckDelay) as ADRAckDelayExponent },
    ...classBParameters(rules, settings),
    ...(rules.txParamSetup &&
      settings?.uplinkDwellTime && { uplinkDwellTime: settings.uplinkDwellTime }),
    ...(rules.txParamSetup &&
      settings?.downlinkDwellTime && { downlinkDwellTime: settings.downlinkDwellTime }),
    adrNbTrans: 1,
    rx1Delay: settings?.rx1Delay?.value ?? ((rules.receiveDelay1Ms / 1000) as RxDelay),
    rx1DataRateOffset: settings?.rx1DataRateOffset?.value ?? 0,
    rx2DataRateIndex:
      settings?.rx2DataRateIndex?.value ?? (rules.rx2.dataRateIndex as DataRateIndex),
    rx2Frequency: settings?.rx2Frequency?.value ?? BigInt(rules.rx2.frequencyHz),
    maxDutyCycle: settings?.maxDutyCycle?.value ?? AggregatedDutyCycle.DUTY_CYCLE_1,
    channels: bootChannels(rules, settings?.factoryPresetFrequencies),
  });
}

function desiredParameters(
  rules: Band,
  plan: FrequencyPlan,
  settings: MACSettings | undefined,
  current: MACParameters,
): MACParameters {
  const planRx2 = plan.rx2DefaultDataRateIndex as DataRateIndex | undefined;
  const { rx2DefaultFrequencyHz } = plan;
  const planRx2Hz = rx2DefaultFrequencyHz === undefined ? undefined : BigInt(rx2DefaultFrequencyHz);
  const planEirp =
    plan.maxEirpDbm && plan.maxEirpDbm < rules.defaultMaxEirpDbm
      ? plan.maxEirpDbm
      : rules.defaultMaxEirpDbm;
  const desiredEirp = settings?.desiredMaxEirp?.value;
  const { desiredAdrAckLimitExponent, desiredAdrAckDelayExponent } = settings ?? {};
  return create(MACParametersSchema, {
    ...(rules.txParamSetup && {
      uplinkDwellTime: { value: plan.dwellTime?.uplinks ?? true },
      downlinkDwellTime: { value: plan.dwellTime?.downlinks ?? true },
    }),
    adrAckLimitExponent: desiredAdrAckLimitExponent ?? current.adrAckLimitExponent,
    adrAckDelayExponent: desiredAdrAckDelayExponent ?? current.adrAckDelayExponent,
    pingSlotFrequency: settings?.desiredPingSlotFrequency?.value ?? current.pingSlotFrequency,
    pingSlotDataRateIndexValue:
      settings?.desiredPingSlotDataRateIndex ?? current.pingSlotDataRateIndexValue,
    beaconFrequency: settings?.desiredBeaconFrequency?.value ?? current.beaconFrequency,
    maxEirp: desiredEirp === undefined ? planEirp : (MAX_EIRP_DBM[desiredEirp] ?? planEirp),
    adrNbTrans: 1,
    rx1Delay: settings?.desiredRx1Delay?.value ?? (DESIRED_RX1_DELAY_S as RxDelay),
    rx1DataRateOffset: settings?.desiredRx1DataRateOffset?.value ?? current.rx1DataRateOffset,
    rx2DataRateIndex:
      settings?.desiredRx2DataRateIndex?.value ?? planRx2 ?? current.rx2DataRateIndex,
    rx2Frequency: settings?.desiredRx2Frequency?.value ?? planRx2Hz ?? current.rx2Frequency,
    maxDutyCycle: settings?.desiredMaxDutyCycle?.value ?? AggregatedDutyCycle.DUTY_CYCLE_1,
    channels: planChannels(rules, plan, current.channels),
  });
}

function startsInClassC({ supportsClassC, multicast, lorawanVersion }: EndDevice): boolean {
  return supportsClassC && (multicast || lorawanVersion !== MACVersion.MAC_V1_1);
}

/**
 * MAC state at the start of a session: `current_parameters` is what the device uses by itself, `desired_parameters` what
 * the network wants of it. Every MAC command exists to remove one difference between the two.
 */
export function newMacState(device: EndDevice): MACState {
  const found = bandOf(device);
  const state = create(MACStateSchema, {
    lorawanVersion: device.lorawanVersion,
    // A 1.1 device says by DeviceModeInd when it listens all the time; an older one does from the start. Class B is not
    // served: such a device is reached after its uplinks, and its state says so.
    deviceClass: startsInClassC(device) ? Class.C : Class.A,
    ...(device.macSettings?.pingSlotPeriodicity && {
      pingSlotPeriodicity: device.macSettings.pingSlotPeriodicity,
    }),
  });
  if (!found) return state;
  const current = currentParameters(found.band, device.macSettings);
  state.currentParameters = current;
  if (device.multicast) {
    // A group answers nothing, so nothing can be asked of it.
    current.channels = groupChannels(found.band);
    state.desiredParameters = clone(MACParametersSchema, current);
    return state;
  }
  state.desiredParameters = desiredParameters(found.band, found.plan, device.macSettings, current);
  return state;
}
