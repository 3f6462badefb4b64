/** Simulated devices in the contract's form and in the simulator's. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type SimulatedDeviceConfig as ConfigMessage,
  type SimulatedDevice,
  SimulatedDeviceConfigSchema,
  SimulatedDeviceSchema,
} from '../api/gen/gatehouse/v1/simulator_pb.js';
import type { EndDevice } from '../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACVersion } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import { PayloadFormatter } from '../api/gen/ttn/lorawan/v3/messages_pb.js';
import { defineError } from '../base/errors.ts';
import {
  channelGroup,
  devAddrFromBytes,
  devAddrToBytes,
  eui64FromBytes,
  eui64ToBytes,
  frequencyPlan,
  parseHex,
} from '../lorawan/index.ts';
import {
  DEVICE_BAND_IDS,
  DEVICE_MAC_VERSIONS,
  type DeviceActivation,
  type DeviceMacVersion,
  type DeviceSnapshot,
  PAYLOAD_KINDS,
  type SimulatedDeviceConfig,
  type UplinkFault,
} from '../simulator/index.ts';

const cannotSimulate = defineError(
  'gatehouse/simulator:cannot_simulate',
  'FAILED_PRECONDITION',
  'This device cannot be simulated: {reason} Register it without simulation.',
);
const invalidConfig = defineError(
  'gatehouse/simulator:invalid_config',
  'INVALID_ARGUMENT',
  'A simulated device needs {missing}.',
);
const unknownFault = defineError(
  'gatehouse/simulator:unknown_fault',
  'INVALID_ARGUMENT',
  'There is no fault {fault}. Use one of {faults}, or none.',
);

/** Seconds between uplinks of a device that is simulated on registration. */
const DEFAULT_INTERVAL_S = 30;
/** Counters left out by the fault `skip_counters` unless the caller says how many. */
const SKIPPED_COUNTERS = 10;
/** The first identifier for proprietary commands, which the network does not know. */
const UNKNOWN_CID = 0x80;
const LOSS_PROBABILITY = 0.5;

/** Versions a simulated device speaks for each that a device can be registered with. */
const SPOKEN: Readonly<Partial<Record<MACVersion, DeviceMacVersion>>> = {
  [MACVersion.MAC_V1_0]: '1.0.2',
  [MACVersion.MAC_V1_0_1]: '1.0.2',
  [MACVersion.MAC_V1_0_2]: '1.0.2',
  [MACVersion.MAC_V1_0_3]: '1.0.3',
  [MACVersion.MAC_V1_0_4]: '1.0.4',
  [MACVersion.MAC_V1_1]: '1.1',
};

function activationOf(config: ConfigMessage): DeviceActivation {
  const { appKey, appSKey, devAddr, nwkKey, nwkSKey, nwkSEncKey, sNwkSIntKey } = config;
  if (appKey.length > 0) return { kind: 'otaa', appKey, ...(nwkKey.length > 0 && { nwkKey }) };
  if (devAddr.length === 0 || nwkSKey.length === 0 || appSKey.length === 0) {
    throw invalidConfig({ missing: 'an AppKey, or DevAddr, NwkSKey and AppSKey' });
  }
  return {
    kind: 'abp',
    devAddr: devAddrFromBytes(devAddr),
    nwkSKey,
    appSKey,
    ...(sNwkSIntKey.length > 0 && { sNwkSIntKey }),
    ...(nwkSEncKey.length > 0 && { nwkSEncKey }),
  };
}

function versionOf({ lorawanVersion }: ConfigMessage): DeviceMacVersion | undefined {
  if (lorawanVersion === '') return undefined;
  const version = DEVICE_MAC_VERSIONS.find((one) => one === lorawanVersion);
  if (!version)
    throw invalidConfig({ missing: `a LoRaWAN version among ${DEVICE_MAC_VERSIONS.join(', ')}` });
  return version;
}

