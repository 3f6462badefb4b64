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
import type { HearingGateway } from '../base/seams.ts';
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
  /** The same moment in GPS time; undefined if the gateway did not know it. */
  readonly gpsTimeMs: number | undefined;
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
  /** What goes with its uplinks; read with the id. */
  hearing: HearingGateway | undefined;
  /** Half the usual round trip, looked at with the id. */
  wayMs: number | undefined;
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
  /** It answered a downlink once: it has a queue for downlinks, and takes them early. */
  hasAcknowledged: boolean;
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
    hearing: undefined,
    wayMs: undefined,
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
    hasAcknowledged: false,
    lastStatus: undefined,
    uplinkCount: 0,
    downlinkCount: 0,
    txAcknowledgmentCount: 0,
    txFailureCount: 0,
  };
}

/** A connection begins: its numbers are those since then. */
export function startCounting(connection: Connection, nowMs: number): void {
  connection.connected = true;
  connection.connectedAtMs = nowMs;
  connection.disconnectedAtMs = undefined;
  connection.lastFrameAtMs = undefined;
  connection.lastStatusAtMs = undefined;
  connection.lastStatus = undefined;
  connection.lastDownlinkAtMs = undefined;
  connection.lastTxAcknowledgmentAtMs = undefined;
  connection.uplinkCount = 0;
  connection.downlinkCount = 0;
  connection.txAcknowledgmentCount = 0;
  connection.txFailureCount = 0;
}

/** Way to the gateway and back, as long as too few times were measured: packet forwarders are across a network. */
const ASSUMED_ROUND_TRIP_MS = { semtech_udp: 100, at_modem: 0, virtual: 0 } as const;
const PERCENTILE = 90;
/** What a packet forwarder needs between the arrival of a frame and its transmission. */
const FORWARDER_LEAD_MS = 30;
/** The longest way to a packet forwarder that is worth a try while too few times were measured. */
const LONGEST_WAY_MS = 100;
/** How far ahead a packet forwarder gets a frame whose time is not chosen. */
const FORWARDER_ANYTIME_MS = 500 + FORWARDER_LEAD_MS;

/** The longer half of the way, as measured. */
function measuredWayMs({ roundTripTimes }: Connection): number | undefined {
  const roundTripMs =
    roundTripTimes.count() >= ENOUGH_SAMPLES ? roundTripTimes.percentileMs(PERCENTILE) : undefined;
  return roundTripMs === undefined ? undefined : roundTripMs / 2;
}

/** How long before its transmission a frame has to be handed over for this gateway; of usual length unless given. */
export function leadTimeMs(connection: Connection, frameBytes = USUAL_DOWNLINK_BYTES): number {
  const { capabilities, kind } = connection.link;
  const { leadTimeMs: usualMs, leadTimePerByteMs = 0 } = capabilities;
  const furtherMs = Math.max(0, frameBytes - USUAL_DOWNLINK_BYTES) * leadTimePerByteMs;
  return usualMs + furtherMs + (measuredWayMs(connection) ?? ASSUMED_ROUND_TRIP_MS[kind] / 2);
}

/** Later than this before its transmission a frame is not handed over any more. */
export function leastLeadTimeMs(connection: Connection, frameBytes: number): number {
  return connection.link.kind === 'semtech_udp'
    ? FORWARDER_LEAD_MS + (measuredWayMs(connection) ?? LONGEST_WAY_MS)
    : leadTimeMs(connection, frameBytes);
}

/** How far ahead a frame is planned whose time is not chosen; `wishMs` is what the gateway's settings say. */
export function anytimeDelayMs(
  connection: Connection,
  frameBytes: number,
  wishMs: number | undefined,
): number {
  const isForwarder = connection.link.kind === 'semtech_udp';
  const leastMs = isForwarder
    ? FORWARDER_LEAD_MS + LONGEST_WAY_MS
    : leadTimeMs(connection, frameBytes);
  return Math.max(leastMs, wishMs ?? (isForwarder ? FORWARDER_ANYTIME_MS : leastMs));
}

/** Half the usual round trip, as measured; undefined for gateways across a network with too few measurements. */
export function knownDelayMs({ link, roundTripTimes }: Connection): number | undefined {
  if (link.kind !== 'semtech_udp') return 0;
  const medianMs = roundTripTimes.count() >= ENOUGH_SAMPLES ? roundTripTimes.medianMs() : undefined;
  return medianMs === undefined ? undefined : medianMs / 2;
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
