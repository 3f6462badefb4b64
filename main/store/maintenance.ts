import type { Clock, Timer } from '../base/clock.ts';
import { errorText } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { StoreWorker } from './worker-client.ts';
import type { DatabaseName } from './worker-protocol.ts';

/** Frames kept unless the setting `frames.max` says otherwise. */
export const DEFAULT_MAX_FRAMES = 1_000_000;

/** Rows written after which the worker writes them back into the database file. */
const ROWS_PER_CHECKPOINT = 500;
/** Quiet time after which the log file is emptied. */
const IDLE_MS = 5_000;
/** Log size at which it is emptied even while writing goes on. */
const LARGE_LOG_BYTES = 64 * 1024 * 1024;
const PROBE_MS = 2_000;
/** Frames above the limit that are tolerated before old ones are deleted. */
const RETENTION_SLACK = 200;

/** Work that keeps the files small, done by the store worker. */
export interface Maintenance {
  wrote(database: DatabaseName, rows: number): void;
  /** While storing fails, tries regularly whether it works again. */
  probing(on: boolean): void;
  close(): void;
}

export function createMaintenance(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: StoreWorker;
  /** Whether the worker brings what was written into the database files; else the writer does. */
  readonly checkpoints: boolean;
  /** NaN for the default. */
  readonly maxFrames: () => number;
  readonly totalFrames: () => number;
  readonly onDeleted: (count: number) => void;
  readonly probe: () => void;
}): Maintenance {
  const { clock, logger, worker } = options;
  const rowsSince: Record<DatabaseName, number> = { registry: 0, frames: 0 };
  const checkpointing: Record<DatabaseName, boolean> = { registry: false, frames: false };
  let idleTimer: Timer | undefined;
  let probeTimer: Timer | undefined;
  let retaining = false;
  let isClosed = false;

  const failed = (error: unknown): void => {
    if (!isClosed) logger.warn({ error: errorText(error) }, 'maintenance of the store failed');
  };
  const checkpoint = (database: DatabaseName, truncate: boolean): void => {
    if (checkpointing[database] || isClosed) return;
    checkpointing[database] = true;
    rowsSince[database] = 0;
    void worker
      .call('checkpoint', { database, truncate })
      .then(({ logBytes }) => {
        checkpointing[database] = false;
        if (!truncate && logBytes > LARGE_LOG_BYTES) checkpoint(database, true);
      })
      .catch((error: unknown) => {
        checkpointing[database] = false;
        failed(error);
      });
  };
  const retain = async (): Promise<void> => {
    const setting = options.maxFrames();
    const maxFrames = Number.isFinite(setting) ? setting : DEFAULT_MAX_FRAMES;
    if (retaining || options.totalFrames() <= maxFrames + RETENTION_SLACK) return;
    retaining = true;
    try {
      let deleted = 1;
      while (deleted > 0 && !isClosed) {
        deleted = await worker.call('retain', { maxFrames });
        options.onDeleted(deleted);
      }
    } finally {
      retaining = false;
    }
  };
  return {
    wrote(database, rows) {
      if (isClosed) return;
      if (database === 'frames') void retain().catch(failed);
      if (!options.checkpoints) return;
      rowsSince[database] += rows;
      if (rowsSince[database] >= ROWS_PER_CHECKPOINT) checkpoint(database, false);
      idleTimer?.cancel();
      idleTimer = clock.setTimer(IDLE_MS, () => {
        idleTimer = undefined;
        checkpoint('registry', true);
        checkpoint('frames', true);
      });
    },
    probing(on) {
      probeTimer?.cancel();
      probeTimer = undefined;
      if (!on || isClosed) return;
      const again = (): void => {
        probeTimer = clock.setTimer(PROBE_MS, again);
        options.probe();
      };
      probeTimer = clock.setTimer(PROBE_MS, again);
    },
    close() {
      isClosed = true;
      idleTimer?.cancel();
      probeTimer?.cancel();
    },
  };
}
