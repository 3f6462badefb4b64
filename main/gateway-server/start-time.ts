/** When a transmission starts, on the clocks of the gateway and of this computer. */

import { fact } from '../base/causes.ts';
import type { TransmitTime } from '../base/gateway-link.ts';
import type { ReceivedUplink } from '../base/seams.ts';
import { type ClockSync, type Connection, knownDelayMs } from './connection.ts';
import { ENOUGH_SAMPLES } from './round-trip-times.ts';
import { type Refused, refused } from './transmit-limits.ts';

export interface Start {
  readonly monotonicMs: number;
  readonly timestampUs: number | undefined;
  readonly time: TransmitTime;
}

const COUNTER_RANGE = 2 ** 32;
const GPS_EPOCH_MS = Date.UTC(1980, 0, 6);
/** GPS time is ahead of UTC by so much since 2017. */
const LEAP_SECONDS_MS = 18_000;
/** A counter is good for choosing a time so long after an uplink: two quartzes part by some tens of milliseconds in it. */
const SYNC_LIFE_MS = 30 * 60_000;

/** Milliseconds since 1970 of a GPS time. */
export function wallTimeMs(gpsTimeMs: number): number {
  return gpsTimeMs + GPS_EPOCH_MS - LEAP_SECONDS_MS;
}

function counterAt(sync: ClockSync, monotonicMs: number): number {
  const elapsedUs = Math.round((monotonicMs - sync.monotonicMs) * 1000);
  return (((sync.timestampUs + elapsedUs) % COUNTER_RANGE) + COUNTER_RANGE) % COUNTER_RANGE;
}

/** A moment of this computer's clock, by the counter of the gateway. */
export function startAt(sync: ClockSync, monotonicMs: number): Start {
  const timestampUs = counterAt(sync, monotonicMs);
  const time = { kind: 'timestamp', concentratorTimestampUs: timestampUs } as const;
  return { monotonicMs, timestampUs, time };
}

/** A receive window after an uplink: counted from the counter at the end of the uplink, modulo 2^32. */
export function startInWindow(
  { uplink, receivedMonotonicMs }: ReceivedUplink,
  delayMs: number,
): Start {
  const timestampUs = (uplink.concentratorTimestampUs + delayMs * 1000) % COUNTER_RANGE;
  return {
    monotonicMs: receivedMonotonicMs + delayMs,
    timestampUs,
    time: { kind: 'timestamp', concentratorTimestampUs: timestampUs },
  };
}

/** What is known of the gateway's counter, if that is recent enough. */
export function recentSync({ clockSync }: Connection, nowMs: number): ClockSync | undefined {
  return clockSync && nowMs - clockSync.monotonicMs <= SYNC_LIFE_MS ? clockSync : undefined;
}

/**
 * A chosen time: by the gateway's GPS where its latest uplink had GPS time. Else by its counter, from which half the
 * measured round trip is taken; where no round trip was measured, there is nothing to correct an estimate with.
 */
export function startAtTime(
  connection: Connection,
  at: { readonly wallMs: number; readonly nowWallMs: number; readonly nowMonotonicMs: number },
): Start | Refused {
  const { clockSync } = connection;
  if (!clockSync) return refused('no_clock_sync', fact('uplinks_heard', connection.uplinkCount));
  if (clockSync.gpsTimeMs !== undefined) {
    const gpsTimeMs = Math.round(at.wallMs - GPS_EPOCH_MS + LEAP_SECONDS_MS);
    const start = startAt(clockSync, clockSync.monotonicMs + gpsTimeMs - clockSync.gpsTimeMs);
    return { ...start, time: { kind: 'gps', gpsTimeMs } };
  }
  const delayMs = knownDelayMs(connection);
  if (delayMs === undefined)
    return refused(
      'no_absolute_gateway_time',
      fact('round_trips_measured', connection.roundTripTimes.count()),
      fact('round_trips_needed', ENOUGH_SAMPLES),
    );
  const monotonicMs = at.nowMonotonicMs + at.wallMs - at.nowWallMs;
  return startAt(clockSync, monotonicMs - delayMs);
}
