import type { Clock } from '../../base/clock.ts';
import type { ReceivedUplink } from '../../base/seams.ts';
import { formatHex } from '../../lorawan/index.ts';

/** Receptions of one transmission, the first heard first. */
export interface Transmission {
  readonly receptions: readonly ReceivedUplink[];
}

export interface DeduplicatorOptions {
  readonly clock: Clock;
  /** How long receptions are collected after the first. */
  readonly windowMs: number;
  /** Called once per transmission, when its window closes. */
  readonly onComplete: (transmission: Transmission) => void;
}

/** Transmissions collected at the same time; above that the oldest window closes early. */
const MAX_OPEN = 20_000;

/** Copies of one transmission share bytes, frequency and data rate. */
function keyOf({ uplink }: ReceivedUplink): string {
  return `${formatHex(uplink.phyPayload)}|${uplink.frequencyHz}|${JSON.stringify(uplink.modulation)}`;
}

/** Collects the receptions of each transmission over all gateways. */
export function createDeduplicator({ clock, windowMs, onComplete }: DeduplicatorOptions) {
  const open = new Map<string, ReceivedUplink[]>();
  const close = (key: string): void => {
    const receptions = open.get(key);
    if (!receptions) return;
    open.delete(key);
    onComplete({ receptions });
  };
  return {
    add(received: ReceivedUplink): void {
      const key = keyOf(received);
      const known = open.get(key);
      if (known) {
        known.push(received);
        return;
      }
      open.set(key, [received]);
      clock.setTimer(windowMs, () => close(key));
      if (open.size > MAX_OPEN) close(open.keys().next().value ?? '');
    },
  };
}
