export type { Air, AirObserver, AirOptions, Emission, Position, UplinkFate } from './air.ts';
export { createAir } from './air.ts';
export type { DeviceActivation, SimulatedDeviceConfig } from './device-config.ts';
export type { UplinkFault } from './device-faults.ts';
export type { DeviceTime, LinkCheck } from './device-mac-commands.ts';
export type { DeviceMemory } from './device-memory.ts';
export {
  DEVICE_MAC_VERSIONS,
  type DeviceClass,
  type DeviceMacVersion,
} from './device-radio-settings.ts';
export { DEVICE_BAND_IDS, type DeviceBandId } from './device-region.ts';
export type { DeviceScript, ScriptStep } from './device-script.ts';
export type { RejoinType } from './device-session.ts';
export type {
  DeviceProblem,
  DeviceSnapshot,
  DeviceState,
  PayloadRecord,
  ReceivedDownlink,
} from './device-snapshot.ts';
export type { UplinkOrder, UplinkRequest } from './device-uplink.ts';
export { PAYLOAD_KINDS, type PayloadKind, type PayloadProducer } from './payload-producer.ts';
export { type Random, seededRandom } from './seeded-random.ts';
export {
  createSimulator,
  type GatewayConfig,
  type Simulator,
  type SimulatorEvent,
  type SimulatorOptions,
} from './simulator.ts';
export {
  createVirtualGateway,
  type VirtualGateway,
  type VirtualGatewayOptions,
} from './virtual-gateway.ts';