function isClassC({ deviceClass }: ConfigMessage): boolean {
  if (!['', 'A', 'C'].includes(deviceClass)) throw invalidConfig({ missing: 'class A or C' });
  return deviceClass === 'C';
}

/** What the simulator takes; throws `invalid_config` for settings that make no device. */
export function simulatorConfig(config: ConfigMessage): SimulatedDeviceConfig {
  if (config.devEui.length === 0) throw invalidConfig({ missing: 'a DevEUI' });
  const macVersion = versionOf(config);
  return {
    id: config.id,
    name: config.name,
    devEui: eui64FromBytes(config.devEui),
    joinEui: eui64FromBytes(config.joinEui.length > 0 ? config.joinEui : new Uint8Array(8)),
    activation: activationOf(config),
    bandId: config.bandId,
    ...(macVersion && { macVersion }),
    ...(isClassC(config) && { deviceClass: 'C' }),
    intervalS: config.intervalS,
    payload: PAYLOAD_KINDS.find((kind) => kind === config.payload) ?? 'counter',
    fPort: config.fPort || 1,
    confirmedRatio: config.confirmed ? 1 : 0,
    ...(config.subBand > 0 && { subBand: config.subBand }),
    ...(config.dataRateIndex !== undefined && { dataRateIndex: config.dataRateIndex }),
  };
}

/** A snapshot in the contract's form, without keys. */
export function deviceMessage(snapshot: DeviceSnapshot): SimulatedDevice {
  const { config, lastDownlink } = snapshot;
  const kind = PAYLOAD_KINDS.find((one) => one === config.payload);
  return create(SimulatedDeviceSchema, {
    config: {
      id: config.id,
      name: config.name ?? '',
      devEui: eui64ToBytes(config.devEui),
      ...(config.activation.kind === 'otaa' && { joinEui: eui64ToBytes(config.joinEui) }),
      bandId: config.bandId,
      intervalS: snapshot.intervalS,
      payload: kind ?? '',
      fPort: config.fPort,
      confirmed: (config.confirmedRatio ?? 0) > 0,
      subBand: config.subBand ?? 0,
      lorawanVersion: config.macVersion ?? '1.0.3',
      deviceClass: config.deviceClass ?? 'A',
    },
    state: snapshot.state,
    ...(snapshot.devAddr && { devAddr: devAddrToBytes(snapshot.devAddr) }),
    fCntUp: snapshot.fCntUp ?? 0,
    fCntDown: snapshot.fCntDown ?? 0,
    aFCntDown: snapshot.aFCntDown ?? 0,
    sessionConfirmed: snapshot.isConfirmed,
    sentCount: BigInt(snapshot.sentCount),
    receivedCount: BigInt(snapshot.receivedCount),
    acknowledgedCount: BigInt(snapshot.acknowledgedCount),
    ...(lastDownlink && {
      lastDownlinkAt: timestampFromMs(lastDownlink.atMs),
      lastDownlinkFPort: lastDownlink.fPort,
      lastDownlinkPayload: parseHex(lastDownlink.payloadHex) ?? new Uint8Array(),
    }),
    lastError: snapshot.problems.at(-1)?.text ?? '',
  });
}

/** A mistake as the contract names it. */
interface NamedFault {
  readonly fault: string;
  readonly faultValue?: number | undefined;
  readonly faultBandId: string;
}

const FAULTS: Readonly<
  Record<UplinkFault['kind'], (named: NamedFault, bandId: string) => UplinkFault>
