import type { Clock } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { GatewayStatus } from '../base/gateway-link.ts';
import type { Logger } from '../base/logger.ts';
import type { GatewayPlace, GatewaySettings } from '../registry/index.ts';
import type { Connection } from './connection.ts';

/** A gateway's place is written at most so often. */
const INTERVAL_MS = 3_600_000;
/** Places closer than that, in degrees, are the same: about a metre. */
const TOLERANCE_DEGREES = 0.000_01;

function isSame(left: GatewayPlace, right: GatewayPlace): boolean {
  return (
    Math.abs(left.latitude - right.latitude) <= TOLERANCE_DEGREES &&
    Math.abs(left.longitude - right.longitude) <= TOLERANCE_DEGREES &&
    left.altitudeM === right.altitudeM
  );
}

/** Keeps where gateways say they are, of those whose settings ask for it. */
export function createLocationKeeper(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  settingsOf(connection: Connection): GatewaySettings;
  record: ((gatewayId: string, place: GatewayPlace) => Promise<void>) | undefined;
}): (connection: Connection, status: GatewayStatus) => void {
  const { clock, logger, settingsOf, record } = options;
  const kept = new WeakMap<Connection, { readonly place: GatewayPlace; readonly atMs: number }>();
  return (connection, { latitude, longitude, altitudeM }) => {
    if (!record || latitude === undefined || longitude === undefined) return;
    if (!settingsOf(connection).updateLocationFromStatus) return;
    const place = { latitude, longitude, ...(altitudeM !== undefined && { altitudeM }) };
    const before = kept.get(connection);
    const nowMs = clock.monotonic();
    if (before && (nowMs - before.atMs < INTERVAL_MS || isSame(before.place, place))) return;
    kept.set(connection, { place, atMs: nowMs });
    record(connection.gatewayId, place).catch((error: unknown) => {
      kept.delete(connection);
      const { gatewayId } = connection;
      logger.warn({ gatewayId, error: errorText(error) }, 'a gateway location was not stored');
    });
  };
}
