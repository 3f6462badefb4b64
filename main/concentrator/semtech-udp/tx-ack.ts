import type { TxAcknowledgment, TxResult } from '../../base/gateway-link.ts';
import { type DatagramIssue, parseBody } from './datagram.ts';
import { isObject, lenientMeasurement } from './lenient.ts';
import { eirpFromPowe } from './power.ts';

/** Results by the words of the protocol. */
const RESULTS = new Map<string, TxResult>([
  ['', 'success'],
  ['NONE', 'success'],
  ['TOO_LATE', 'too_late'],
  ['TOO_EARLY', 'too_early'],
  ['COLLISION_PACKET', 'collision_packet'],
  ['COLLISION_BEACON', 'collision_beacon'],
  ['TX_FREQ', 'tx_freq'],
  ['TX_POWER', 'tx_power'],
  ['GPS_UNLOCKED', 'gps_unlocked'],
]);

export interface TxAck {
  readonly acknowledgment: TxAcknowledgment;
  readonly issue?: DatagramIssue;
}

/** Reads the body of a TX_ACK. No body means the frame was queued. Never throws. */
export function parseTxAck(bytes: Uint8Array): TxAck {
  const { body, issue } = parseBody(bytes);
  if (issue) return { acknowledgment: { result: 'unknown', detail: issue.detail }, issue };
  const ack = body?.txpk_ack;
  if (!isObject(ack)) return { acknowledgment: { result: 'success' } };
  const error = typeof ack.error === 'string' ? ack.error.trim().slice(0, 80) : '';
  const warning = typeof ack.warn === 'string' ? ack.warn.trim().slice(0, 80) : '';
  const result = RESULTS.get(error.toUpperCase()) ?? 'unknown';
  const detail = result === 'success' ? warning : error;
  const value = lenientMeasurement(ack.value, -100, 100);
  return {
    acknowledgment: {
      result,
      ...(detail === '' ? {} : { detail }),
      // A warning about power is no failure: the frame goes out with the power in `value`.
      ...(warning.toUpperCase() === 'TX_POWER' && value !== undefined
        ? { transmittedEirpDbm: eirpFromPowe(value) }
        : {}),
    },
  };
}
