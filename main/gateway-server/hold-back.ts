import type { TransmitTime } from '../base/gateway-link.ts';
import type { GatewaySettings } from '../registry/index.ts';
import type { Connection } from './connection.ts';

/** A forwarder without a queue of its own keeps one frame, the newest; it gets each so long before its time. */
const LATE_MS = 800;

/**
 * How long a frame waits here before it goes to its gateway. Packet forwarders that have acknowledged a downlink have a
 * queue and take frames early; of others nobody knows, and some are registered as wanting frames late.
 */
export function holdBackMs(
  { link, hasAcknowledged }: Connection,
  { scheduleLate }: GatewaySettings,
  { time, marginMs }: { readonly time: TransmitTime; readonly marginMs: number },
): number {
  if (link.kind !== 'semtech_udp' || time.kind === 'immediate') return 0;
  return hasAcknowledged && !scheduleLate ? 0 : Math.max(0, marginMs - LATE_MS);
}
