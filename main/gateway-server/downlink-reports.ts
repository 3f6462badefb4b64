import type { Clock } from '../base/clock.ts';
import type { EventInput } from '../events/index.ts';
import type { Connection } from './connection.ts';
import {
  acknowledgmentData,
  attemptData,
  downlinkData,
  resultData,
  upstreamData,
} from './messages.ts';
import type { SchedulerOptions } from './scheduler.ts';

/** What is counted and told of downlinks on their way through a gateway. */
export function createDownlinkReports(options: {
  readonly clock: Clock;
  publish(
    connection: Connection,
    name: string,
    rest?: Pick<EventInput, 'data' | 'causeCode' | 'correlationIds'>,
  ): void;
  changed(connection: Connection): void;
}): Pick<SchedulerOptions, 'onAttempt' | 'onRefused' | 'onSend' | 'onAcknowledged'> {
  const { clock, publish, changed } = options;
  return {
    onAttempt(tried) {
      const { correlationIds = [] } = tried.request;
      const data = () => attemptData(tried);
      publish(tried.connection, 'gs.down.schedule.attempt', { data, correlationIds });
    },
    onRefused({ connection, request }, { cause }) {
      const { correlationIds = [] } = request;
      publish(connection, 'gs.down.schedule.fail', { causeCode: cause, correlationIds });
    },
    onSend(connection, request, correlationIds) {
      connection.downlinkCount += 1;
      connection.lastDownlinkAtMs = clock.now();
      publish(connection, 'gs.down.send', { data: () => downlinkData(request), correlationIds });
      changed(connection);
    },
    onAcknowledged(connection, acknowledgment, correlationIds) {
      const { result, roundTripMs } = acknowledgment;
      const isAnswer = result !== 'no_acknowledgment';
      if (isAnswer) {
        connection.hasAcknowledged = true;
        connection.txAcknowledgmentCount += 1;
        connection.lastTxAcknowledgmentAtMs = clock.now();
        const data = () => acknowledgmentData(acknowledgment);
        publish(connection, 'gs.txack.receive', { data, correlationIds });
      }
      if (roundTripMs !== undefined) connection.roundTripTimes.add(roundTripMs);
      if (result === 'success') publish(connection, 'gs.down.tx.success', { correlationIds });
      else {
        connection.txFailureCount += 1;
        const data = () => resultData(acknowledgment);
        publish(connection, 'gs.down.tx.fail', { causeCode: result, data, correlationIds });
      }
      if (isAnswer) publish(connection, 'gs.txack.forward', { data: upstreamData, correlationIds });
      // Until an uplink shows that it has GPS time again.
      if (result === 'gps_unlocked' && connection.clockSync)
        connection.clockSync = { ...connection.clockSync, gpsTimeMs: undefined };
      changed(connection);
    },
  };
}
