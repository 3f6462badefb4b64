import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type GatewayConnectionStatus,
  GatewayConnectionStatusSchema,
} from '../api/gen/gatehouse/v1/links_pb.js';
import {
  type GatewayConnection,
  type GatewayLink,
  type GatewayStatus,
  USUAL_DOWNLINK_BYTES,
} from '../base/gateway-link.ts';
import { eui64ToBytes, type GatewayEui } from '../lorawan/index.ts';
import { createEmissionPlan, type EmissionPlan } from './emission-plan.ts';
import { createRoundTripTimes, ENOUGH_SAMPLES, type RoundTripTimes } from './round-trip-times.ts';

/** Settings of a link that the gateway server needs. */
export interface LinkSettings {
  readonly frequencyPlanId: string;
}

/** One moment on the clocks of a gateway and of this computer. */
export interface ClockSync {
  readonly timestampUs: number;
  readonly monotonicMs: number;
  /** Whether the gateway knows GPS time. */
  readonly hasGps: boolean;
}

/** One gateway behind a link: what is known about it, and what it transmits. */
export interface Connection {
  readonly link: GatewayLink;
  readonly eui: GatewayEui;
  readonly settings: LinkSettings;
  readonly emissions: EmissionPlan;
  readonly roundTripTimes: RoundTripTimes;
  /** The concentrator's counter at a moment of this computer's clock; undefined before the first uplink. */
  clockSync: ClockSync | undefined;
  gatewayId: string;
  /** When the registry was asked for the id. */
  gatewayIdReadAtMs: number;
  isNew: boolean;
  connected: boolean;
  details: GatewayConnection;
  connectedAtMs: number | undefined;
  lastFrameAtMs: number | undefined;
  lastStatusAtMs: number | undefined;
  lastDownlinkAtMs: number | undefined;
  lastTxAcknowledgmentAtMs: number | undefined;
  disconnectedAtMs: number | undefined;
  lastStatus: GatewayStatus | undefined;
  uplinkCount: number;
  downlinkCount: number;
  txAcknowledgmentCount: number;
  txFailureCount: number;
}

export function createConnection(
  link: GatewayLink,
  eui: GatewayEui,
  settings: LinkSettings,
  monotonic: () => number,
): Connection {
  return {
    link,
    eui,
    settings,
    emissions: createEmissionPlan(),
    roundTripTimes: createRoundTripTimes(monotonic),
    clockSync: undefined,
    gatewayId: `eui-${eui.toLowerCase()}`,
    gatewayIdReadAtMs: Number.NEGATIVE_INFINITY,
    isNew: false,
    connected: false,
    details: { gatewayEui: eui, protocol: link.kind, downlinkReady: false },
    connectedAtMs: undefined,
    lastFrameAtMs: undefined,
    lastStatusAtMs: undefined,
    lastDownlinkAtMs: undefined,
    lastTxAcknowledgmentAtMs: undefined,
    disconnectedAtMs: undefined,
    lastStatus: undefined,
    uplinkCount: 0,
    downlinkCount: 0,
    txAcknowledgmentCount: 0,
    txFailureCount: 0,
  };
}

/** Way to the gateway and back, as long as too few times were measured: packet forwarders are across a network. */
const ASSUMED_ROUND_TRIP_MS = { semtech_udp: 100, at_modem: 0, virtual: 0 } as const;
const PERCENTILE = 90;

/** How long before its transmission a frame has to be handed over for this gateway; of usual length unless given. */
export function leadTimeMs(
  { link, roundTripTimes }: Connection,
  frameBytes = USUAL_DOWNLINK_BYTES,
): number {
  const { leadTimeMs: usualMs, leadTimePerByteMs = 0 } = link.capabilities;
  const furtherMs = Math.max(0, frameBytes - USUAL_DOWNLINK_BYTES) * leadTimePerByteMs;
  const measuredMs =
    roundTripTimes.count() >= ENOUGH_SAMPLES ? roundTripTimes.percentileMs(PERCENTILE) : undefined;
  return usualMs + furtherMs + (measuredMs ?? ASSUMED_ROUND_TRIP_MS[link.kind]) / 2;
}

/** The connection in the contract's form. */
export function connectionMessage(connection: Connection): GatewayConnectionStatus {
  const { lastStatus, roundTripTimes } = connection;
  const message = create(GatewayConnectionStatusSchema, {
    gatewayId: connection.gatewayId,
    gatewayEui: eui64ToBytes(connection.eui),
    connected: connection.connected,
    protocol: connection.details.protocol,
    remoteAddress: connection.details.remoteAddress ?? '',
    downlinkReady: connection.connected && connection.details.downlinkReady,
    uplinkCount: BigInt(connection.uplinkCount),
    downlinkCount: BigInt(connection.downlinkCount),
    txAcknowledgmentCount: BigInt(connection.txAcknowledgmentCount),
    txFailureCount: BigInt(connection.txFailureCount),
    new: connection.isNew,
    frequencyPlanId: connection.settings.frequencyPlanId,
  });
  const { connectedAtMs, lastFrameAtMs, lastStatusAtMs } = connection;
  if (connectedAtMs !== undefined) message.connectedAt = timestampFromMs(connectedAtMs);
  if (lastFrameAtMs !== undefined) message.lastFrameAt = timestampFromMs(lastFrameAtMs);
  if (lastStatusAtMs !== undefined) message.lastStatusAt = timestampFromMs(lastStatusAtMs);
  const medianMs = roundTripTimes.medianMs();
  if (medianMs !== undefined) message.roundTripMedianMs = medianMs;
  if (lastStatus?.receivedCount !== undefined) message.receivedCount = lastStatus.receivedCount;
  if (lastStatus?.receivedOkCount !== undefined)
    message.receivedOkCount = lastStatus.receivedOkCount;
  if (lastStatus?.transmittedCount !== undefined)
    message.transmittedCount = lastStatus.transmittedCount;
  if (lastStatus?.temperatureCelsius !== undefined)
    message.temperatureCelsius = lastStatus.temperatureCelsius;
  return message;
}
