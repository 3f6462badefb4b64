import type { Clock, Timer } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { SeenDevice } from '../registry/index.ts';
import { createBoundedCache } from '../store/index.ts';
import type { NetworkDevice, NetworkRegistry } from './ports.ts';

/** Keeps when devices were heard, many of them in one write: an uplink alone is not worth one. */
export interface LastSeen {
  /** @param isUplink data; a join-request does not yet mean that a device is active */
  note(device: NetworkDevice, atMs: number, isUplink: boolean): void;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** How long a reader of the registry may see the time before. */
const FLUSH_MS = 2_000;
/** Devices in one write, so that it holds nobody up. */
const MOST_AT_ONCE = 500;
const KEPT_DEVICES = 40_000;

/** Creates the buffer. */
export function createLastSeen(options: {
  readonly registry: Pick<NetworkRegistry, 'recordSeen'>;
  readonly clock: Clock;
  readonly logger: Logger;
}): LastSeen {
  const { registry, clock, logger } = options;
  /** By row in the network registry. */
  const waiting = new Map<number, SeenDevice>();
  /** Devices whose first uplink since the start was told already. */
  const active = createBoundedCache<number, true>(KEPT_DEVICES);
  let timer: Timer | undefined;

  const flush = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    const seen = [...waiting.values()];
    waiting.clear();
    for (let from = 0; from < seen.length; from += MOST_AT_ONCE) {
      try {
        await registry.recordSeen(seen.slice(from, from + MOST_AT_ONCE));
      } catch (error) {
        logger.warn({ error: errorText(error) }, 'when devices were last seen was not kept');
      }
    }
  };
  return {
    note({ row, applicationId, deviceId }, atMs, isUplink) {
      const before = waiting.get(row);
      const isFirst = isUplink && active.get(row) === undefined;
      if (isFirst) active.set(row, true);
      const firstUplinkAtMs = isFirst ? atMs : before?.firstUplinkAtMs;
      waiting.set(row, {
        applicationId,
        deviceId,
        atMs,
        ...(firstUplinkAtMs !== undefined && { firstUplinkAtMs }),
      });
      timer ??= clock.setTimer(FLUSH_MS, () => void flush());
    },
    close: flush,
  };
}
