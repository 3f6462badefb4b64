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
  type DeviceActivation,
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
  'There is no fault {fault}. Use bad_mic, replay or skip_counters, or none.',
);

/** Seconds between uplinks of a device that is simulated on registration. */
const DEFAULT_INTERVAL_S = 30;
/** Counters left out by the fault `skip_counters`. */
const SKIPPED_COUNTERS = 10;

function activationOf(config: ConfigMessage): DeviceActivation {
  if (config.appKey.length > 0) return { kind: 'otaa', appKey: config.appKey };
  const { appSKey, devAddr, nwkSKey } = config;
  if (devAddr.length === 0 || nwkSKey.length === 0 || appSKey.length === 0) {
    throw invalidConfig({ missing: 'an AppKey, or DevAddr, NwkSKey and AppSKey' });
  }
  return { kind: 'abp', devAddr: devAddrFromBytes(devAddr), nwkSKey, appSKey };
}

/** What the simulator takes; throws `invalid_config` for settings that make no device. */
export function simulatorConfig(config: ConfigMessage): SimulatedDeviceConfig {
  if (config.devEui.length === 0) throw invalidConfig({ missing: 'a DevEUI' });
  return {
    id: config.id,
    name: config.name,
    devEui: eui64FromBytes(config.devEui),
    joinEui: eui64FromBytes(config.joinEui.length > 0 ? config.joinEui : new Uint8Array(8)),
    activation: activationOf(config),
    bandId: config.bandId,
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
    },
    state: snapshot.state,
    ...(snapshot.devAddr && { devAddr: devAddrToBytes(snapshot.devAddr) }),
    fCntUp: snapshot.fCntUp ?? 0,
    fCntDown: snapshot.fCntDown ?? 0,
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

/** The mistake a name stands for; none for an empty one. */
export function faultOf(name: string): UplinkFault | undefined {
  switch (name) {
    case '':
      return undefined;
    case 'bad_mic':
    case 'replay':
      return { kind: name };
    case 'skip_counters':
      return { kind: name, count: SKIPPED_COUNTERS };
    default:
      throw unknownFault({ fault: name });
  }
}

/** Settings with the keys of a registered device; throws `cannot_simulate` if the simulator has no such device. */
export function configFor(device: EndDevice): ConfigMessage {
  const plan = frequencyPlan(device.frequencyPlanId);
  const isKnown = plan && DEVICE_BAND_IDS.some((id) => id === plan.bandId);
  if (!isKnown) throw cannotSimulate({ reason: 'its band has no simulation.' });
  if (device.lorawanVersion === MACVersion.MAC_V1_1) {
    throw cannotSimulate({ reason: 'LoRaWAN 1.1 has no simulation.' });
  }
  const usesLpp = device.formatters?.upFormatter === PayloadFormatter.FORMATTER_CAYENNELPP;
  const { keys, devAddr } = device.session ?? {};
  return create(SimulatedDeviceConfigSchema, {
    id: device.ids?.deviceId ?? '',
    name: device.name,
    devEui: device.ids?.devEui ?? new Uint8Array(),
    joinEui: device.ids?.joinEui ?? new Uint8Array(),
    ...(device.supportsJoin
      ? { appKey: device.rootKeys?.appKey?.key ?? new Uint8Array() }
      : {
          devAddr: devAddr ?? new Uint8Array(),
          nwkSKey: keys?.fNwkSIntKey?.key ?? new Uint8Array(),
          appSKey: keys?.appSKey?.key ?? new Uint8Array(),
        }),
    bandId: plan.bandId,
    subBand: channelGroup(plan) ?? 0,
    intervalS: DEFAULT_INTERVAL_S,
    payload: usesLpp ? 'temperature' : 'counter',
    fPort: 1,
  });
}
