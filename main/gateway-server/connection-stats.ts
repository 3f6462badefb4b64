import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type GatewayConnectionStats,
  type GatewayConnectionStats_SubBand,
  GatewayConnectionStats_SubBandSchema,
  GatewayConnectionStatsSchema,
} from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import { durationFromFractionalMs } from '../base/durations.ts';
import { defineError } from '../base/errors.ts';
import { frequencyPlan, latestBand } from '../lorawan/index.ts';
import type { Connection } from './connection.ts';
import type { SubBandLimit } from './emission-plan.ts';
import { statusMessage } from './messages.ts';
import { NO_LIMIT } from './transmit-limits.ts';

export const gatewayNotConnected = defineError(
  'pkg/gatewayserver:not_connected',
  'NOT_FOUND',
  'Gateway {gateway_uid} has not been connected since the program started. Check its power and the address it sends to.',
);

/** Host of an address with port, without the brackets of IPv6. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function time(ms: number | undefined) {
  return ms === undefined ? undefined : timestampFromMs(ms);
}

const MOST_UINT64 = 2n ** 64n - 1n;

function subBandLimits(
  { settings, emissions }: Connection,
  enforceDutyCycle: boolean,
): readonly SubBandLimit[] {
  if (!enforceDutyCycle) return [NO_LIMIT];
  const plan = frequencyPlan(settings.frequencyPlanId);
  const ofPlan = plan?.subBands?.map((subBand) => ({ dutyCycle: 1, ...subBand }));
  // A link without a plan of its own sends by the plans of its devices.
  return ofPlan ?? (plan && latestBand(plan.bandId)?.subBands) ?? emissions.subBands();
}

function subBandsOf(
  connection: Connection,
  nowMonotonicMs: number,
  enforceDutyCycle: boolean,
): GatewayConnectionStats_SubBand[] {
  return subBandLimits(connection, enforceDutyCycle).map((subBand) =>
    create(GatewayConnectionStats_SubBandSchema, {
      minFrequency: BigInt(subBand.minFrequencyHz),
      maxFrequency:
        subBand.maxFrequencyHz === NO_LIMIT.maxFrequencyHz
          ? MOST_UINT64
          : BigInt(subBand.maxFrequencyHz),
      downlinkUtilizationLimit: subBand.dutyCycle,
      downlinkUtilization: connection.emissions.utilization(subBand, nowMonotonicMs),
    }),
  );
}

/** The connection as `GetGatewayConnectionStats` tells it: a group of fields is there once something of it happened. */
export function connectionStats(
  connection: Connection,
  nowMonotonicMs: number,
  enforceDutyCycle: boolean,
): GatewayConnectionStats {
  const { roundTripTimes, lastStatus, lastStatusAtMs, details } = connection;
  const minMs = roundTripTimes.minMs();
  const maxMs = roundTripTimes.maxMs();
  const medianMs = roundTripTimes.medianMs();
  const hasRoundTrip = minMs !== undefined && maxMs !== undefined && medianMs !== undefined;
  const connectedAt = time(connection.connectedAtMs);
  const disconnectedAt = connection.connected ? undefined : time(connection.disconnectedAtMs);
  const uplinkAt = time(connection.lastFrameAtMs);
  const downlinkAt = time(connection.lastDownlinkAtMs);
  const acknowledgmentAt = time(connection.lastTxAcknowledgmentAtMs);
  return create(GatewayConnectionStatsSchema, {
    protocol: details.protocol,
    ...(details.remoteAddress && { gatewayRemoteAddress: { ip: hostOf(details.remoteAddress) } }),
    ...(connectedAt && { connectedAt }),
    ...(disconnectedAt && { disconnectedAt }),
    ...(lastStatus &&
      lastStatusAtMs !== undefined && {
        lastStatusReceivedAt: timestampFromMs(lastStatusAtMs),
        lastStatus: statusMessage(lastStatus, lastStatusAtMs),
      }),
    ...(uplinkAt && {
      lastUplinkReceivedAt: uplinkAt,
      uplinkCount: BigInt(connection.uplinkCount),
    }),
    ...(downlinkAt && {
      lastDownlinkReceivedAt: downlinkAt,
      downlinkCount: BigInt(connection.downlinkCount),
      subBands: subBandsOf(connection, nowMonotonicMs, enforceDutyCycle),
    }),
    ...(acknowledgmentAt && {
      lastTxAcknowledgmentReceivedAt: acknowledgmentAt,
      txAcknowledgmentCount: BigInt(connection.txAcknowledgmentCount),
    }),
    ...(hasRoundTrip && {
      roundTripTimes: {
        min: durationFromFractionalMs(minMs),
        max: durationFromFractionalMs(maxMs),
        median: durationFromFractionalMs(medianMs),
        count: roundTripTimes.count(),
      },
    }),
  });
}
