import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { type Frame, FrameSchema } from '../../main/api/gen/gatehouse/v1/frames_pb.js';
import { systemClock } from '../../main/base/clock.ts';
import { silentLogger } from '../../main/base/logger.ts';
import { openDatabase } from '../../main/store/database.ts';
import { searchText } from '../../main/store/frame-messages.ts';
import { FRAMES_MIGRATIONS } from '../../main/store/frames-schema.ts';
import { createStore } from '../../main/store/index.ts';
import { sampleFrame } from '../../main/store/testing/samples.ts';
import { type RoundsResult, runInterleaved } from './rounds.ts';

const ROWS = 4_000;
/** Rows of one transaction, which in the program is one turn of the event loop. */
const ROWS_AT_ONCE = 100;
const ROUNDS = 9;
const DEVICES = 256;

function perSecond(startMs: number): number {
  return (ROWS / (performance.now() - startMs)) * 1_000;
}

/** The same rows, made beforehand, through one prepared statement of one connection. */
function bareConnection(directory: string, frames: readonly Frame[]) {
  const db = openDatabase({
    path: join(directory, 'bare.db'),
    migrations: FRAMES_MIGRATIONS,
    synchronous: 'NORMAL',
    busyTimeoutMs: 0,
    checkpointPages: 0,
    exclusive: false,
    copyBeforeMigration: false,
  });
  const insert = db.prepare('INSERT INTO frames(id, device, search, message) VALUES (?, ?, ?, ?)');
  const rows = frames.map((frame) => [searchText(frame), toBinary(FrameSchema, frame)] as const);
  let id = 0;
  return {
    run(): number {
      const startMs = performance.now();
      for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
        db.exec('BEGIN IMMEDIATE');
        for (const [search, message] of rows.slice(at, at + ROWS_AT_ONCE)) {
          id += 1;
          insert.run(id, 1 + (id % DEVICES), search, message);
        }
        db.exec('COMMIT');
      }
      return perSecond(startMs);
    },
    close: () => db.close(),
  };
}

/** Frames per second that the store encodes and writes, against one connection that inserts the finished rows. */
export async function measureFrameRows(): Promise<RoundsResult> {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const frames = Array.from({ length: ROWS }, (_, index) =>
    sampleFrame(`device-${index % DEVICES}`),
  );
  const store = await createStore({ directory, clock: systemClock(), logger: silentLogger() });
  const bare = bareConnection(directory, frames);
  try {
    return await runInterleaved(
      {
        store: async () => {
          const startMs = performance.now();
          for (let at = 0; at < frames.length; at += ROWS_AT_ONCE) {
            for (const frame of frames.slice(at, at + ROWS_AT_ONCE))
              store.frames.addFrame(frame, []);
            await store.frames.flush();
          }
          return perSecond(startMs);
        },
        'one connection': bare.run,
      },
      ROUNDS,
    );
  } finally {
    bare.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
