import { create } from '@bufbuild/protobuf';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import {
  type Gateway,
  type GatewayAntenna,
  GatewaySchema,
} from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { type Location, LocationSource } from '../api/gen/ttn/lorawan/v3/metadata_pb.js';

/** Settings of a registered gateway that say how it transmits. */
export interface GatewaySettings {
  /** Gain of each antenna, in dBi. */
  readonly antennaGainsDbi: readonly number[];
  /** Plans of the gateway, all of one band; empty if nobody chose one. */
  readonly frequencyPlanIds: readonly string[];
  readonly downlinkPath: 'any' | 'prefer_other' | 'never';
  /** Without it, the duty cycle of sub-bands does not count. */
  readonly enforceDutyCycle: boolean;
  /** How far ahead a class C downlink without a time is planned; the usual time unless given. */
  readonly anytimeDelayMs?: number;
  /** Downlinks reach the gateway shortly before their time, also if it has a queue for them. */
  readonly scheduleLate: boolean;
  readonly updateLocationFromStatus: boolean;
  /** It is not served over links on which anybody can claim to be it. */
  readonly requiresAuthentication: boolean;
  /** Places of the antennas that may be told with what they hear. */
  readonly publicLocations: readonly (Location | undefined)[];
}

const DOWNLINK_PATHS = {
  [DownlinkPathConstraint.NONE]: 'any',
  [DownlinkPathConstraint.PREFER_OTHER]: 'prefer_other',
  [DownlinkPathConstraint.NEVER]: 'never',
} as const;

function knownLocation({ location }: GatewayAntenna): Location | undefined {
  return location && location.source !== LocationSource.SOURCE_UNKNOWN ? location : undefined;
}

/** What the message of a gateway says about transmitting. */
export function gatewaySettings(gateway: Gateway): GatewaySettings {
  const { frequencyPlanId, frequencyPlanIds, scheduleAnytimeDelay: delay } = gateway;
  const planIds = frequencyPlanIds.length > 0 ? frequencyPlanIds : [frequencyPlanId];
  const anytimeDelayMs = delay ? Number(delay.seconds) * 1000 + delay.nanos / 1e6 : 0;
  return {
    antennaGainsDbi: gateway.antennas.map(({ gain }) => gain),
    frequencyPlanIds: planIds.filter((id) => id !== ''),
    downlinkPath: DOWNLINK_PATHS[gateway.downlinkPathConstraint],
    enforceDutyCycle: gateway.enforceDutyCycle,
    scheduleLate: gateway.scheduleDownlinkLate,
    updateLocationFromStatus: gateway.updateLocationFromStatus,
    requiresAuthentication: gateway.requireAuthenticatedConnection,
    publicLocations: gateway.locationPublic ? gateway.antennas.map(knownLocation) : [],
    ...(anytimeDelayMs > 0 && { anytimeDelayMs }),
  };
}

/** Of a gateway nobody has registered yet. */
export const UNREGISTERED_GATEWAY_SETTINGS: GatewaySettings = gatewaySettings(
  create(GatewaySchema, { enforceDutyCycle: true }),
);
