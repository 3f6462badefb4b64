import { fromBinary } from '@bufbuild/protobuf';
import type Database from 'better-sqlite3';
import {
  type Frame,
  FrameSchema,
  type Transmission,
  type Verdict,
} from '../api/gen/gatehouse/v1/frames_pb.js';
import type { Clock, Timer } from '../base/clock.ts';
import { errorText, type GatehouseError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { formatHex } from '../lorawan/index.ts';
import { createBoundedCache } from './bounded-cache.ts';
import { createCommitPace } from './commit-pace.ts';
import { sqliteCode, storageFailure } from './errors.ts';
import { createFrameWriter, type FrameBatch, parseReception } from './frame-batch.ts';
import { notProcessedFrame, type ReceptionRecord, receptionMessage } from './frame-messages.ts';
import { plainBytes } from './simple-tables.ts';
import type { StoreWorker } from './worker-client.ts';
import type { FrameQuery } from './worker-protocol.ts';

export interface FrameChange {
  readonly verdict?: Verdict;
  readonly transmission?: Transmission;
  /** Where a downlink goes on air, if that is not where it was to go first. */
  readonly place?: Pick<Frame, 'frequencyHz' | 'dataRate' | 'dataRateIndex' | 'timeOnAirUs'>;
  /** Receptions that came after the frame was decided. */
  readonly receptionIds?: readonly number[];
}

/** A device as frames name it. */
export interface DeviceName {
  readonly applicationId: string;
  readonly deviceId: string;
}

export interface FrameList {
  readonly frames: Frame[];
  /** Number of all recorded frames. */
  readonly total: number;
  readonly more: boolean;
  /** The search was cut at its time limit here; go on with it as `beforeId` (or `afterId`). */
  readonly stoppedAtId?: number;
}

/** Receptions and frames, in frames.db. Ids are known at once; rows are written after the turn of the event loop, under load after a few. */
export interface FrameStore {
  addReception(record: ReceptionRecord): number;
  /** Stores a decided frame with its receptions, and sets `id` and `receptions` of the message. */
  addFrame(frame: Frame, receptionIds: readonly number[]): number;
  updateFrame(id: number, change: FrameChange): void;
  /** Resolves once everything added so far is committed; rejects if it cannot be. */
  flush(): Promise<void>;
  get(id: number): Frame | undefined;
  /** The newest frames of a device, newest first, those that are not written yet included. */
  recentOfDevice(device: DeviceName, limit: number): Frame[];
  /** A page of frames, newest first, or oldest first above `afterId`. */
  list(query: FrameQuery): Promise<FrameList>;
  /** Called with each added or changed frame. */
  onFrame(listener: (frame: Frame) => void): () => void;
  total(): number;
  /** Frames that were not recorded because storing failed for too long. */
  lostCount(): number;
}

export interface FrameStoreOptions {
  readonly db: Database;
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly worker: StoreWorker;
  /** Fewer rows wait for others, or until somebody waits for them. 1 writes whatever there is in the next turn. */
  readonly rowsPerCommit: number;
  /** Called with the number of rows after each commit. */
  readonly onCommit: (rows: number) => void;
  /** Called when storing fails, and with undefined when it works again. */
  readonly onFailure: (failure: GatehouseError | undefined) => void;
}

/** The parts of {@link FrameStore} that only the store itself uses. */
export interface OwnedFrameStore extends FrameStore {
  /** Old frames were deleted by the worker. */
  deleted(count: number): void;
  commitNow(): void;
  close(): void;
}

/** Undecided receptions and waiting rows kept in memory. */
const KEPT_RECEPTIONS = 20_000;
const MAX_WAITING_FRAMES = 20_000;
/**
 * Receptions kept with one frame. More gateways than that hear no frame; a gateway that sends the same bytes over and over
 * must not make its record longer and slower to write with each.
 */
export const MOST_RECEPTIONS = 256;
const RETRY_MS = 1_000;
/** Rows in one commit that show that more are coming, and how many turns then share one. */
const CROWDED_ROWS = 8;
const SHARING_TURNS = 32;

interface MutableBatch extends FrameBatch {
  receptions: Map<number, ReceptionRecord>;
  decided: number[];
  frames: Map<number, Frame>;
  updates: Map<number, Frame>;
  lastReceptionId: number;
}

/** Opens the frames of a database whose layout is up to date. */
export function createFrameStore(options: FrameStoreOptions): OwnedFrameStore {
  const { db, path, clock, logger, worker } = options;
  const write = createFrameWriter(db, (id, error, isNew) => {
    logger.error({ frameId: id, error }, 'a frame cannot be stored');
    if (!isNew) return;
    total -= 1;
    lost += 1;
  });
  const readMeta = db.prepare<number>('SELECT value FROM meta WHERE key = ?').pluck();
  const readFrame = db.prepare<Uint8Array>('SELECT message FROM frames WHERE id = ?').pluck();
  const readReception = db.prepare<{ record: string; phyPayload: Uint8Array }>(
    'SELECT record, phy_payload AS phyPayload FROM receptions WHERE id = ?',
  );
  const readRecent = db.prepare<{ id: number; message: Uint8Array }>(
    `SELECT id, message FROM frames WHERE device =
       (SELECT key FROM devices WHERE application_id = ? AND device_id = ?) ORDER BY id DESC LIMIT ?`,
  );
  const undecided = createBoundedCache<number, ReceptionRecord>(KEPT_RECEPTIONS);
  const listeners = new Set<(frame: Frame) => void>();
  const waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const batch: MutableBatch = {
    receptions: new Map(),
    decided: [],
    frames: new Map(),
    updates: new Map(),
    lastReceptionId: readMeta.get('last_reception_id') ?? 0,
  };
  let lastFrameId = readMeta.get('last_frame_id') ?? 0;
  let total = readMeta.get('total') ?? 0;
  let lost = 0;
  let retry: Timer | undefined;
  let failure: GatehouseError | undefined;

  const waitingRows = (): number => batch.receptions.size + batch.frames.size + batch.updates.size;
  const isEmpty = (): boolean => waitingRows() + batch.decided.length === 0;
  const settleWaiters = (error?: unknown): void => {
    for (const waiter of waiters.splice(0)) {
      if (error === undefined) waiter.resolve();
      else waiter.reject(error);
    }
  };
  const report = (next: GatehouseError | undefined): void => {
    if (next?.code === failure?.code) return;
    failure = next;
    options.onFailure(next);
  };
  const written = (): void => {
    const rows = waitingRows();
    batch.receptions.clear();
    batch.decided.length = 0;
    batch.frames.clear();
    batch.updates.clear();
    report(undefined);
    settleWaiters();
    options.onCommit(rows);
  };
  /** Keeps what could not be written for a later attempt, but not without end. */
  const keepForLater = (error: unknown): void => {
    const storage = storageFailure(error, path);
    if (!storage) logger.error({ error }, 'frames could not be stored');
    else report(storage);
    for (const id of batch.frames.keys()) {
      if (batch.frames.size <= MAX_WAITING_FRAMES) break;
      batch.frames.delete(id);
      total -= 1;
      lost += 1;
    }
    for (const id of batch.receptions.keys()) {
      if (batch.receptions.size <= MAX_WAITING_FRAMES) break;
      batch.receptions.delete(id);
    }
    settleWaiters(storage ?? error);
    retry ??= clock.setTimer(RETRY_MS, () => {
      retry = undefined;
      commitNow();
    });
  };
  function commitNow(): void {
    pace.committed(waitingRows());
    if (isEmpty()) {
      settleWaiters();
      return;
    }
    try {
      write(batch);
    } catch (error) {
      if (sqliteCode(error)?.startsWith('SQLITE_BUSY')) schedule();
      else keepForLater(error);
      return;
    }
    written();
  }
  const pace = createCommitPace({
    commit: commitNow,
    crowdedAt: CROWDED_ROWS,
    sharedBy: SHARING_TURNS,
  });
  function schedule(): void {
    if (retry) return;
    const waiting = waitingRows() + batch.decided.length;
    if (waiters.length > 0 || waiting >= options.rowsPerCommit) pace.request();
  }

  const tell = (frame: Frame): void => {
    for (const listener of listeners) {
      try {
        listener(frame);
      } catch (error) {
        logger.error({ error: errorText(error) }, 'a reader of frames failed');
      }
    }
  };
  const takeReception = (id: number): ReceptionRecord | undefined => {
    const known = undecided.get(id) ?? batch.receptions.get(id);
    undecided.delete(id);
    if (batch.receptions.delete(id)) return known;
    batch.decided.push(id);
    if (known) return known;
    const row = readReception.get(id);
    return row && parseReception(row.record, plainBytes(row.phyPayload));
  };
  /** Takes all of them, and makes messages of as many as there is room for. */
  const takeReceptions = (ids: readonly number[], room: number): Frame['receptions'] =>
    ids.flatMap((id, index) => {
      const record = takeReception(id);
      return record && index < room ? [receptionMessage(id, record)] : [];
    });
  const get = (id: number): Frame | undefined => {
    const known = batch.updates.get(id) ?? batch.frames.get(id);
    if (known) return known;
    const row = readFrame.get(id);
    return row && fromBinary(FrameSchema, plainBytes(row));
  };
  const insert = (frame: Frame): number => {
    lastFrameId += 1;
    total += 1;
    frame.id = BigInt(lastFrameId);
    batch.frames.set(lastFrameId, frame);
    schedule();
    return lastFrameId;
  };
  const flush = (): Promise<void> => {
    if (isEmpty()) return Promise.resolve();
    if (retry && failure) return Promise.reject(failure);
    return new Promise((resolve, reject) => {
      waiters.push({ resolve, reject });
      schedule();
    });
  };

  recoverUndecided(db, insert, (id) => batch.decided.push(id));
  return {
    addReception(record) {
      batch.lastReceptionId += 1;
      const id = batch.lastReceptionId;
      undecided.set(id, record);
      batch.receptions.set(id, record);
      schedule();
      return id;
    },
    addFrame(frame, receptionIds) {
      if (receptionIds.length > 0) {
        frame.receptions = takeReceptions(receptionIds, MOST_RECEPTIONS);
      }
      const id = insert(frame);
      tell(frame);
      return id;
    },
    updateFrame(id, change) {
      const frame = get(id);
      if (!frame) return;
      if (change.verdict) frame.verdict = change.verdict;
      if (change.transmission) frame.transmission = change.transmission;
      if (change.place) Object.assign(frame, change.place);
      const room = MOST_RECEPTIONS - frame.receptions.length;
      const added = takeReceptions(change.receptionIds ?? [], room);
      frame.receptions.push(...added);
      if (added.length === 0 && !change.verdict && !change.transmission) {
        // The receptions are decided all the same.
        schedule();
        return;
      }
      if (!batch.frames.has(id)) batch.updates.set(id, frame);
      schedule();
      tell(frame);
    },
    flush,
    get,
    recentOfDevice({ applicationId, deviceId }, limit) {
      const waiting = [...batch.frames.values()].filter(
        ({ endDeviceIds: ids }) =>
          ids?.deviceId === deviceId && ids.applicationIds?.applicationId === applicationId,
      );
      const written = readRecent
        .all(applicationId, deviceId, limit)
        .map(
          ({ id, message }) =>
            batch.updates.get(id) ?? fromBinary(FrameSchema, plainBytes(message)),
        );
      return [...waiting.reverse(), ...written].slice(0, limit);
    },
    async list(query) {
      await flush().catch(() => undefined);
      const { rows, ...rest } = await worker.call('listFrames', query);
      return {
        frames: rows.map(({ message }) => fromBinary(FrameSchema, plainBytes(message))),
        total,
        ...rest,
      };
    },
    onFrame(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    total: () => total,
    lostCount: () => lost,
    deleted(count) {
      total -= count;
    },
    commitNow,
    close() {
      retry?.cancel();
      retry = undefined;
      commitNow();
    },
  };
}

/** Turns receptions that no frame took before the program ended into frames that say so. */
function recoverUndecided(
  db: Database,
  insert: (frame: Frame) => number,
  decided: (receptionId: number) => void,
): void {
  const rows = db
    .prepare<{ id: number; record: string; phyPayload: Uint8Array }>(
      'SELECT id, record, phy_payload AS phyPayload FROM receptions ORDER BY id',
    )
    .all();
  const groups = new Map<string, { id: number; record: ReceptionRecord }[]>();
  for (const { id, record, phyPayload } of rows) {
    const key = formatHex(phyPayload);
    const group = groups.get(key) ?? [];
    group.push({ id, record: parseReception(record, plainBytes(phyPayload)) });
    groups.set(key, group);
    decided(id);
  }
  for (const group of groups.values()) insert(notProcessedFrame(group));
}
