import { toBinary } from '@bufbuild/protobuf';
import type Database from 'better-sqlite3';
import { type Frame, FrameSchema } from '../api/gen/gatehouse/v1/frames_pb.js';
import { createBoundedCache } from './bounded-cache.ts';
import { type ReceptionRecord, searchText } from './frame-messages.ts';

/** What one transaction of frames.db writes. */
export interface FrameBatch {
  readonly receptions: Map<number, ReceptionRecord>;
  readonly decided: number[];
  readonly frames: Map<number, Frame>;
  readonly updates: Map<number, Frame>;
  readonly lastReceptionId: number;
}

const CACHED_DEVICES = 10_000;

/** A reception's row: everything but the bytes as JSON. */
export function receptionJson({ uplink, ...record }: ReceptionRecord): string {
  const { phyPayload: _, ...rest } = uplink;
  return JSON.stringify({ ...record, uplink: rest });
}

/** Ids as runs of consecutive numbers: receptions are decided much in the order in which they came. */
export function runsOf(ids: readonly number[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const id of [...ids].sort((left, right) => left - right)) {
    const run = runs.at(-1);
    if (run && id <= run[1] + 1) run[1] = id;
    else runs.push([id, id]);
  }
  return runs;
}

/** What {@link receptionJson} wrote. */
export function parseReception(json: string, phyPayload: Uint8Array): ReceptionRecord {
  const record = JSON.parse(json) as ReceptionRecord;
  return { ...record, uplink: { ...record.uplink, phyPayload } };
}

/**
 * Writes batches, each in one transaction: all of it or nothing. A message that cannot be encoded is taken out of its
 * batch and told to `onUnwritable`: it would fail again each time, and keep everything after it from being stored.
 */
export function createFrameWriter(
  db: Database,
  onUnwritable: (id: number, error: unknown, isNew: boolean) => void,
): (batch: FrameBatch) => void {
  const insertReception = db.prepare(
    'INSERT INTO receptions(id, record, phy_payload) VALUES (?, ?, ?)',
  );
  const deleteReceptions = db.prepare('DELETE FROM receptions WHERE id BETWEEN ? AND ?');
  const insertFrame = db.prepare(
    'INSERT INTO frames(id, device, search, message) VALUES (?, ?, ?, ?)',
  );
  const updateFrame = db.prepare(
    'UPDATE frames SET device = ?, search = ?, message = ? WHERE id = ?',
  );
  const setMeta = db.prepare('UPDATE meta SET value = ? WHERE key = ?');
  const addTotal = db.prepare("UPDATE meta SET value = value + ? WHERE key = 'total'");
  const findDevice = db
    .prepare<number>('SELECT key FROM devices WHERE application_id = ? AND device_id = ?')
    .pluck();
  const insertDevice = db.prepare('INSERT INTO devices(application_id, device_id) VALUES (?, ?)');
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  const deviceKeys = createBoundedCache<string, number>(CACHED_DEVICES);

  const deviceKey = ({ endDeviceIds: ids }: Frame): number | null => {
    const applicationId = ids?.applicationIds?.applicationId;
    if (!ids || !applicationId || !ids.deviceId) return null;
    const name = `${applicationId}.${ids.deviceId}`;
    const known = deviceKeys.get(name) ?? findDevice.get(applicationId, ids.deviceId);
    const key = known ?? insertDevice.run(applicationId, ids.deviceId).lastInsertRowid;
    deviceKeys.set(name, key);
    return key;
  };
  const encode = (
    of: Map<number, Frame>,
    isNew: boolean,
  ): (readonly [number, Frame, Uint8Array])[] =>
    [...of].flatMap(([id, frame]) => {
      try {
        return [[id, frame, toBinary(FrameSchema, frame)] as const];
      } catch (error) {
        of.delete(id);
        onUnwritable(id, error, isNew);
        return [];
      }
    });
  const write = (batch: FrameBatch): void => {
    const frames = encode(batch.frames, true);
    const updates = encode(batch.updates, false);
    for (const [id, record] of batch.receptions) {
      insertReception.run(id, receptionJson(record), record.uplink.phyPayload);
    }
    for (const [first, last] of runsOf(batch.decided)) deleteReceptions.run(first, last);
    let lastFrameId = 0;
    for (const [id, frame, message] of frames) {
      insertFrame.run(id, deviceKey(frame), searchText(frame), message);
      lastFrameId = Math.max(lastFrameId, id);
    }
    for (const [id, frame, message] of updates) {
      updateFrame.run(deviceKey(frame), searchText(frame), message, id);
    }
    if (batch.frames.size > 0) {
      addTotal.run(batch.frames.size);
      setMeta.run(lastFrameId, 'last_frame_id');
    }
    // Also after frames only: their receptions may have come and gone within this very batch.
    if (batch.receptions.size + batch.decided.length + batch.frames.size > 0) {
      setMeta.run(batch.lastReceptionId, 'last_reception_id');
    }
  };
  return (batch) => {
    begin.run();
    try {
      write(batch);
      commit.run();
    } catch (error) {
      deviceKeys.clear();
      if (db.inTransaction) rollback.run();
      throw error;
    }
  };
}
