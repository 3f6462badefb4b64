import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { GatewayConnectionStatsSchema } from '../api/gen/ttn/lorawan/v3/gateway_pb.js';
import type { Clock, Timer } from '../base/clock.ts';
import type { EventData } from '../events/index.ts';
import type { Connection } from './connection.ts';
import { connectionStats } from './connection-stats.ts';

/** Changes of a connection's numbers are told at most so often. */
const INTERVAL_MS = 30_000;

/** Tells the numbers of connections as `gs.gateway.connection.stats`. */
export interface StatsAnnouncer {
  connected(connection: Connection): void;
  /** Something was counted. Costs nothing while an announcement is due anyway. */
  changed(connection: Connection): void;
  disconnected(connection: Connection): void;
  stop(): void;
}

/** Data of `gs.gateway.connect` and `gs.gateway.connection.stats`. */
export function statsData(
  connection: Connection,
  clock: Clock,
  enforceDutyCycle: boolean,
): EventData {
  return {
    schema: GatewayConnectionStatsSchema,
    message: connectionStats(connection, clock.monotonic(), enforceDutyCycle),
  };
}

export function createStatsAnnouncer(options: {
  readonly clock: Clock;
  enforcesDutyCycle(connection: Connection): boolean;
  publish(connection: Connection, name: string, rest: { readonly data: () => EventData }): void;
}): StatsAnnouncer {
  const { clock, publish, enforcesDutyCycle } = options;
  const due = new Map<Connection, Timer>();
  const forget = (connection: Connection): void => {
    due.get(connection)?.cancel();
    due.delete(connection);
  };
  const announce = (connection: Connection): void => {
    forget(connection);
    const data = () => statsData(connection, clock, enforcesDutyCycle(connection));
    publish(connection, 'gs.gateway.connection.stats', { data });
  };
  return {
    connected: announce,
    changed(connection) {
      if (due.has(connection)) return;
      due.set(
        connection,
        clock.setTimer(INTERVAL_MS, () => announce(connection)),
      );
    },
    disconnected(connection) {
      forget(connection);
      const message = create(GatewayConnectionStatsSchema, {
        disconnectedAt: timestampFromMs(clock.now()),
      });
      const data = () => ({ schema: GatewayConnectionStatsSchema, message });
      publish(connection, 'gs.gateway.connection.stats', { data });
    },
    stop() {
      for (const timer of due.values()) timer.cancel();
      due.clear();
    },
  };
}
