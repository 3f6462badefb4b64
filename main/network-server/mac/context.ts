import { create } from '@bufbuild/protobuf';
import type {
  MACParameters,
  MACParameters_Channel,
  MACSettings,
  MACState,
} from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import { MACParametersSchema } from '../../api/gen/ttn/lorawan/v3/end_device_pb.js';
import type { MACCommand } from '../../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import type { GatehouseError } from '../../base/errors.ts';
import type { Modulation } from '../../base/gateway-link.ts';
import type { EventData } from '../../events/index.ts';
import type {
  Band,
  FrequencyPlan,
  MacCommand,
  MacCommandName,
  MacCommandNamed,
  MacVersion,
} from '../../lorawan/index.ts';
import { macCommandOfMessage } from './messages.ts';
import { macCommandMessage } from './payloads.ts';

/** What every command works on. The MAC state is changed in place. */
export interface MacContext {
  readonly mac: MACState;
  readonly band: Band;
  readonly plan: FrequencyPlan;
  readonly macVersion: MacVersion;
  readonly settings: MACSettings | undefined;
  /** Full counter of the uplink in hand. */
  readonly fullFCnt: number;
}

/** Battery and margin a device reported. */
export interface DeviceStatus {
  /** 0 external power, 255 unknown, else 1 to 254. */
  readonly battery: number;
  readonly marginDb: number;
}

/** Something that happened to MAC commands, for events. */
export interface MacReport {
  /** `link_adr.answer.accept` and the like, behind `ns.mac.`; `class.switch.c` behind `ns.`. */
  readonly name: string;
  readonly data?: EventData | undefined;
}

/** What commands in an uplink are handled with. */
export interface UplinkMacContext extends MacContext {
  /** Whether the device is activated over the air. */
  readonly supportsJoin: boolean;
  /** Whether the device is registered for class C. */
  readonly supportsClassC: boolean;
  readonly commands: readonly MacCommand[];
  /** Answers of a repeated frame, which were taken the first time. */
  readonly repeated: readonly MacCommandName[];
  readonly receivedAtMs: number;
  readonly modulation: Modulation;
  readonly maxSnrDb: number | undefined;
  readonly gatewayCount: number;
  /** Milliseconds since the GPS epoch at the end of the uplink. */
  readonly gpsTimeMs: number;
  /** Puts an answer into the next downlink. */
  answer(command: MacCommand): void;
  /** Tells that something happened, e.g. `link_adr.answer.accept`, and by which command or with which data. */
  report(name: string, what?: MacCommand | EventData): void;
  /** Tells why a command could not be carried out. */
  reportFailure(error: GatehouseError): void;
  /** Tells which requests the device left without an answer. */
  reportUnanswered(requests: readonly MACCommand[]): void;
  status(status: DeviceStatus): void;
  /** Forgets what was negotiated: the MAC state becomes that of a new session. */
  restart(): void;
}

/** What requests are made with. */
export interface RequestContext extends MacContext {
  readonly nowMs: number;
  /** Requests already in this downlink. */
  readonly requested: readonly MacCommand[];
  /** Wall clock of the last DevStatusAns, if one ever came. */
  readonly devStatusAtMs: number | undefined;
}

/** A kind of request: what removes one difference between current and desired parameters. */
export interface MacRequest {
  readonly request: MacCommandName;
  readonly answer: MacCommandName;
  /** The device repeats its answer until it hears a downlink. */
  readonly isSticky: boolean;
  /** Each command counts by itself; otherwise all of them fit or none is sent. */
  readonly isDivisible: boolean;
  build(context: RequestContext): readonly MacCommand[];
}

/** Parameters the device uses. */
export function current(mac: MACState): MACParameters {
  mac.currentParameters ??= create(MACParametersSchema);
  return mac.currentParameters;
}

/** Parameters the network wants. */
export function desired(mac: MACState): MACParameters {
  mac.desiredParameters ??= create(MACParametersSchema);
  return mac.desiredParameters;
}

/** Whether a device can use the data rate on one of these channels. */
export function someChannelAllows(
  channels: readonly MACParameters_Channel[],
  rate: number,
): boolean {
  return channels.some((one) => one.minDataRateIndex <= rate && rate <= one.maxDataRateIndex);
}

/** Keeps a refused value once, in ascending order. */
export function rememberInOrder<T extends number | bigint>(list: T[], value: T): void {
  if (list.includes(value)) return;
  const index = list.findIndex((other) => other > value);
  list.splice(index < 0 ? list.length : index, 0, value);
}

/** Takes the oldest pending request of that name out of the list. */
export function takePending<N extends MacCommandName>(
  mac: MACState,
  name: N,
): MacCommandNamed<N> | undefined {
  for (const [index, message] of mac.pendingRequests.entries()) {
    const command = macCommandOfMessage(message);
    if (command?.name !== name) continue;
    mac.pendingRequests.splice(index, 1);
    return command as MacCommandNamed<N>;
  }
  return undefined;
}

/** Replaces the pending requests by those just sent. */
export function setPending(mac: MACState, commands: readonly MacCommand[]): void {
  mac.pendingRequests = commands.map(macCommandMessage);
}
