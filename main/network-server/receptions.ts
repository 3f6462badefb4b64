import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DownlinkPathConstraint } from '../api/gen/ttn/lorawan/v3/enums_pb.js';
import {
  type GatewayIdentifiers,
  GatewayIdentifiersSchema,
} from '../api/gen/ttn/lorawan/v3/identifiers_pb.js';
import { type TxSettings, TxSettingsSchema } from '../api/gen/ttn/lorawan/v3/lorawan_pb.js';
import {
  LocationSchema,
  type RxMetadata,
  RxMetadataSchema,
} from '../api/gen/ttn/lorawan/v3/metadata_pb.js';
import { timestampFromFractionalMs } from '../base/durations.ts';
import type { AntennaReception } from '../base/gateway-link.ts';
import type { HearingGateway, ReceivedUplink } from '../base/seams.ts';
import { eui64ToBytes, parseGatewayEui } from '../lorawan/index.ts';
import { createBoundedCache, dataRateMessage } from '../store/index.ts';
import { GPS_EPOCH_MS, LEAP_SECONDS_MS } from './mac/device-time.ts';

/** Strength by which gateways are compared; noise counts the more the weaker the signal is against it. */
function adjustedRssiDbm({ channelRssiDbm, snrDb }: AntennaReception): number {
  if (channelRssiDbm === undefined) return Number.NEGATIVE_INFINITY;
  if (snrDb === undefined || snrDb >= 10) return channelRssiDbm;
  return snrDb <= -5 ? channelRssiDbm + snrDb : channelRssiDbm + (snrDb - 10) / 3;
}

function bestRssiDbm({ uplink }: ReceivedUplink): number {
  return Math.max(...uplink.antennas.map(adjustedRssiDbm), Number.NEGATIVE_INFINITY);
}

/** Receptions from the best on, one per gateway. */
export function downlinkPaths(receptions: readonly ReceivedUplink[]): readonly ReceivedUplink[] {
  const seen = new Set<string>();
  return [...receptions]
    .sort((left, right) => {
      const difference = bestRssiDbm(right) - bestRssiDbm(left);
      return Number.isNaN(difference) ? 0 : difference;
    })
    .filter(({ linkId, uplink }) => {
      const key = `${linkId} ${uplink.gatewayEui}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}

/** Highest signal-to-noise ratio of all antennas, if one was measured. */
export function maxSnrDb(receptions: readonly ReceivedUplink[]): number | undefined {
  let best: number | undefined;
  for (const { uplink } of receptions) {
    for (const { snrDb } of uplink.antennas)
      if (snrDb !== undefined && (best === undefined || snrDb > best)) best = snrDb;
  }
  return best;
}

/** Number of gateways. */
export function gatewayCount(receptions: readonly ReceivedUplink[]): number {
  return new Set(receptions.map(({ uplink }) => uplink.gatewayEui)).size;
}

const KEPT_GATEWAYS = 1_000;
const gateways = createBoundedCache<string, GatewayIdentifiers>(KEPT_GATEWAYS);

function gatewayIdentifiers({ gatewayId, uplink }: ReceivedUplink): GatewayIdentifiers {
  const key = `${gatewayId} ${uplink.gatewayEui}`;
  const known = gateways.get(key);
  if (known) return known;
  const eui = parseGatewayEui(uplink.gatewayEui);
  const ids = create(GatewayIdentifiersSchema, {
    gatewayId,
    ...(eui && { eui: eui64ToBytes(eui) }),
  });
  gateways.set(key, ids);
  return ids;
}

const CONSTRAINTS = {
  any: DownlinkPathConstraint.NONE,
  prefer_other: DownlinkPathConstraint.PREFER_OTHER,
  never: DownlinkPathConstraint.NEVER,
} as const;

function addRegistered(
  message: RxMetadata,
  { downlinkPath, publicLocations }: HearingGateway,
): void {
  message.downlinkPathConstraint = CONSTRAINTS[downlinkPath];
  const place = publicLocations[message.antennaIndex];
  if (!place) return;
  const { latitude, longitude, altitude, accuracy, source } = place;
  message.location = create(LocationSchema, { latitude, longitude, altitude, accuracy, source });
}

function metadata(received: ReceivedUplink, antenna: AntennaReception): RxMetadata {
  const { uplink, receivedAtMs, wayMs = 0 } = received;
  const message = create(RxMetadataSchema, {
    gatewayIds: gatewayIdentifiers(received),
    antennaIndex: antenna.antennaIndex,
    timestamp: uplink.concentratorTimestampUs,
    rssi: antenna.channelRssiDbm ?? 0,
    channelRssi: antenna.channelRssiDbm ?? 0,
    snr: antenna.snrDb ?? 0,
    receivedAt: timestampFromFractionalMs(receivedAtMs - wayMs),
  });
  if (uplink.gatewayTimeMs !== undefined)
    message.time = timestampFromFractionalMs(uplink.gatewayTimeMs);
  if (uplink.gpsTimeMs !== undefined) {
    message.gpsTime = timestampFromMs(uplink.gpsTimeMs + GPS_EPOCH_MS - LEAP_SECONDS_MS);
    message.time = message.gpsTime;
  }
  if (received.gateway) addRegistered(message, received.gateway);
  if (antenna.signalRssiDbm !== undefined) message.signalRssi = antenna.signalRssiDbm;
  if (antenna.frequencyOffsetHz !== undefined)
    message.frequencyOffset = BigInt(Math.round(antenna.frequencyOffsetHz));
  if (antenna.fineTimestampNs !== undefined)
    message.fineTimestamp = BigInt(Math.round(antenna.fineTimestampNs));
  return message;
}

/** What was built of a reception: several events and messages of one frame carry it. */
const builtMetadata = new WeakMap<ReceivedUplink, readonly RxMetadata[]>();
const builtSettings = new WeakMap<ReceivedUplink, TxSettings>();

/** Receptions in the API's form, one per antenna. The messages are shared: they must not be changed. */
export function rxMetadata(receptions: readonly ReceivedUplink[]): RxMetadata[] {
  return receptions.flatMap((received) => {
    const known = builtMetadata.get(received);
    if (known) return known;
    const built = received.uplink.antennas.map((antenna) => metadata(received, antenna));
    builtMetadata.set(received, built);
    return built;
  });
}

/** Radio settings of an uplink in the API's form. The message is shared: it must not be changed. */
export function txSettings(received: ReceivedUplink): TxSettings {
  const known = builtSettings.get(received);
  if (known) return known;
  const { uplink } = received;
  const settings = create(TxSettingsSchema, {
    dataRate: dataRateMessage(uplink.modulation),
    frequency: BigInt(uplink.frequencyHz),
    timestamp: uplink.concentratorTimestampUs,
    ...(uplink.gatewayTimeMs !== undefined && {
      time: timestampFromFractionalMs(uplink.gatewayTimeMs),
    }),
  });
  builtSettings.set(received, settings);
  return settings;
}