> = {
  bad_mic: () => ({ kind: 'bad_mic' }),
  replay: () => ({ kind: 'replay' }),
  skip_counters: ({ faultValue: count = SKIPPED_COUNTERS }) => ({ kind: 'skip_counters', count }),
  reset_counters: () => ({ kind: 'reset_counters' }),
  wrong_region: ({ faultBandId }, bandId) => ({
    kind: 'wrong_region',
    bandId: faultBandId || (bandId === 'US_902_928' ? 'EU_863_870' : 'US_902_928'),
  }),
  unknown_mac_command: ({ faultValue: cid = UNKNOWN_CID }) => ({
    kind: 'unknown_mac_command',
    cid,
  }),
  lose_downlinks: ({ faultValue: count = 1 }) => ({ kind: 'lose_downlinks', count }),
  lose_downlinks_by_chance: ({ faultValue: probability = LOSS_PROBABILITY }) => ({
    kind: 'lose_downlinks_by_chance',
    probability,
  }),
  clock_drift: ({ faultValue: ppm = 0 }) => ({ kind: 'clock_drift', ppm }),
};

/**
 * The mistake a name stands for; none for an empty one.
 *
 * @param bandId band of the device
 */
export function faultOf(named: NamedFault, bandId: string): UplinkFault | undefined {
  if (named.fault === '') return undefined;
  const kind = (Object.keys(FAULTS) as UplinkFault['kind'][]).find((one) => one === named.fault);
  if (!kind) throw unknownFault({ fault: named.fault, faults: Object.keys(FAULTS) });
  return FAULTS[kind](named, bandId);
}

/** Id of keys that The Things Stack's command line made; the NwkKey among them is not in a device of LoRaWAN 1.0.x. */
const COMMAND_LINE_KEY_ID = 'ttn-lw-cli-generated';

/** Root keys as they are in the device: one before LoRaWAN 1.1, the NwkKey where there is one. */
function rootKeysOf({ lorawanVersion, rootKeys }: EndDevice): {
  readonly appKey: Uint8Array;
  readonly nwkKey: Uint8Array;
} {
  const none = new Uint8Array();
  const appKey = rootKeys?.appKey?.key ?? none;
  const nwkKey = rootKeys?.nwkKey?.key ?? none;
  if (lorawanVersion === MACVersion.MAC_V1_1) return { appKey, nwkKey };
  const usesNwkKey = nwkKey.length > 0 && rootKeys?.rootKeyId !== COMMAND_LINE_KEY_ID;
  return { appKey: usesNwkKey ? nwkKey : appKey, nwkKey: none };
}

/** Settings with the keys of a registered device; throws `cannot_simulate` if the simulator has no such device. */
export function configFor(device: EndDevice): ConfigMessage {
  const plan = frequencyPlan(device.frequencyPlanId);
  const isKnown = plan && DEVICE_BAND_IDS.some((id) => id === plan.bandId);
  if (!isKnown) throw cannotSimulate({ reason: 'its band has no simulation.' });
  const lorawanVersion = SPOKEN[device.lorawanVersion];
  if (!lorawanVersion) throw cannotSimulate({ reason: 'its LoRaWAN version is not known.' });
  const usesLpp = device.formatters?.upFormatter === PayloadFormatter.FORMATTER_CAYENNELPP;
  const { keys, devAddr } = device.session ?? {};
  return create(SimulatedDeviceConfigSchema, {
    id: device.ids?.deviceId ?? '',
    name: device.name,
    devEui: device.ids?.devEui ?? new Uint8Array(),
    joinEui: device.ids?.joinEui ?? new Uint8Array(),
    ...(device.supportsJoin
      ? rootKeysOf(device)
      : {
          devAddr: devAddr ?? new Uint8Array(),
          nwkSKey: keys?.fNwkSIntKey?.key ?? new Uint8Array(),
          sNwkSIntKey: keys?.sNwkSIntKey?.key ?? new Uint8Array(),
          nwkSEncKey: keys?.nwkSEncKey?.key ?? new Uint8Array(),
          appSKey: keys?.appSKey?.key ?? new Uint8Array(),
        }),
    bandId: plan.bandId,
    subBand: channelGroup(plan) ?? 0,
    lorawanVersion,
    deviceClass: device.supportsClassC ? 'C' : 'A',
    intervalS: DEFAULT_INTERVAL_S,
    payload: usesLpp ? 'temperature' : 'counter',
    fPort: 1,
  });
}
